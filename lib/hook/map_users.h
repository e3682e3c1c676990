/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The users of a map: programs (and where they are attached), maps of maps that hold it, pins. One census of the whole
 * system answers for all maps, as of the time it was taken.
 */
#ifndef ELFMAP_MAP_USERS_H
#define ELFMAP_MAP_USERS_H

#include "hook/hook.h"
#include "pins/pins.h"

struct elfmap_program {
	__u32 id;
	__u32 type;
	char name[BPF_OBJ_NAME_LEN];
	__u32 *maps; /* ids */
	__u32 nr_maps;
};

struct elfmap_census {
	bool complete; /* false: programs cannot be listed, so a map without known users may have some */
	struct elfmap_program *progs;
	size_t nr_progs;
	struct elfmap_hooks hooks; /* of this network namespace, and links */
	struct elfmap_slot {
		__u32 table; /* ids: of the PROG_ARRAY, and of the program in a slot */
		__u32 key;
		__u32 prog;
	} * slots; /* of tables that a program uses or a pin keeps */
	size_t nr_slots;
	struct elfmap_holding {
		__u32 outer; /* ids: of the map of maps, and of a map in one of its slots */
		__u32 inner;
	} * holdings;
	size_t nr_holdings;
	struct elfmap_pins pins; /* of all bpf file systems that are mounted here */
};

/* Takes the census. Without permission to list programs it contains only pins and is not `complete`. -ENOMEM. Release
 * it with elfmap_census__free(). */
int elfmap_census__take(struct elfmap_census *ret_census, struct elfmap_msg *msg);
/* Takes only the programs, and sets `complete`. -ENOMEM */
int elfmap_census__take_programs(struct elfmap_census *ret_census);
void elfmap_census__free(struct elfmap_census *census);

/* Calls EACH for each used slot of map FD, a PROG_ARRAY or map of maps that INFO describes: KEY is that of the slot,
 * HELD the id of the program or map in it. Returns what EACH returns other than 0, or -ENOMEM. */
int elfmap_slots__each(int fd, const struct bpf_map_info *info, int (*each)(void *context, const void *key, __u32 held),
		       void *context);

/* Fills the zeroed RET_PROG for program FD; without permission it stays zero. -ENOMEM; free() its maps. */
int elfmap_program__describe(int fd, struct elfmap_program *ret_prog);
bool elfmap_program__uses(const struct elfmap_program *prog, __u32 map);

enum elfmap_survival { ELFMAP_LOST, ELFMAP_KEPT, ELFMAP_UNKNOWN };

/* Would the content of map INFO survive the removal of the pin at PATH? Programs, outer maps and other pins keep a map;
 * but the kernel empties a PROG_ARRAY with its last pin or descriptor, even if programs use it. Processes that have the
 * map open are not considered. */
enum elfmap_survival elfmap_census__survival(const struct elfmap_census *census, const struct bpf_map_info *info,
					     const char *path);

/* Is PIN another pin of map ID than the one at PATH? (Links and other names of PATH are not.) */
bool elfmap_pinned__is_other(const struct elfmap_pinned *pin, __u32 id, const char *path);

#endif
