/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Users of a map that a change makes anew. Whoever is not part of the change would go on with the old map: programs, in
 * any network namespace, maps of maps that hold it, and processes that have it open.
 */
#ifndef ELFMAP_SPLIT_H
#define ELFMAP_SPLIT_H

#include "upgrade/running.h"

/* -EBUSY: map ID has a user that is not in PARTY, the programs of the change; MSG names it. NAME: of the map, for MSG;
 * FILE: the object. */
int elfmap_split__check(__u32 id, const char *name, const char *file, const struct elfmap_running *party,
			struct elfmap_msg *msg);

#endif
