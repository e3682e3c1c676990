/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Joins libbpf's maps and programs to those of the object. libbpf knows their names, which it may change later; the
 * object has their legacy definitions. The preload and the loader both use this.
 */
#ifndef ELFMAP_PAIR_H
#define ELFMAP_PAIR_H

#include <bpf/libbpf.h>

#include "object/object.h"

struct elfmap_pair {
	const struct elfmap_object *object;
	struct bpf_map *maps[ELF_MAX_MAPS]; /* by index in object->maps; NULL: libbpf does not have it */
	/* By index in object->maps: the first program outside of slots that jumps into the map, directly or through
	 * other slots. NULL: no such program found. */
	const struct elfmap_prog *entries[ELF_MAX_MAPS];
};

/* Joins BPF, opened by libbpf and not loaded yet, to OBJECT, from which it was transcoded. */
void elfmap_pair__init(struct elfmap_pair *ret_pair, const struct elfmap_object *object, const struct bpf_object *bpf);

/* The legacy definition of libbpf's MAP; NULL: the map is BTF-defined, or libbpf's for global data. */
const struct elfmap_map *elfmap_pair__map(const struct elfmap_pair *pair, const struct bpf_map *map);

/* The object's program with this function name and section name; NULL: it has none. */
const struct elfmap_prog *elfmap_pair__prog(const struct elfmap_pair *pair, const char *name, const char *section);

/* Is PROG in the section of a slot, but not its first function? In the legacy contract the section of a slot is one
 * program, which starts with the first function. */
bool elfmap_pair__is_behind_slot(const struct elfmap_pair *pair, const struct elfmap_prog *prog);

/* The section of a program, as `sec NAME` selects it. */
const char *elfmap_pair__section(const struct bpf_program *bpf);

/* Sets the type of BPF to TYPE, and its attach type and flags to those of SECTION, or, for a slot, of the program that
 * jumps there. READ is the object's program, or NULL. A negative errno. */
int elfmap_pair__set_type(const struct elfmap_pair *pair, struct bpf_program *bpf, const struct elfmap_prog *read,
			  const char *section, __u32 type);

/* A legacy definition of a MAP that has none. */
struct elfmap_map elfmap_pair__define(const struct bpf_map *map);

/* The descriptor of a loaded map; -1: it was not made. (libbpf >= 1.4 returns a placeholder then.) */
int elfmap_pair__fd(const struct bpf_map *map);

/* Does the PROG_ARRAY MAP lose its tail-call slots when the command ends, because it has no pin (PATH is NULL or "")?
 * If so, MSG is the warning. */
bool elfmap_pair__loses_slots(const struct elfmap_pair *pair, const struct elfmap_map *map, const char *path,
			      struct elfmap_msg *msg);

#endif
