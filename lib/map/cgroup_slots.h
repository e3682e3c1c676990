/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The slots of a pinned CGROUP_ARRAY. User space can write them but cannot read them. The ids of the cgroups are
 * therefore recorded in a second array (struct cgroup_note), pinned at PIN_ids and created with the first record.
 */
#ifndef ELFMAP_CGROUP_SLOTS_H
#define ELFMAP_CGROUP_SLOTS_H

#include <limits.h>

#include "elfmap.h"
#include "map/cgroup.h"

#define CGROUP_NOTES_SUFFIX "_ids"

/* Zero, with descriptors of -1: nothing is open. */
struct elfmap_cgroup_slots {
	char path[PATH_MAX]; /* of the pin */
	int map;
	int notes; /* -1: the array of records does not exist */
	int probe; /* program that tests whether a slot is empty; -1: the kernel cannot run it */
	__u32 map_id;
	__u32 count; /* slots */
};

enum elfmap_cgroup_state {
	CGROUP_SLOT_EMPTY,
	CGROUP_SLOT_SET,
	CGROUP_SLOT_GONE,    /* set, but the cgroup was removed since: no new socket can be in it */
	CGROUP_SLOT_UNKNOWN, /* set or empty, and no record of its cgroup exists */
};

struct elfmap_cgroup_slot {
	enum elfmap_cgroup_state state;
	__u64 cgroup;	     /* id; for SET and GONE */
	char path[PATH_MAX]; /* relative to the root of cgroup2; for SET */
};

/* Opens the CGROUP_ARRAY pinned at PATH. -EINVAL: the map has another type. */
int elfmap_cgroup_slots__open(const char *path, struct elfmap_cgroup_slots *ret_slots, struct elfmap_msg *msg);
/* Creates an array of COUNT slots with CGROUP (a descriptor) in slot INDEX and pins it at PATH. -EEXIST: the pin
 * exists. With REPLACE the pin then refers to the new array; programs that use the old array continue to use it. */
int elfmap_cgroup_slots__create(const char *path, __u32 count, bool replace, __u32 index, int cgroup,
				struct elfmap_msg *msg);
void elfmap_cgroup_slots__close(struct elfmap_cgroup_slots *slots);

/* Writes CGROUP, a descriptor, into slot INDEX and records its id. -E2BIG: the array has no slot INDEX. On failure the
 * slot is unchanged. */
int elfmap_cgroup_slots__set(struct elfmap_cgroup_slots *slots, __u32 index, int cgroup, struct elfmap_msg *msg);
/* Empties slot INDEX and deletes its record. -ENOENT: the slot is empty already. */
int elfmap_cgroup_slots__clear(struct elfmap_cgroup_slots *slots, __u32 index, struct elfmap_msg *msg);
/* Records what the caller has written into slot INDEX: CGROUP, a descriptor; -1: the slot was emptied. */
int elfmap_cgroup_slots__note(struct elfmap_cgroup_slots *slots, __u32 index, int cgroup, struct elfmap_msg *msg);
/* Reads the state of slot INDEX from the kernel and its cgroup from the records. */
int elfmap_cgroup_slots__read(const struct elfmap_cgroup_slots *slots, __u32 index, struct elfmap_cgroup_slot *ret_slot,
			      struct elfmap_msg *msg);

#endif
