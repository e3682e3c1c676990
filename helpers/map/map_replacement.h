/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Making the entries of a map equal to others, for `map replace`, `map diff` and `map restore --contents`. */
#ifndef ELFMAP_MAP_REPLACEMENT_H
#define ELFMAP_MAP_REPLACEMENT_H

#include "helpers/map/map_target.h"
#include "map/map_copy.h"
#include "text/buffer.h"

struct replacement {
	struct target target;
	struct elfmap_source file; /* the entries, with ids of objects */
	struct elfmap_comparison comparison;
	struct elfmap_buffer buffer;
	struct elfmap_json json;
	size_t nr_added; /* filled in by replacement__apply() */
};

/* Prints the differences; in JSON an array. Returns 0 or a negative errno, about which it has complained. */
int replacement__print(struct replacement *r);
/* Complains if the entries do not fit. Returns an exit status. */
int replacement__check_room(const struct replacement *r);
/* Compares, and makes the map equal. Complains; returns an exit status. */
int replacement__apply(struct replacement *r);
void replacement__end(struct replacement *r);

#endif
