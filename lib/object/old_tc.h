/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does a tc that was built without libbpf load the object? Such a tc reads `maps` itself, writes the descriptors of
 * the maps into the instructions of one section, appends `.text` if that section calls into it, and loads no BTF.
 */
#ifndef ELFMAP_OLD_TC_H
#define ELFMAP_OLD_TC_H

#include "object/object.h"

struct elfmap_old_tc {
	char **reasons; /* why not, each with its place; it loads the object if there are no reasons */
	size_t nr_reasons;
	char **warnings; /* it loads, but something does not work as intended */
	size_t nr_warnings;
};

/* The section NAME, or every program when it is NULL, and always the tail-call sections, which tc loads
 * with each. From the object alone, without the verifier. -ENOMEM is the only error. */
int elfmap_object__old_tc(const struct elfmap_object *obj, const char *section, struct elfmap_old_tc *ret_verdict);
void elfmap_old_tc__free(struct elfmap_old_tc *verdict);

#endif
