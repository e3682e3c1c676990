/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pins that elfmap has made and that nothing needs any more:
 *
 *   tc/generations   versions of deployments whose programs are attached nowhere, in no network namespace
 *   tc/progs         programs that `load` has pinned and that are attached nowhere
 *   tc/SHA1          maps of an object whose programs have been removed
 *   tc/links         links of removed devices
 *   tc/elfmap:PATH   notes of pins that are gone
 *
 * What is needed is marked, starting from programs at hooks, maps that processes have open, and pins that are not of
 * these kinds: a marked program marks its maps, and a marked table or map of maps what is in its slots. So programs and
 * tables that only keep each other alive are found.
 */
#ifndef ELFMAP_GARBAGE_H
#define ELFMAP_GARBAGE_H

#include "hook/map_users.h"
#include "hook/references.h"

enum elfmap_garbage_kind {
	ELFMAP_GARBAGE_MAP,
	ELFMAP_GARBAGE_PROG,
	ELFMAP_GARBAGE_LINK,
	ELFMAP_GARBAGE_DIR,
	ELFMAP_GARBAGE_NOTE
};

struct elfmap_garbage_item {
	enum elfmap_garbage_kind kind;
	char *path;
	__u32 id;      /* of the map or program */
	__s64 entries; /* of a map that has no other pin; -1: cannot be counted; 0 for the others */
	bool is_kept;  /* a map with entries */
	bool is_removed;
	char reason[128];
};

struct elfmap_garbage {
	struct elfmap_garbage_item *items;
	size_t nr;
	bool is_blind; /* reference counts cannot be read: every pinned program counts as attached */
};

/* Finds what is below TC_DIR. CENSUS was taken with the lock held, if anything is to be removed. WITH_MAPS: also maps
 * with entries. elfmap_garbage__free() */
int elfmap_garbage__find(const char *tc_dir, bool with_maps, struct elfmap_garbage *ret_garbage,
			 struct elfmap_msg *msg);
/* Removes everything that is not kept. Requires the lock on tc/, from before elfmap_garbage__find(). */
int elfmap_garbage__remove(struct elfmap_garbage *garbage, const char *tc_dir, struct elfmap_msg *msg);
void elfmap_garbage__free(struct elfmap_garbage *garbage);

#endif
