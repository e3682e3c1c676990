/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of a running version: those of its programs, of the stages in their tables, and of the slots of their maps
 * of maps. A new version takes over each map whose definition is the same, pinned or not.
 *
 * The kernel keeps 15 characters of a name. Maps that share them are told apart by pins, definitions, types and the
 * programs that use them.
 */
#ifndef ELFMAP_RUNNING_H
#define ELFMAP_RUNNING_H

#include "load/load.h"
#include "pins/pins.h"
#include "upgrade/version.h"

struct elfmap_running_map {
	struct bpf_map_info info;
	bool is_held; /* only in a slot of a map of maps */
};

struct elfmap_running_prog {
	__u32 id;
	char name[BPF_OBJ_NAME_LEN];
	__u32 *maps; /* ids */
	__u32 nr_maps;
};

struct elfmap_running {
	struct elfmap_running_map *maps;
	size_t nr_maps;
	struct elfmap_running_prog *progs;
	size_t nr_progs;
	struct elfmap_pins pins; /* below the directory of tc */
};

/* Adds program PROG, its maps, and what is in their slots. -ENOMEM */
int elfmap_running__add(struct elfmap_running *running, int prog);
/* The same for all programs of VERSION. */
int elfmap_running__add_version(struct elfmap_running *running, const struct elfmap_version *version);
/* The same for a program's id. -ENOENT: it is not loaded any more. */
int elfmap_running__add_id(struct elfmap_running *running, __u32 id);
/* Reads the pins below TC_DIR, which tell maps apart. -ENOMEM */
int elfmap_running__read_pins(struct elfmap_running *running, const char *tc_dir);
void elfmap_running__free(struct elfmap_running *running);

/* Opens the running map for MAP of LOAD, which has been listed. -ENOENT: there is none; -ENOTUNIQ: several fit equally,
 * or the map fits several of LOAD. */
int elfmap_running__find(const struct elfmap_running *running, const struct elfmap_load *load,
			 const struct elfmap_load_map *map, int *ret_fd, struct elfmap_msg *msg);

/* Does it have the map, or the program, with this id? */
bool elfmap_running__has(const struct elfmap_running *running, __u32 id);
bool elfmap_running__has_prog(const struct elfmap_running *running, __u32 id);

/* The id of the map with TYPE and NAME, as far as the kernel keeps the name; of several the one with id PREFERRED. Maps
 * that are only in slots do not count. 0: there is none. */
__u32 elfmap_running__find_named(const struct elfmap_running *running, const char *name, __u32 type, __u32 preferred);

/* Does a program use both maps? */
bool elfmap_running__share_program(const struct elfmap_running *running, __u32 a, __u32 b);

/* The Nth running map for global data whose section is SECTION (".data"); NULL: no more. */
const struct elfmap_running_map *elfmap_running__globals(const struct elfmap_running *running, const char *section,
							 size_t nth);

#endif
