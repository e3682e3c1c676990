/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Would a tc that was built without libbpf take the object? It reads `maps` itself, puts the numbers
 * of the maps into the instructions of one section, appends `.text` when that section calls into it,
 * and gives the kernel no BTF. What an object needs beyond that is named, with its place.
 */
#ifndef ELFMAP_OLD_TC_H
#define ELFMAP_OLD_TC_H

#include "object/object.h"

struct elfmap_old_tc {
	char **reasons; /* why it would not; none: it would */
	size_t nr_reasons;
	char **warnings; /* it would, and something would not be as meant */
	size_t nr_warnings;
};

/* The section NAME, or every program when it is NULL, and always the tail-call sections, which tc loads
 * with each. From the object alone: what the verifier says is not foreseen. -ENOMEM only. */
int elfmap_object__old_tc(const struct elfmap_object *obj, const char *section, struct elfmap_old_tc *ret_verdict);
void elfmap_old_tc__free(struct elfmap_old_tc *verdict);

#endif
