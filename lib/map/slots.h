/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Slots of a jump table (PROG_ARRAY) by name: the enumerators of the table's key type. */
#ifndef ELFMAP_SLOTS_H
#define ELFMAP_SLOTS_H

#include "text/types.h"

/* The slot that WORD means in a table of SLOTS slots: a number, or an enumerator of KEY, written in full or
 * without the part that all of them begin with, in either case: PARSER_IPV4, ipv4. KEY may be NULL, or
 * another type: there are no names then. -ENOENT: no slot has this name (the message lists some);
 * -ERANGE: the table ends before. */
int elfmap_slots__find(const struct elfmap_type *key, const char *word, __u32 slots, __u32 *ret_slot,
		       struct elfmap_msg *msg);

#endif
