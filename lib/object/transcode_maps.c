// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode, the maps: section `maps` becomes `.maps`, where every definition is only a place: libbpf reads
 * the map from the type that `.BTF` gives that place. What is in it from the start, programs in slots and
 * inner maps, are relocations of that place. `.BTF` gets a struct, a VAR and a place in DATASEC `.maps` for each map;
 * its types and strings only grow, so that `.BTF.ext` stays valid.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/internal.h"

#define MEMBER_SIZE 8	 /* every member of a BTF map definition is a pointer */
#define R_BPF_64_ABS64 2 /* what compilers write for an address in data */

/* ---- where each definition goes -------------------------------------------------------------------- */

/* One past the highest slot or inner map that is written into the map as a value. */
static size_t count_values(const struct transcode *t, size_t map)
{
	const struct elfmap_object *obj = t->obj;
	const struct elfmap_map *outer = &obj->maps[map];
	size_t nr = 0;

	for (size_t i = 0; outer->inner >= 0 && i < obj->nr_maps; i++) {
		const struct elfmap_map *inner = &obj->maps[i];

		if (elfmap_map__goes_into(inner, outer) && inner->def.inner_idx >= nr)
			nr = inner->def.inner_idx + 1;
	}
	for (size_t i = 0; t->opts->slot_values && i < obj->nr_progs; i++)
		if (obj->progs[i].slot_map == (int)map && obj->progs[i].slot_key >= nr)
			nr = obj->progs[i].slot_key + 1;
	return nr;
}

/* The pointers that a definition has as members: type, four numbers, pinning, key and value. */
static size_t struct_size(const struct elfmap_map *map, bool pinned)
{
	size_t members = 4 + (map->def.flags != 0) + pinned;

	if (map->key_type)
		members += 2;
	return members * MEMBER_SIZE;
}

static void place_maps(struct transcode *t)
{
	size_t at = t->base;

	for (size_t nth = 0; nth < t->obj->nr_maps; nth++) {
		size_t map = elfmap_object__map_order(t->obj, nth);
		const struct elfmap_map *definition = &t->obj->maps[map];
		bool pinned = t->opts->pin_by_name && definition->def.pinning == PIN_GLOBAL_NS;

		t->slots[map].offset = at;
		t->slots[map].nr_values = count_values(t, map);
		t->slots[map].struct_size = struct_size(definition, pinned);
		at += t->slots[map].struct_size + t->slots[map].nr_values * MEMBER_SIZE;
	}
	t->slots_end = at;
}

static int set_bare_maps_aside(struct transcode *t)
{
	size_t values = image__find_relocations(&t->image, t->elf->bare_maps);

	if (values)
		t->image.sections[values].removed = true;
	return image__rename(&t->image, t->elf->bare_maps, ".bare_maps");
}

int transcode__maps(struct transcode *t)
{
	static const Elf64_Shdr like = {.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE, .sh_addralign = 8};
	size_t legacy = t->elf->maps;

	if (t->elf->bare_maps && set_bare_maps_aside(t))
		return -ENOMEM;
	if (t->elf->btf_maps) {
		/* BTF-defined maps stay first; ours follow, and `maps` itself is removed. */
		t->maps = t->elf->btf_maps;
		t->base = align8(t->image.sections[t->maps].header.sh_size);
	} else if (t->obj->nr_maps) {
		t->maps = legacy;
	}
	place_maps(t);
	if (t->maps == legacy && legacy) {
		void *zeros = calloc(1, t->slots_end);

		if (!zeros)
			return -ENOMEM;
		image__replace(&t->image, t->maps, zeros, t->slots_end);
		t->image.sections[t->maps].header.sh_addralign = like.sh_addralign;
		return image__rename(&t->image, t->maps, ".maps");
	}
	if (t->maps && t->slots_end > t->image.sections[t->maps].header.sh_size &&
	    !image__edit(&t->image, t->maps, t->slots_end - t->image.sections[t->maps].header.sh_size))
		return -ENOMEM;
	if (legacy)
		t->image.sections[legacy].removed = true;
	return 0;
}

