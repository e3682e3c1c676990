/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The slots of a pinned CGROUP_ARRAY. The kernel takes cgroups and gives none back; what was put there is noted in
 * an array pinned beside it, PIN_ids (struct cgroup_note), which is made when there is something to note.
 */
#ifndef ELFMAP_CGROUP_SLOTS_H
#define ELFMAP_CGROUP_SLOTS_H

#include <limits.h>

#include "elfmap.h"
#include "map/cgroup.h"

#define CGROUP_NOTES_SUFFIX "_ids"

/* All zeros and descriptors of -1: nothing is open. */
struct elfmap_cgroup_slots {
	char path[PATH_MAX]; /* of the pin */
	int map;
	int notes; /* -1: there are none */
	int probe; /* program that tells whether a slot is empty; -1: the kernel does not run it */
	__u32 map_id;
	__u32 count; /* slots */
};

enum elfmap_cgroup_state {
	CGROUP_SLOT_EMPTY,
	CGROUP_SLOT_SET,
	CGROUP_SLOT_GONE,    /* set, and the cgroup has been removed since: no new socket is ever in it */
	CGROUP_SLOT_UNKNOWN, /* set, or perhaps empty, but nobody noted what with */
};

struct elfmap_cgroup_slot {
	enum elfmap_cgroup_state state;
	__u64 cgroup;	     /* id, of SET and GONE */
	char path[PATH_MAX]; /* below the root of cgroup2, of SET */
};

/* Opens the CGROUP_ARRAY pinned at PATH. -EINVAL: the pin is another kind of map. */
int elfmap_cgroup_slots__open(const char *path, struct elfmap_cgroup_slots *ret_slots, struct elfmap_msg *msg);
/* Makes one of COUNT slots and pins it at PATH, with CGROUP (a descriptor) in slot INDEX. -EEXIST: there is a pin;
 * with REPLACE that means the new array from then on, and whoever uses the old one goes on with that. */
int elfmap_cgroup_slots__create(const char *path, __u32 count, bool replace, __u32 index, int cgroup,
				struct elfmap_msg *msg);
void elfmap_cgroup_slots__close(struct elfmap_cgroup_slots *slots);

/* Puts CGROUP, a descriptor, into slot INDEX, and notes it. -E2BIG: there is no such slot. On failure the slot is
 * as it was. */
int elfmap_cgroup_slots__set(struct elfmap_cgroup_slots *slots, __u32 index, int cgroup, struct elfmap_msg *msg);
/* -ENOENT: it is empty. */
int elfmap_cgroup_slots__clear(struct elfmap_cgroup_slots *slots, __u32 index, struct elfmap_msg *msg);
/* Notes what somebody has put into slot INDEX: CGROUP, a descriptor; -1: it was emptied. */
int elfmap_cgroup_slots__note(struct elfmap_cgroup_slots *slots, __u32 index, int cgroup, struct elfmap_msg *msg);
int elfmap_cgroup_slots__read(const struct elfmap_cgroup_slots *slots, __u32 index, struct elfmap_cgroup_slot *ret_slot,
			      struct elfmap_msg *msg);

#endif
