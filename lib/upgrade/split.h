/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Users of a map that a change makes anew. Whoever is not part of the change would go on with the old map: programs, in
 * any network namespace, maps of maps that hold it, and processes that have it open.
 */
#ifndef ELFMAP_SPLIT_H
#define ELFMAP_SPLIT_H

#include "elfmap.h"

/* Programs that are part of a change, with the stages in their tables. */
struct elfmap_party {
	__u32 *progs;
	size_t nr;
};

/* Adds program ID, and the programs in the PROG_ARRAYs that it uses. -ENOMEM */
int elfmap_party__add(struct elfmap_party *party, __u32 id);
void elfmap_party__free(struct elfmap_party *party);

/* -EBUSY: map ID has a user that is not in PARTY; MSG names it. NAME: of the map, for MSG; FILE: the object. */
int elfmap_split__check(__u32 id, const char *name, const char *file, const struct elfmap_party *party,
			struct elfmap_msg *msg);

#endif
