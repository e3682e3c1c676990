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
/* Reads the pins below TC_DIR, which tell maps apart. -ENOMEM */
int elfmap_running__read_pins(struct elfmap_running *running, const char *tc_dir);
void elfmap_running__free(struct elfmap_running *running);

/* Opens the running map for MAP of LOAD, which has been listed. -ENOENT: there is none; -ENOTUNIQ: several fit equally,
 * or the map fits several of LOAD. */
int elfmap_running__find(const struct elfmap_running *running, const struct elfmap_load *load,
			 const struct elfmap_load_map *map, int *ret_fd, struct elfmap_msg *msg);

/* Does it have the map, or the program, with this id? */
bool elfmap_running__has(const struct elfmap_running *running, __u32 id);
bool elfmap_running__has_program(const struct elfmap_running *running, __u32 id);

/* Does a program use both maps? */
bool elfmap_running__share_program(const struct elfmap_running *running, __u32 a, __u32 b);

/* The Nth running map for global data whose section is SECTION (".data"); NULL: no more. */
const struct elfmap_running_map *elfmap_running__globals(const struct elfmap_running *running, const char *section,
							 size_t nth);

#endif
