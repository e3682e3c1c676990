/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libbpf's maps and programs joined to the object's that they are made of. libbpf knows them by names, which it may
 * change later; the object by what the legacy contract says of them. The preload and the loader both work on this.
 */
#ifndef ELFMAP_PAIR_H
#define ELFMAP_PAIR_H

#include <bpf/libbpf.h>

#include "object/object.h"

struct elfmap_pair {
	const struct elfmap_object *object;
	struct bpf_map *maps[ELF_MAX_MAPS]; /* by index in object->maps; NULL: libbpf has no such map */
	/* By index in object->maps: the first program that is no slot's and jumps into the map, if only by way of
	 * others. NULL: none is seen to. */
	const struct elfmap_prog *entries[ELF_MAX_MAPS];
};

/* Joins BPF, which libbpf has opened and not loaded, to OBJECT, which it is the transcoded form of. */
void elfmap_pair__init(struct elfmap_pair *ret_pair, const struct elfmap_object *object, const struct bpf_object *bpf);

/* The legacy definition of libbpf's MAP; NULL: it is a BTF-defined one, or libbpf's own for global data. */
const struct elfmap_map *elfmap_pair__map(const struct elfmap_pair *pair, const struct bpf_map *map);

/* What the object says of a program of libbpf's, by the name of the function and of its section; NULL: nothing. */
const struct elfmap_prog *elfmap_pair__prog(const struct elfmap_pair *pair, const char *name, const char *section);

/* Is PROG in a slot's section, but not its first function? To the legacy contract a slot's section is one program,
 * which starts with that. */
bool elfmap_pair__is_behind_slot(const struct elfmap_pair *pair, const struct elfmap_prog *prog);

/* A program's section as `sec NAME` says it. */
const char *elfmap_pair__section(const struct bpf_program *bpf);

/* Makes BPF, which is READ in the object (or NULL) and of SECTION, a program of TYPE, with the attach type and the
 * flags of its section, or, for a slot, of the program that jumps there. A negative errno. */
int elfmap_pair__set_type(const struct elfmap_pair *pair, struct bpf_program *bpf, const struct elfmap_prog *read,
			  const char *section, __u32 type);

/* A definition in the words of the legacy contract of a MAP that has none. */
struct elfmap_map elfmap_pair__define(const struct bpf_map *map);

/* The descriptor of a loaded map; -1: it was not to be made. (libbpf >= 1.4 gives a placeholder then.) */
int elfmap_pair__fd(const struct bpf_map *map);

/* Does the PROG_ARRAY MAP lose its tail-call slots as soon as the command ends, because it has no pin at PATH (NULL or
 * "")? Then MSG is the warning. */
bool elfmap_pair__loses_slots(const struct elfmap_pair *pair, const struct elfmap_map *map, const char *path,
			      struct elfmap_msg *msg);

#endif