/* ---- what is in them from the start ------------------------------------------------------------------ */

static int add_value(struct transcode *t, size_t map, size_t key, size_t symbol)
{
	size_t offset = t->slots[map].offset + t->slots[map].struct_size + key * MEMBER_SIZE;

	if (!t->rel_maps)
		t->rel_maps = image__find_relocations(&t->image, t->maps);
	return transcode__add_relocation(t, t->maps, &t->rel_maps, offset,
					 ELF64_R_INFO((uint64_t)symbol, R_BPF_64_ABS64));
}

static int add_inner_maps(struct transcode *t, size_t map)
{
	const struct elfmap_object *obj = t->obj;
	int err = 0;

	for (size_t i = 0; !err && obj->maps[map].inner >= 0 && i < obj->nr_maps; i++) {
		const struct elfmap_map *inner = &obj->maps[i];

		if (elfmap_map__goes_into(inner, &obj->maps[map]))
			err = add_value(t, map, inner->def.inner_idx, inner->symbol);
	}
	return err;
}

int transcode__values(struct transcode *t)
{
	const struct elfmap_object *obj = t->obj;
	int err = 0;

	for (size_t map = 0; !err && map < obj->nr_maps; map++)
		err = add_inner_maps(t, map);
	for (size_t i = 0; !err && t->opts->slot_values && i < obj->nr_progs; i++) {
		const struct elfmap_prog *prog = &obj->progs[i];
		/* Several functions in one section: the first one is the slot's. */
		bool first = !i || obj->progs[i - 1].section_index != prog->section_index;

		if (prog->slot_map >= 0 && first)
			err = add_value(t, (size_t)prog->slot_map, prog->slot_key,
					prog->symbol ? prog->symbol : t->added_symbol[i]);
	}
	return err;
}

/* ---- the types ------------------------------------------------------------------------------------------ */

#define PINNING_BY_NAME 1 /* what the header for BPF programs calls LIBBPF_PIN_BY_NAME */

/* A map definition in the making. What a struct's members point to must be there before the struct. */
struct definition {
	struct btf *btf;
	int integer;
	struct {
		const char *name;
		int type;
	} members[10];
	size_t nr;
	int err;
};

static void add_member(struct definition *def, const char *name, int type)
{
	if (type < 0 && !def->err)
		def->err = type;
	def->members[def->nr].name = name;
	def->members[def->nr++].type = type;
}

static void add_pointer(struct definition *def, const char *name, int target)
{
	add_member(def, name, target < 0 ? target : btf__add_ptr(def->btf, target));
}

/* libbpf reads a number N from a pointer to int[N]. */
static void add_number(struct definition *def, const char *name, __u32 value)
{
	add_pointer(def, name, btf__add_array(def->btf, def->integer, def->integer, value));
}

/* `values`: an array without length of pointers to TARGET; the places themselves follow the struct. */
static void add_values(struct definition *def, int target)
{
	int pointer = target < 0 ? target : btf__add_ptr(def->btf, target);

	add_member(def, "values", pointer < 0 ? pointer : btf__add_array(def->btf, def->integer, pointer, 0));
}

/* Returns the id of the struct, or a negative errno. */
static int add_struct(const struct definition *def, size_t size)
{
	int id = def->err ? def->err : btf__add_struct(def->btf, "", (__u32)size);
	int err = 0;

	for (size_t i = 0; id > 0 && !err && i < def->nr; i++)
		err = btf__add_field(def->btf, def->members[i].name, def->members[i].type, (__u32)i * 64, 0);
	return err ?: id;
}

static bool is_int(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	for (int hops = 0; type && hops < 32 && (btf_is_mod(type) || btf_is_typedef(type)); hops++)
		type = btf__type_by_id(btf, type->type);
	return type && btf_is_int(type) && btf_int_bits(type) == 32 && !btf_int_offset(type);
}

/* The kernel refuses the types of an array whose key is an enum or a struct, and libbpf then creates it without any.
 * Such a key becomes an int, by a typedef with the name of the map's annotation: lib/text finds the type there. */
