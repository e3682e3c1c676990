/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * State that moves from a map to its larger successor while programs write to the first, and then to
 * the second: copied once before the programs are exchanged, and what has changed since once after.
 */
#ifndef ELFMAP_CARRY_H
#define ELFMAP_CARRY_H

#include "upgrade/version.h"

struct elfmap_carry;

/* All maps of a version that are not tables, each with its predecessor. */
struct elfmap_carries {
	struct elfmap_carry **at;
	size_t nr;
};

/* Begins with all maps of NEXT but PROG_ARRAYs, which are pinned below NEXT_DIR, and those before below OLD_DIR. */
int elfmap_carries__begin(const struct elfmap_version *next, const char *old_dir, const char *next_dir,
			  struct elfmap_carries *ret_carries, struct elfmap_msg *msg);
/* The programs have changed over: a failure is an entry lost, and no reason to go back. */
void elfmap_carries__finish(const struct elfmap_carries *carries, size_t *ret_late, size_t *ret_lost);
void elfmap_carries__free(struct elfmap_carries *carries);

/* Makes the map pinned at TO have the entries of the one pinned at FROM, and no others; remembers them.
 * -EOPNOTSUPP: entries of such a map cannot be read. elfmap_carry__free() what it gives. */
int elfmap_carry__begin(const char *from, const char *to, struct elfmap_carry **ret_carry, struct elfmap_msg *msg);

/* Carries over what FROM got since then. Entries that both got are not: *RET_LOST of them keep what TO
 * has; *RET_LATE were carried now. */
int elfmap_carry__finish(struct elfmap_carry *carry, size_t *ret_late, size_t *ret_lost, struct elfmap_msg *msg);
void elfmap_carry__free(struct elfmap_carry *carry);

#endif
