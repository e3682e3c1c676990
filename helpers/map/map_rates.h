/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rates, for `elfmap map watch`. Of all entries the numbers are kept that they had at the last look, of the
 * busiest ones everything, so that a look at a million entries takes little more memory than they do.
 */
#ifndef ELFMAP_MAP_RATES_H
#define ELFMAP_MAP_RATES_H

#include <time.h>

#include "map/entries.h"
#include "map/map.h"

/* One of the busiest. */
struct rates_row {
	double rate;   /* of its first number */
	size_t number; /* of the entry, in the order they came */
	size_t place;  /* private */
	bool is_new;   /* it was not there at the last look */
};

struct rates {
	const struct elfmap_reader *map;
	double seconds; /* between the last two looks; 0: there was one only */
	size_t nr_entries;
	struct rates_row *rows; /* the busiest first */
	size_t nr_rows;

	/* private */
	size_t most;
	size_t room;
	double least;	       /* what is no busier need not come; below 0: everything */
	unsigned char *places; /* of rows: key, value (all copies), numbers at the last look */
	size_t place_size;
	size_t nr_numbers; /* of an entry */
	__u64 *numbers;	   /* room for so many */
	struct elfmap_entries last;
	size_t nr_last;	     /* of these, those that were there before this look, */
	unsigned char *seen; /* and which of them are still there */
	struct timespec time;
};

/* For MAP, which must outlive it. rates__free() it, also after a failure. */
int rates__begin(struct rates *rates, const struct elfmap_reader *map, struct elfmap_msg *msg);
void rates__free(struct rates *rates);

/* Reads the map. At most MOST rows are kept. */
int rates__look(struct rates *rates, size_t most, struct elfmap_msg *msg);

const void *rates__key(const struct rates *rates, const struct rates_row *row);
struct elfmap_value rates__value(const struct rates *rates, const struct rates_row *row);

/* The rate of TYPE, the Nth number of the row's value, which is now VALUE. */
double rates__of(const struct rates *rates, const struct rates_row *row, size_t n, const struct elfmap_type *type,
		 const struct elfmap_value *value);

#endif