static int key_type(const struct definition *def, const struct elfmap_map *map)
{
	char name[sizeof(ELFMAP_ANNOTATION) + MAX_MAP_NAME];

	if (!elfmap_map_kind__of(map->def.type)->int_key || is_int(def->btf, map->key_type))
		return (int)map->key_type;
	snprintf(name, sizeof(name), ELFMAP_ANNOTATION "%s", map->name);
	return btf__add_typedef(def->btf, name, def->integer);
}

static void add_sizes(struct definition *def, const struct elfmap_map *map)
{
	add_number(def, "type", map->def.type);
	add_number(def, "key_size", map->def.size_key);
	add_number(def, "value_size", map->def.size_value);
	add_number(def, "max_entries", map->def.max_elem);
	if (map->def.flags)
		add_number(def, "map_flags", map->def.flags);
	if (map->key_type) {
		add_pointer(def, "key", key_type(def, map));
		add_pointer(def, "value", (int)map->value_type);
	}
}

/* The definition of an outer map's inner maps: the template without a pin. */
static int add_template(struct transcode *t, int integer, const struct elfmap_map *inner)
{
	struct definition def = {.btf = t->btf, .integer = integer};

	add_sizes(&def, inner);
	return add_struct(&def, def.nr * 8);
}

static int add_definition(struct transcode *t, int integer, size_t index)
{
	const struct elfmap_map *map = &t->obj->maps[index];
	struct definition def = {.btf = t->btf, .integer = integer};

	add_sizes(&def, map);
	if (t->opts->pin_by_name && map->def.pinning == PIN_GLOBAL_NS)
		add_number(&def, "pinning", PINNING_BY_NAME);
	if (map->inner >= 0)
		add_values(&def, add_template(t, integer, &t->obj->maps[map->inner]));
	else if (t->slots[index].nr_values)
		add_values(&def, btf__add_func_proto(t->btf, 0));
	return add_struct(&def, t->slots[index].struct_size);
}

/* ---- DATASECs ---------------------------------------------------------------------------------------- */

static struct btf_type *type_at(struct transcode *t, __u32 id)
{
	return (struct btf_type *)btf__type_by_id(t->btf, id); /* ours to change: we made this BTF */
}

static __u32 find_datasec(struct transcode *t, const char *name)
{
	int id = btf__find_by_name_kind(t->btf, name, BTF_KIND_DATASEC);

	return id > 0 ? (__u32)id : 0;
}

/* A type can't be taken out. A DATASEC without its section would make libbpf and the kernel refuse
 * the whole; a nameless union of as many ints has the same size. */
static void retire_datasec(struct transcode *t, __u32 id, int integer)
{
	struct btf_type *datasec = type_at(t, id);
	__u32 nr = btf_vlen(datasec);
	struct btf_member *members = (struct btf_member *)(datasec + 1);

	for (__u32 i = 0; i < nr; i++)
		members[i] = (struct btf_member){.type = (__u32)integer};
	datasec->name_off = 0;
	datasec->info = BTF_KIND_UNION << 24 | nr;
	datasec->size = sizeof(__u32);
}

static const char *name_of(const struct transcode *t, const struct btf_type *type)
{
	const char *name = btf__name_by_offset(t->btf, type->name_off);

	return name ? name : "";
}

/* The VAR of map NAME in the DATASEC of its old section; 0 if there is none. */
static __u32 find_var(struct transcode *t, __u32 datasec, const char *name)
{
	const struct btf_type *section = datasec ? type_at(t, datasec) : NULL;

	for (__u32 i = 0; section && i < btf_vlen(section); i++) {
		__u32 id = btf_var_secinfos(section)[i].type;
		const struct btf_type *var = btf__type_by_id(t->btf, id);

		if (var && btf_is_var(var) && !strcmp(name_of(t, var), name))
			return id;
	}
	return 0;
}

