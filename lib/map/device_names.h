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

/* ---- check ------------------------------------------------------------------------------------------------------ */

/* Compares the device numbers in a map with the devices of this network namespace, by the noted names, and corrects
 * the numbers. */
enum elfmap_device_state {
	ELFMAP_DEVICE_OK,
	ELFMAP_DEVICE_UNNOTED,	  /* there is such a device; whether it is the one that was meant, nobody knows */
	ELFMAP_DEVICE_RENAMED,	  /* the number is right, the name is another */
	ELFMAP_DEVICE_RENUMBERED, /* the name is there, and has another number now */
	ELFMAP_DEVICE_GONE,	  /* no device has the number, nor the name that was noted */
	ELFMAP_DEVICE_ELSEWHERE,  /* written in another network namespace: cannot be judged here */
};

/* One device number of an entry. */
struct elfmap_device_finding {
	void *key;
	size_t member;		    /* index into names->members */
	bool no_entry;		    /* the kernel took the entry out of a DEVMAP together with the device */
	__u32 ifindex;		    /* in the map */
	__u32 now;		    /* RENUMBERED: the number that is right */
	char name[IF_NAMESIZE];	    /* that was noted, else the one that the number has; "": neither */
	char new_name[IF_NAMESIZE]; /* RENAMED */
	enum elfmap_device_state state;
	bool mended; /* the number is right, and its name is noted */
};

struct elfmap_device_check {
	struct elfmap_device_finding *findings; /* in the map's order */
	size_t nr_findings;
};

/* Looks at every number in the map that is not 0. */
int elfmap_device_check__run(const struct elfmap_reader *map, struct elfmap_device_names *names,
			     struct elfmap_device_check *ret_check, struct elfmap_msg *msg);
void elfmap_device_check__free(struct elfmap_device_check *check);

/* Writes the right numbers into the map pinned at PATH (nothing else in an entry changes), and notes the
 * names that are right now. What cannot be mended stays as it is. */
int elfmap_device_check__mend(struct elfmap_device_check *check, const char *path, const struct elfmap_reader *map,
			      struct elfmap_device_names *names, struct elfmap_msg *msg);

#endif
