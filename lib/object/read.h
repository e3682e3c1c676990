/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between the files of the stage `read`:
 *
 *   read.c            order of the steps, BTF, licence
 *   read_maps.c       section `maps`
 *   read_programs.c   which functions are programs, and of which section and slot
 *   read_calls.c      which functions are called, and therefore none
 *   read_undefined.c  what a program uses and nobody has
 *   object.c          what they fill
 */
#ifndef ELFMAP_READ_H
#define ELFMAP_READ_H

#include <bpf/btf.h>

#include "object/object.h"

/* Adds a line to obj->problems. -ENOMEM or 0: a problem of the object is no failure of reading it. */
int read__problem(struct elfmap_object *obj, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Behind the others; whoever adds one sorts. */
int read__add_program(struct elfmap_object *obj, const struct elfmap_prog *prog);
/* A function that no symbol names: after its section. */
int read__add_nameless(struct elfmap_object *obj, size_t section, size_t offset);

/* Which instructions functions start with that are called, or whose address is taken. */
struct calls {
	struct called_section {
		unsigned char *flags; /* by instruction */
		size_t nr_insns;      /* 0: no code */
	} * sections;
	size_t nr_sections;
};
int calls__read(struct calls *calls, const struct elfmap_elf *elf);
bool calls__has(const struct calls *calls, size_t section, size_t offset);
/* Adds those that no symbol names to obj->progs, which is sorted, and is not afterwards. */
int calls__add_nameless(const struct calls *calls, struct elfmap_object *obj);
/* Moves those that are no entries from obj->progs to obj->subprogs. */
int calls__part_programs(const struct calls *calls, struct elfmap_object *obj);
void calls__free(struct calls *calls);

/* Fills obj->info and the sizes of the structs that callers get, when all else is there. */
void read__describe(struct elfmap_object *obj);

/* Fills obj->maps. */
int read__maps(struct elfmap_object *obj);

/* Fills obj->progs and obj->subprogs; obj->maps must be there already. */
int read__programs(struct elfmap_object *obj);

/* Fills the `undefined` of both. BTF is the object's, or NULL. */
int read__undefined(struct elfmap_object *obj, const struct btf *btf);

#endif
