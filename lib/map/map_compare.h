/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What makes a map's content equal to a set of entries: the fewest changes. */
#ifndef ELFMAP_MAP_COMPARE_H
#define ELFMAP_MAP_COMPARE_H

#include "map/entries.h"
#include "map/map.h"

struct elfmap_comparison {
	const struct elfmap_reader *map;
	/* Finished; values in the form that the map shows them (programs and maps by their ids). */
	const struct elfmap_entries *wanted;
	/* NULL, or called for each difference, in no order: OLD is NULL for what is to be added, NEW for what
	 * is to be deleted. A negative errno ends the comparison. */
	int (*differs)(void *context, const void *key, const void *old_value, const void *new_value);
	void *context;

	/* Filled in. */
	unsigned char *is_equal; /* by index in WANTED: the map has it already */
	size_t nr_equal;
	size_t nr_changed;	 /* keys that the map has with another value */
	unsigned char *leftover; /* keys that the map has and WANTED has not; slots that are zero are no leftovers */
	size_t nr_leftover;
	size_t room;
	unsigned char *zeros; /* the value of a slot that cannot be deleted */
};

/* Reads the map once. Zero all but the first block before. */
int elfmap_comparison__make(struct elfmap_comparison *comparison, struct elfmap_msg *msg);
void elfmap_comparison__free(struct elfmap_comparison *comparison);

#endif
