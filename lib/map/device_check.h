/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Are the device numbers in a map still those of the devices that were meant? Finds those that are not,
 * by the names that were noted (device_names.h), and mends them. */
#ifndef ELFMAP_DEVICE_CHECK_H
#define ELFMAP_DEVICE_CHECK_H

#include "map/device_names.h"

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
