// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read, the maps: section `maps` cut into definitions. Only the symbols show where one ends, so that
 * all must be of one size.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/internal.h"

#define MIN_DEF_SIZE 16 /* type, key, value, entries */

static bool is_definition(const struct elfmap_elf *elf, const Elf64_Sym *symbol)
{
	unsigned int type = ELF64_ST_TYPE(symbol->st_info);

	/* Old compilers left maps NOTYPE. */
	return symbol->st_shndx == elf->maps && ELF64_ST_BIND(symbol->st_info) == STB_GLOBAL &&
	       (type == STT_NOTYPE || type == STT_OBJECT);
}

static int compare_offsets(const void *a, const void *b)
{
	const struct elfmap_map *left = a, *right = b;

	if (left->offset != right->offset)
		return left->offset < right->offset ? -1 : 1;
	return left->symbol < right->symbol ? -1 : 1;
}

static bool is_map_at(const struct elfmap_object *obj, size_t offset)
{
	for (size_t i = 0; i < obj->nr_maps; i++)
		if (obj->maps[i].offset == offset)
			return true;
	return false;
}

/* What is no map to the legacy loader, and makes the sizes of the others come out wrong. */
static int check_bindings(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;

	for (size_t i = 1; i < elf->nr_symbols; i++) {
		const Elf64_Sym *symbol = &elf->symbols[i];
		unsigned int type = ELF64_ST_TYPE(symbol->st_info);
		const char *name;

		if (symbol->st_shndx != elf->maps || (type != STT_NOTYPE && type != STT_OBJECT) ||
		    is_map_at(obj, symbol->st_value))
			continue;
		name = elfmap_elf__symbol_name(elf, i);
		return read__problem(obj, "map '%s': offset %llu: is not global; a map must be neither static nor weak",
				     name, (unsigned long long)symbol->st_value);
	}
	if (!obj->nr_maps)
		return read__problem(obj, "section maps: no global symbol marks a map");
	return 0;
}

static int collect_symbols(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;
	size_t found = 0;

	obj->maps = calloc(ELF_MAX_MAPS, sizeof(*obj->maps));
	if (!obj->maps)
		return -ENOMEM;
	for (size_t i = 1; i < elf->nr_symbols; i++) {
		struct elfmap_map *map = &obj->maps[found];

		if (!is_definition(elf, &elf->symbols[i]) || found++ >= ELF_MAX_MAPS)
			continue;
		map->name = elfmap_elf__symbol_name(elf, i);
		map->offset = elf->symbols[i].st_value;
		map->symbol = i;
		map->inner = -1;
	}
	if (found > ELF_MAX_MAPS)
		return read__problem(obj, "section maps: %zu maps, at most %u", found, ELF_MAX_MAPS);
	obj->nr_maps = found;
	qsort(obj->maps, obj->nr_maps, sizeof(*obj->maps), compare_offsets);
	return check_bindings(obj);
}

/* One symbol for each definition and one definition for each symbol: only symbols show where a definition ends. */
static int check_offsets(struct elfmap_object *obj, size_t section_size)
{
	size_t size = section_size / obj->nr_maps;

	if (section_size % obj->nr_maps || size % sizeof(__u32))
		return read__problem(obj, "section maps: %zu bytes for %zu maps: definitions of different sizes",
				     section_size, obj->nr_maps);
	if (size < MIN_DEF_SIZE)
		return read__problem(obj, "section maps: definitions of %zu bytes, at least %d", size, MIN_DEF_SIZE);
	for (size_t i = 0; i < obj->nr_maps; i++) {
		const struct elfmap_map *map = &obj->maps[i];

		if (map->offset == i * size)
			continue;
		if (i && map->offset == map[-1].offset)
			return read__problem(obj, "map '%s': offset %zu: is map '%s' too", map->name, map->offset,
					     map[-1].name);
		return read__problem(obj, "map '%s': offset %zu, %zu expected: definitions of different sizes",
				     map->name, map->offset, i * size);
	}
	obj->def_size = size;
	return 0;
}

