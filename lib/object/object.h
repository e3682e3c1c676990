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
	struct elfmap_prog *subprogs; /* functions in sections of programs that are called, not entries; same order */
	size_t nr_subprogs;
	const char *license;   /* "" when the object has none */
	bool has_legacy_maps;  /* there is a section `maps` */
	bool needs_help;       /* that, or code that libbpf refuses: symbols of old compilers, subprogs */
	bool has_btf_maps;     /* there is a section `.maps` that libbpf reads */
	const char **btf_maps; /* names of the maps in it */
	size_t nr_btf_maps;
	bool has_btf;	  /* besides `maps` there is a `.BTF` that libbpf can read */
	bool has_bad_btf; /* there is a `.BTF` that libbpf cannot read: its types are ignored */
	char **problems;  /* what breaks the contract, gravest first; transcode refuses such an object */
	size_t nr_problems;
	struct elfmap_elf *elf;		/* the opened image */
	struct elfmap_object_info info; /* of all this, filled last */
};

/* By index in obj->maps, for maps with programs in slots: the first program that is not in a slot and uses the map
 * itself or through programs in slots. NULL if there is none; uses in called functions are not seen. */
void elfmap_object__find_entries(const struct elfmap_object *obj, const struct elfmap_prog *ret_entries[ELF_MAX_MAPS]);

/* Does PROG refer to the map NAME, of `maps` or `.maps`? Uses in called functions are not seen. */
bool elfmap_object__uses(const struct elfmap_object *obj, const struct elfmap_prog *prog, const char *name);

struct elfmap_variable {
	const char *name; /* of the symbol, or of the BTF that describes it */
	size_t offset;	  /* in the section, bytes */
	size_t size;
	__u32 type; /* of the variable in the BTF that describes it; 0: unknown */
};

/* Lists the variables of the data section SECTION by offset, also static ones. The caller frees *RET_VARIABLES. No such
 * section: none. -ENOMEM */
int elfmap_object__variables(const struct elfmap_object *obj, const char *section,
			     struct elfmap_variable **ret_variables, size_t *ret_nr);

#endif
