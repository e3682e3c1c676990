/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Values that were taken out of a QUEUE or STACK, and are kept until they are written elsewhere. */
#ifndef ELFMAP_TAKEN_H
#define ELFMAP_TAKEN_H

#include "map/map.h"

/* All members except `map` start as zero. */
struct elfmap_taken {
	const struct elfmap_reader *map;
	unsigned char *values; /* in the order in which they were taken */
	size_t count;
	size_t room;
};

/* Takes the next value out of the map. *RET_VALUE is valid until the next call. -ENOENT: the map is empty. */
int elfmap_taken__next(struct elfmap_taken *taken, const void **ret_value, struct elfmap_msg *msg);
/* The values were written. */
void elfmap_taken__forget(struct elfmap_taken *taken);
/* Puts the values back into their places: they are the next ones again. On failure the message says how many are lost,
 * because the map was filled meanwhile. */
int elfmap_taken__put_back(struct elfmap_taken *taken, struct elfmap_msg *msg);
void elfmap_taken__free(struct elfmap_taken *taken);

#endif