/* The kernel takes no other characters in names; and the name becomes part of a path. */
static bool is_map_name(const char *name)
{
	return strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") == strlen(name) &&
	       strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int read_definition(struct elfmap_object *obj, struct elfmap_map *map, const unsigned char *bytes)
{
	size_t known = obj->def_size < sizeof(map->def) ? obj->def_size : sizeof(map->def);

	memcpy(&map->def, bytes + map->offset, known);
	for (size_t at = known; at < obj->def_size; at++)
		if (bytes[map->offset + at])
			return read__problem(obj,
					     "map '%s': offset %zu: byte %zu of its definition is not zero, and "
					     "only %zu are known",
					     map->name, map->offset + at, at, sizeof(map->def));
	if (!map->def.type)
		return read__problem(obj, "map '%s': offset %zu: type 0 (unspec)", map->name, map->offset);
	if (!map->name[0])
		return read__problem(obj, "section maps: offset %zu: a map without a name", map->offset);
	if (!is_map_name(map->name))
		return read__problem(obj, "map '%s': offset %zu: a name has only letters, digits, '_' and '.'",
				     map->name, map->offset);
	if (strlen(map->name) > MAX_MAP_NAME)
		return read__problem(obj, "map '%.40s...': offset %zu: a name of %zu bytes, at most %d", map->name,
				     map->offset, strlen(map->name), MAX_MAP_NAME);
	return 0;
}

static int check_name(struct elfmap_object *obj, const struct elfmap_map *map)
{
	for (const struct elfmap_map *other = obj->maps; other < map; other++)
		if (!strcmp(other->name, map->name))
			return read__problem(obj, "map '%s': offset %zu: there is a map of this name at offset %zu",
					     map->name, map->offset, other->offset);
	return 0;
}

static bool is_template_of(const struct elfmap_map *map, const struct elfmap_map *outer)
{
	return map->def.id && map->def.id == outer->def.inner_id && !map->def.inner_id;
}

bool elfmap_map__goes_into(const struct elfmap_map *inner, const struct elfmap_map *outer)
{
	return elfmap_map__is_map_in_map(outer->def.type) && is_template_of(inner, outer) &&
	       inner->def.inner_idx != (__u32)-1;
}

static int check_template(struct elfmap_object *obj, const struct elfmap_map *outer, const struct elfmap_map *inner)
{
	__u32 key = inner->def.inner_idx;

	if (key == (__u32)-1)
		return 0;
	if (outer->def.size_key != sizeof(__u32))
		return read__problem(obj,
				     "map '%s': inner_idx %d cannot be a key of map '%s', whose keys have %u bytes; "
				     "set it to -1 and insert the inner map from user space",
				     inner->name, (int)key, outer->name, outer->def.size_key);
	if (elfmap_map_kind__of(outer->def.type)->has_slots && key >= outer->def.max_elem)
		return read__problem(obj, "map '%s': inner_idx %u is past the end of map '%s' (%u entries)",
				     inner->name, key, outer->name, outer->def.max_elem);
	if (key >= MAX_VALUES)
		return read__problem(obj, "map '%s': inner_idx %u for map '%s': at most %u", inner->name, key,
				     outer->name, MAX_VALUES - 1);
	return 0;
}

static int find_templates(struct elfmap_object *obj, struct elfmap_map *outer)
{
	int err;

	for (size_t i = 0; i < obj->nr_maps; i++) {
		struct elfmap_map *inner = &obj->maps[i];

		if (!is_template_of(inner, outer))
			continue;
		if (outer->inner < 0)
			outer->inner = (int)i;
		inner->is_inner = true;
		err = check_template(obj, outer, inner);
		if (err)
			return err;
	}
	if (outer->inner < 0 && outer->def.inner_id)
		return read__problem(obj, "map '%s': inner_id %u: no map has this id", outer->name,
				     outer->def.inner_id);
	return 0;
}

/* Another one would be no map's to us, and libbpf would refuse the whole for it. */
static int check_twins(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;

	for (size_t i = elf->maps + 1; i < elf->nr_sections; i++)
		if (!strcmp(elfmap_elf__section_name(elf, i), ELF_SECTION_MAPS))
			return read__problem(obj, "section maps: there are two of this name, %zu and %zu", elf->maps,
					     i);
	return 0;
}

int read__maps(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;
	const unsigned char *bytes;
	const Elf64_Shdr *section;
	int err;

	if (!elf->maps)
		return 0;
	obj->has_legacy_maps = true;
	section = elfmap_elf__section(elf, elf->maps);
	err = check_twins(obj);
	if (err || obj->nr_problems || !section->sh_size)
		return err;
	bytes = elfmap_elf__data(elf, elf->maps);
	if (section->sh_type != SHT_PROGBITS || !bytes)
		return read__problem(obj, "section maps: ELF type %u holds no definitions", section->sh_type);
	err = collect_symbols(obj);
	err = err || obj->nr_problems ? err : check_offsets(obj, section->sh_size);
	for (size_t i = 0; !err && !obj->nr_problems && i < obj->nr_maps; i++)
		err = read_definition(obj, &obj->maps[i], bytes) ?: check_name(obj, &obj->maps[i]);
	for (size_t i = 0; !err && !obj->nr_problems && i < obj->nr_maps; i++)
		if (elfmap_map__is_map_in_map(obj->maps[i].def.type))
			err = find_templates(obj, &obj->maps[i]);
	return err;
}

size_t elfmap_object__map_order(const struct elfmap_object *obj, size_t nth)
{
	/* First everything that is no outer map, then the outer maps, each in the object's order. */
	for (int outer = 0; outer < 2; outer++)
		for (size_t i = 0; i < obj->nr_maps; i++)
			if (elfmap_map__is_map_in_map(obj->maps[i].def.type) == (outer == 1) && !nth--)
				return i;
	return obj->nr_maps;
}
