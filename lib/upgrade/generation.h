/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A generation: the programs of one version of an object that packets enter by, and the maps that are
 * this version's own, which are its PROG_ARRAYs and the maps that were made larger. Pinned as a
 * directory it survives the command:
 *
 *   DIR/entries/SECTION        a program, '.' and '/' of the section's name as %2E and %2F
 *   DIR/maps/tc/globals/NAME   a map, and below maps/ where its usual pin is in the bpf file system
 *   DIR/maps/-/NAME            a map that has no usual pin
 */
#ifndef ELFMAP_GENERATION_H
#define ELFMAP_GENERATION_H

#include "object/object.h"

struct elfmap_generation {
	struct elfmap_gen_entry {
		char *section;
		int prog;
	} * entries;
	size_t nr_entries;
	struct elfmap_gen_map {
		char *place; /* below the bpf file system, or "-/NAME" */
		int map;
	} * maps;
	size_t nr_maps;
};

/* Adds a program or map, of which a descriptor is kept. -ENOMEM, -EMFILE */
int elfmap_generation__add_entry(struct elfmap_generation *gen, const char *section, int prog);
int elfmap_generation__add_map(struct elfmap_generation *gen, const char *place, int map);
void elfmap_generation__free(struct elfmap_generation *gen);

/* The program that enters by SECTION; -1: there is none. */
int elfmap_generation__find(const struct elfmap_generation *gen, const char *section);
bool elfmap_generation__has_prog(const struct elfmap_generation *gen, __u32 id);

/* Pins all of it below DIR, which is not there yet. On failure nothing of it stays. */
int elfmap_generation__pin(const struct elfmap_generation *gen, const char *dir, struct elfmap_msg *msg);
/* Opens what is pinned below DIR. -ENOENT: there is no such directory. */
int elfmap_generation__read(const char *dir, struct elfmap_generation *ret_gen, struct elfmap_msg *msg);
/* Removes all pins below DIR and the directories, if it is there: at once, as anybody sees it. */
void elfmap_generation__remove(const char *dir);

#endif
