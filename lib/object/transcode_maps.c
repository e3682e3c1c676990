// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode, the maps: section `maps` becomes `.maps`, where every definition is only a place: libbpf reads
 * the map from the type that `.BTF` gives that place. What is in it from the start, programs in slots and
 * inner maps, are relocations of that place.
 */
#include <errno.h>
#include <stdlib.h>

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
		/* BTF-defined maps stay first; ours follow, and `maps` itself is left for nobody. */
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