/* Gives map INDEX its VAR: the one the compiler wrote, pointed at the new definition, or a new one. */
static int place_var(struct transcode *t, __u32 legacy, int integer, size_t index)
{
	int definition = add_definition(t, integer, index);
	const char *name = t->obj->maps[index].name;
	__u32 var = find_var(t, legacy, name);

	if (definition < 0)
		return definition;
	if (!var)
		return btf__add_var(t->btf, name, BTF_VAR_GLOBAL_ALLOCATED, definition);
	type_at(t, var)->type = (__u32)definition;
	btf_var(type_at(t, var))->linkage = BTF_VAR_GLOBAL_ALLOCATED;
	return (int)var;
}

/* Where a symbol is in `.maps`, to be found by its name. */
struct place {
	const char *name;
	size_t offset;
};

static int compare_places(const void *a, const void *b)
{
	return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

static struct place *list_places(const struct transcode *t, size_t *ret_nr)
{
	const struct elfmap_elf *elf = t->elf;
	struct place *places = calloc(elf->nr_symbols + 1, sizeof(*places));

	*ret_nr = 0;
	for (size_t i = 1; places && i < elf->nr_symbols; i++) {
		const char *name = elfmap_elf__symbol_name(elf, i);

		/* Longer ones name no map, and would be compared in vain, byte by byte. */
		if (elf->symbols[i].st_shndx == t->maps && strnlen(name, MAX_SECTION_NAME) < MAX_SECTION_NAME)
			places[(*ret_nr)++] = (struct place){name, elf->symbols[i].st_value};
	}
	if (places)
		qsort(places, *ret_nr, sizeof(*places), compare_places);
	return places;
}

/* BTF-defined maps that the object has besides its legacy ones keep their places. */
static int keep_vars(struct transcode *t, __u32 modern)
{
	__u32 nr = modern ? btf_vlen(type_at(t, modern)) : 0;
	size_t nr_places;
	struct place *places = list_places(t, &nr_places);
	int err = places ? 0 : -ENOMEM;

	for (__u32 i = 0; !err && i < nr; i++) {
		struct btf_var_secinfo place = btf_var_secinfos(type_at(t, modern))[i];
		const struct btf_type *var = btf__type_by_id(t->btf, place.type);

		if (!var || !btf_is_var(var)) {
			err = elfmap_msg__set(t->msg, -EINVAL,
					      "section .BTF: DATASEC .maps: member %u is not a variable", i);
			break;
		}
		if (!type_at(t, modern)->size) { /* compilers leave the offsets to the loader */
			const struct place key = {.name = name_of(t, var)};
			const struct place *found = bsearch(&key, places, nr_places, sizeof(key), compare_places);

			place.offset = found ? (__u32)found->offset : 0;
		}
		err = btf__add_datasec_var_info(t->btf, (int)place.type, place.offset, place.size);
	}
	free(places);
	return err;
}

static int add_datasec(struct transcode *t, __u32 modern, const int *vars)
{
	int err = btf__add_datasec(t->btf, ".maps", (__u32)t->slots_end);

	err = err < 0 ? err : keep_vars(t, modern);
	for (size_t nth = 0; err >= 0 && nth < t->obj->nr_maps; nth++) {
		size_t map = elfmap_object__map_order(t->obj, nth);
		size_t size = t->slots[map].struct_size + t->slots[map].nr_values * 8;

		err = btf__add_datasec_var_info(t->btf, vars[map], (__u32)t->slots[map].offset, (__u32)size);
	}
	return err < 0 ? err : 0;
}

/* What BPF_ANNOTATE_KV_PAIR left in ".maps.NAME" is in the definition now; the bytes are all zeros,
 * and libbpf would warn about unknown data. */
static void retire_annotations(struct transcode *t, int integer)
{
	for (size_t i = 1; i < t->elf->nr_sections; i++)
		if (!strncmp(elfmap_elf__section_name(t->elf, i), ".maps.", 6) && !elfmap_elf__is_code(t->elf, i) &&
		    elfmap_elf__section(t->elf, i)->sh_type == SHT_PROGBITS)
			t->image.sections[i].removed = true;
	for (__u32 id = 1; id < btf__type_cnt(t->btf); id++)
		if (btf_is_datasec(type_at(t, id)) && !strncmp(name_of(t, type_at(t, id)), ".maps.", 6))
			retire_datasec(t, id, integer);
}

/* The kernel takes no extern but those that libbpf has resolved in it. */
static int retire_externs(struct transcode *t)
{
	struct kernel_symbols kernel;
	int err = kernel_symbols__read(&kernel, t->btf);

	for (__u32 id = 1; !err && id < btf__type_cnt(t->btf); id++) {
		struct btf_type *type = type_at(t, id);
		bool is_func = btf_is_func(type) && btf_vlen(type) == BTF_FUNC_EXTERN;
		bool is_var = btf_is_var(type) && btf_var(type)->linkage == BTF_VAR_GLOBAL_EXTERN;

		if ((!is_func && !is_var) || kernel_symbols__has(&kernel, name_of(t, type)))
			continue;
		if (is_func) /* a FUNC needs names for its arguments, which a declaration may lack; a typedef does not
			      */
			type->info = (__u32)BTF_KIND_TYPEDEF << 24;
		else
			btf_var(type)->linkage = BTF_VAR_STATIC;
	}
	kernel_symbols__free(&kernel);
	return err;
}

static int add_maps(struct transcode *t, int integer)
{
	__u32 legacy = find_datasec(t, ELF_SECTION_MAPS), modern = find_datasec(t, ".maps");
	int vars[ELF_MAX_MAPS], err;

	for (size_t i = 0; i < t->obj->nr_maps; i++) {
		vars[i] = place_var(t, legacy, integer, i);
		if (vars[i] < 0)
			return vars[i];
	}
	err = t->obj->nr_maps ? add_datasec(t, modern, vars) : 0;
	if (err)
		return err;
	if (legacy)
		retire_datasec(t, legacy, integer);
	if (modern && t->obj->nr_maps)
		retire_datasec(t, modern, integer);
	retire_annotations(t, integer);
	return retire_externs(t);
}

/* ---- the section `.BTF` ---------------------------------------------------------------------------------- */

static int open_btf(struct transcode *t)
{
	t->btf = t->obj->has_btf ? elfmap_btf__open(t->elf) : btf__new_empty();
	return t->btf ? 0 : -ENOMEM;
}

/* The object's BTF is not one that libbpf reads: what refers to it must not refer to ours. */
static int set_extension_aside(struct transcode *t)
{
	for (size_t i = 1; i < t->elf->nr_sections; i++) {
		const char *name = elfmap_elf__section_name(t->elf, i);
		uint32_t type = t->image.sections[i].header.sh_type;

		if ((type == SHT_PROGBITS && !strcmp(name, ".BTF.ext")) ||
		    (type == SHT_REL && (!strcmp(name, ".rel.BTF") || !strcmp(name, ".rel.BTF.ext"))))
			t->image.sections[i].removed = true;
	}
	return 0;
}

int transcode__write_btf(struct transcode *t)
{
	const Elf64_Shdr like = {.sh_type = SHT_PROGBITS, .sh_addralign = 4};
	size_t section = t->elf->btf;
	const void *raw;
	__u32 size;
	void *copy;

	if (!t->obj->nr_maps && !t->obj->has_btf)
		return 0; /* nothing to write */
	section = section ? section : image__add(&t->image, ".BTF", &like);
	if (!section)
		return -ENOMEM;
	raw = btf__raw_data(t->btf, &size);
	copy = raw ? malloc(size) : NULL;
	if (!copy)
		return -ENOMEM;
	memcpy(copy, raw, size);
	image__replace(&t->image, section, copy, size);
	return 0;
}

int transcode__btf(struct transcode *t)
{
	int err = open_btf(t), integer;

	if (err)
		return err;
	if (t->elf->btf && !t->obj->has_btf)
		set_extension_aside(t);
	integer = btf__find_by_name_kind(t->btf, "int", BTF_KIND_INT);
	if (integer < 0)
		integer = btf__add_int(t->btf, "int", sizeof(int), BTF_INT_SIGNED);
	return integer < 0 ? integer : add_maps(t, integer);
}
