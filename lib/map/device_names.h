/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The names of the devices in a map. The kernel identifies a device by its ifindex. A device that is created again
 * gets a new ifindex, and an ifindex is valid in one network namespace only. For a map that is pinned at PATH and has
 * ifindexes in its values, a hash with the same keys is therefore pinned at PATH_devs: it records the names that the
 * devices had when the entries were written.
 */
#ifndef ELFMAP_DEVICE_NAMES_H
#define ELFMAP_DEVICE_NAMES_H

#include <net/if.h>

#include "map/map.h"

/* The place of an ifindex in a value. */
struct elfmap_device_member {
	char name[64]; /* "port", "ports[1]", "to.port"; "": the whole value */
	size_t offset;
};

/* The record of one ifindex. */
struct elfmap_device_note {
	__u32 ifindex;
	char name[IF_NAMESIZE]; /* "": no device had the ifindex */
};

struct elfmap_device_names {
	int fd; /* of the hash; -1: the hash does not exist */
	char *path;
	__u64 netns; /* network namespace of this process */
	struct elfmap_device_member *members;
	size_t nr_members;
	struct elfmap_device_note *notes; /* of the entry that was looked up or recorded last */
	const struct elfmap_reader *map;
	void *value; /* of the hash: the namespace, then the records */
};

/* Do the values of the map contain ifindexes? */
bool elfmap_map__has_devices(const struct elfmap_reader *map);

/* Opens the names of the map that is pinned at PATH and open as MAP; MAP must outlive them. The hash need not exist.
 * -EOPNOTSUPP: the type of the value has no ifindexes. */
int elfmap_device_names__open(const char *path, const struct elfmap_reader *map, struct elfmap_device_names *ret_names,
			      struct elfmap_msg *msg);
void elfmap_device_names__close(struct elfmap_device_names *names);

/* Returns the first ifindex in VALUE that no device of this network namespace has; 0: every device exists. */
__u32 elfmap_device_names__find_missing(const struct elfmap_device_names *names, const void *value);

/* Records the current names of the devices of an entry that was just written (VALUE NULL: deletes the record of an
 * entry that was deleted). Creates the hash if it does not exist. */
int elfmap_device_names__note(struct elfmap_device_names *names, const void *key, const void *value,
			      struct elfmap_msg *msg);

/* Reads the record of the entry KEY into names->notes. -ENOENT: no record exists; -EXDEV: the entry was written in
 * another network namespace, where these ifindexes belong to other devices. */
int elfmap_device_names__look_up(struct elfmap_device_names *names, const void *key);

/* ---- check ------------------------------------------------------------------------------------------------------ */

/* Compares the ifindexes in a map with the devices of this network namespace, by the recorded names, and corrects
 * them. */
enum elfmap_device_state {
	ELFMAP_DEVICE_OK,
	ELFMAP_DEVICE_UNNOTED,	  /* the ifindex exists; its name was not recorded */
	ELFMAP_DEVICE_RENAMED,	  /* the ifindex exists under another name */
	ELFMAP_DEVICE_RENUMBERED, /* the name exists with another ifindex */
	ELFMAP_DEVICE_GONE,	  /* no device has the ifindex or the recorded name */
	ELFMAP_DEVICE_ELSEWHERE,  /* written in another network namespace: cannot be checked here */
};

/* One ifindex of an entry. */
struct elfmap_device_finding {
	void *key;
	size_t member;		    /* index into names->members */
	bool no_entry;		    /* the kernel deleted the entry of a DEVMAP with the device */
	__u32 ifindex;		    /* in the map */
	__u32 now;		    /* RENUMBERED: the correct ifindex */
	char name[IF_NAMESIZE];	    /* recorded name, else the name of the ifindex; "": neither */
	char new_name[IF_NAMESIZE]; /* RENAMED */
	enum elfmap_device_state state;
	bool fixed; /* the ifindex is correct and its name is recorded */
};

struct elfmap_device_check {
	struct elfmap_device_finding *findings; /* in the order of the map */
	size_t nr_findings;
};

/* Checks every ifindex in the map that is not 0. */
int elfmap_device_check__run(const struct elfmap_reader *map, struct elfmap_device_names *names,
			     struct elfmap_device_check *ret_check, struct elfmap_msg *msg);
void elfmap_device_check__free(struct elfmap_device_check *check);

/* Writes the correct ifindexes into the map pinned at PATH and records the current names. The other bytes of an entry
 * do not change, nor do entries that cannot be corrected. */
int elfmap_device_check__fix(struct elfmap_device_check *check, const char *path, const struct elfmap_reader *map,
			     struct elfmap_device_names *names, struct elfmap_msg *msg);

#endif
