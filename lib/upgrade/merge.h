/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Merges the variables of a section of global data three ways, by name and type: the running value, its start value,
 * and the start value of the new version. This uses neither the kernel nor globals.
 *
 *   running value changed, start value the same    the running value is kept
 *   not changed                                    the new start value
 *   both changed                                   the running value is kept, and reported as a conflict
 *   start value of the running version unknown     the running value is kept, and reported as not noted
 *   other type                                     an integer that fits is kept, other values start anew
 */
#ifndef ELFMAP_MERGE_H
#define ELFMAP_MERGE_H

#include <bpf/btf.h>

#include "object/object.h"

/* One version of a section. */
struct elfmap_globals_side {
	const struct btf *btf;		   /* of the types; NULL: none */
	struct elfmap_variable *variables; /* by offset */
	size_t nr;
	unsigned char *bytes; /* running: current values; new: start values */
	unsigned char *start; /* running: start values; NULL: unknown */
	size_t size;
};

enum elfmap_variable_fate {
	ELFMAP_VARIABLE_NEW,	   /* the running version has none of this name */
	ELFMAP_VARIABLE_UNCHANGED, /* at run time */
	ELFMAP_VARIABLE_KEPT,
	ELFMAP_VARIABLE_CONFLICT,
	ELFMAP_VARIABLE_UNNOTED,
	ELFMAP_VARIABLE_CONVERTED, /* to an integer type of another size or sign */
	ELFMAP_VARIABLE_RETYPED,   /* starts anew, though it was changed */
};

struct elfmap_merged {
	enum elfmap_variable_fate fate;
	size_t from; /* index in the running version's variables; valid unless it is new */
};

/* Merges into BYTES, which are TO's start values, and tells for each variable of TO what became of it. CONSTANT:
 * unknown start values mean that the values were not changed. */
void elfmap_globals__merge(const struct elfmap_globals_side *from, const struct elfmap_globals_side *to, bool constant,
			   unsigned char *bytes, struct elfmap_merged *ret_merged);

/* How many variables of FROM does TO not have? */
size_t elfmap_globals__count_removed(const struct elfmap_globals_side *from, const struct elfmap_globals_side *to);

#endif
