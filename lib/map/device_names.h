/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names of the devices in a map. The kernel knows devices by numbers, which a device made anew
 * does not get back, and which mean nothing in another network namespace. So beside a map that is pinned at
 * PATH, and has device numbers in its values, there is a hash pinned at PATH_devs, with the same
 * keys: whose numbers these were when they were written.
 */
#ifndef ELFMAP_DEVICE_NAMES_H
#define ELFMAP_DEVICE_NAMES_H

#include <net/if.h>

#include "map/map.h"

/* Where a value has device numbers. */
struct elfmap_device_member {
	char name[64]; /* "port", "ports[1]", "to.port"; "" for a value that is nothing else */
	size_t offset;
};

/* What was noted of one of them. */
struct elfmap_device_note {
	__u32 ifindex;
	char name[IF_NAMESIZE]; /* "": the number had none */
};

struct elfmap_device_names {
	int fd; /* of the hash; -1: there is none (yet) */
	char *path;
	__u64 netns; /* this process's network namespace */
	struct elfmap_device_member *members;
	size_t nr_members;
	struct elfmap_device_note *notes; /* of the entry that was looked up or noted last */
	const struct elfmap_reader *map;
	void *value; /* the hash's: the namespace, then the notes */
};

/* Has the map device numbers in its values? */
bool elfmap_map__has_devices(const struct elfmap_reader *map);

/* For the map pinned at PATH and opened as MAP, which must outlive it. There need be no names yet. -EOPNOTSUPP:
 * the map has no device numbers that could be told from other numbers. */
int elfmap_device_names__open(const char *path, const struct elfmap_reader *map, struct elfmap_device_names *ret_names,
			      struct elfmap_msg *msg);
void elfmap_device_names__close(struct elfmap_device_names *names);

/* The first device number in VALUE that no device of this network namespace has; 0: there is none. */
__u32 elfmap_device_names__find_missing(const struct elfmap_device_names *names, const void *value);

/* To be called when an entry was written (VALUE NULL: deleted): notes the names that its numbers have
 * now, in a new hash if there is none. */
int elfmap_device_names__note(struct elfmap_device_names *names, const void *key, const void *value,
			      struct elfmap_msg *msg);

/* What was noted of the entry KEY, into names->notes. -ENOENT: nothing; -EXDEV: it was written in another network
 * namespace, where other devices have these numbers. */
int elfmap_device_names__look_up(struct elfmap_device_names *names, const void *key);

#endif
