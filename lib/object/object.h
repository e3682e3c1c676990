/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What elfmap.h keeps opaque: the object that `read` fills, as the library and the commands see it. */
#ifndef ELFMAP_OBJECT_H
#define ELFMAP_OBJECT_H

#include "elfmap.h"

struct elfmap_object {
	struct elfmap_map *maps; /* in the order of their definitions in section `maps` */
	size_t nr_maps;
	size_t def_size;	   /* bytes per definition as the object has them; 0 without maps */
	struct elfmap_prog *progs; /* by section, then by offset */
	size_t nr_progs;
	struct elfmap_prog *subprogs; /* functions beside programs that are called and no entries; in that order, too */
	size_t nr_subprogs;
	const char *license;   /* "" when the object has none */
	bool has_legacy_maps;  /* there is a section `maps` */
	bool needs_help;       /* that, or code as libbpf won't have it: symbols of old compilers, subprogs */
	bool has_btf_maps;     /* there is a section `.maps` that libbpf reads */
	const char **btf_maps; /* names of the maps in it */
	size_t nr_btf_maps;
	bool has_btf;	 /* beside `maps` there is a `.BTF` that libbpf can read */
	char **problems; /* what breaks the contract, gravest first; transcode refuses such an object */
	size_t nr_problems;
	struct elfmap_elf *elf;		/* the opened image */
	struct elfmap_object_info info; /* of all this, filled last */
};

/* By index in obj->maps: the first program that goes into no slot and uses the map, or jumps to a program that does.
 * NULL: none, or the map is used by what it calls alone. Only maps with programs for slots are looked at. */
void elfmap_object__find_entries(const struct elfmap_object *obj, const struct elfmap_prog *ret_entries[ELF_MAX_MAPS]);

#endif
