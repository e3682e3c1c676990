/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which program jumps through which PROG_ARRAY. */
#ifndef ELFMAP_CALLERS_H
#define ELFMAP_CALLERS_H

#include "object/object.h"

/* By index in obj->maps: the first program that goes into no slot and uses the map, or jumps to a program that does.
 * NULL: none, or the map is used by what it calls alone. Only maps with programs for slots are looked at. */
void elfmap_object__find_entries(const struct elfmap_object *obj, const struct elfmap_prog *ret_entries[ELF_MAX_MAPS]);

#endif
