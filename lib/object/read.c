// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read: what an object asks for, from its bytes alone. The contract is iproute2's legacy loader
 * (include/bpf_elf.h); what breaks it goes into problems[], in words that name the place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "read.h"

#define MIN_DEF_SIZE 16 /* type, key, value, entries */
#define MAX_PROBLEMS 32 /* a hostile object has as many as it likes */

#define MAP_TYPE_CGRP_STORAGE 32 /* younger than some <linux/bpf.h> */

int read__problem(struct elfmap_object *obj, const char *format, ...)
{
	struct elfmap_msg msg;
	char **grown;
	va_list args;

	if (obj->nr_problems >= MAX_PROBLEMS)
		return 0;
	grown = realloc(obj->problems, (obj->nr_problems + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	obj->problems = grown;
	va_start(args, format);
	elfmap_msg__print(&msg, format, args);
	va_end(args);
	grown[obj->nr_problems] = strdup(msg.text);
	if (!grown[obj->nr_problems])
		return -ENOMEM;
	obj->nr_problems++;
	return 0;
}

/* ---- maps -------------------------------------------------------------------------------------- */

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
		return read__problem(obj, "section maps: no global symbol tells where a map is");
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

/* One symbol a definition and one definition a symbol: nothing else tells where a definition ends. */
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

static bool is_map_in_map(const struct elfmap_map *map)
{
	return map->def.type == BPF_MAP_TYPE_ARRAY_OF_MAPS || map->def.type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

static bool is_template_of(const struct elfmap_map *map, const struct elfmap_map *outer)
{
	return map->def.id && map->def.id == outer->def.inner_id && !map->def.inner_id;
}

bool elfmap_map__goes_into(const struct elfmap_map *inner, const struct elfmap_map *outer)
{
	return is_map_in_map(outer) && is_template_of(inner, outer) && inner->def.inner_idx != (__u32)-1;
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
	if (outer->def.type == BPF_MAP_TYPE_ARRAY_OF_MAPS && key >= outer->def.max_elem)
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

static int read_maps(struct elfmap_object *obj)
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
		if (is_map_in_map(&obj->maps[i]))
			err = find_templates(obj, &obj->maps[i]);
	return err;
}

/* ---- types of keys and values --------------------------------------------------------------------- */

/* Kinds of maps that the kernel takes key and value types for; others refuse the whole map. */
static bool takes_types(__u32 map_type)
{
	switch (map_type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case MAP_TYPE_CGRP_STORAGE:
		return true;
	default:
		return false;
	}
}

/* BPF_ANNOTATE_KV_PAIR leaves struct ____btf_map_NAME {key; value;} in the object's BTF. */
static void read_types(struct elfmap_map *map, const struct btf *btf)
{
	char name[sizeof("____btf_map_") + MAX_MAP_NAME];
	const struct btf_member *member;
	const struct btf_type *pair;
	int id;

	snprintf(name, sizeof(name), "____btf_map_%s", map->name);
	id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	pair = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	if (!pair || btf_vlen(pair) != 2)
		return;
	member = btf_members(pair);
	/* Sizes that disagree: the annotation is of another map's; the definition is what counts. */
	if (btf__resolve_size(btf, member[0].type) != map->def.size_key ||
	    btf__resolve_size(btf, member[1].type) != map->def.size_value)
		return;
	map->key_type = member[0].type;
	map->value_type = member[1].type;
}

/* Old compilers gave functions no type, and libbpf then finds no program. An object with modern maps
 * is no old compiler's. */
static bool has_old_symbols(const struct elfmap_object *obj)
{
	for (size_t i = 0; !obj->has_btf_maps && i < obj->nr_progs; i++)
		if (obj->progs[i].symbol &&
		    ELF64_ST_TYPE(obj->elf->symbols[obj->progs[i].symbol].st_info) == STT_NOTYPE)
			return true;
	return false;
}

/* What the object's BTF adds: types of keys and values, and which undefined symbols are the kernel's. */
static int read_btf(struct elfmap_object *obj)
{
	struct btf *btf;
	int err;

	obj->needs_help = obj->has_legacy_maps || has_old_symbols(obj) || (obj->nr_subprogs && !obj->has_btf_maps);
	if (!obj->needs_help)
		return 0;
	btf = elfmap_btf__open(obj->elf);
	obj->has_btf = btf; /* else of another compiler's making; it is optional */
	for (size_t i = 0; btf && i < obj->nr_maps; i++)
		if (takes_types(obj->maps[i].def.type))
			read_types(&obj->maps[i], btf);
	if (obj->has_btf_maps && !btf) {
		/* They cost the programs that use them; to tc's own loader they were never there. */
		obj->elf->bare_maps = obj->elf->btf_maps;
		obj->elf->btf_maps = 0;
		obj->has_btf_maps = false;
	}
	err = read__undefined(obj, btf);
	btf__free(btf);
	return err;
}

/* Maps that libbpf reads itself; to name them is all that is done here. */
static int name_btf_maps(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;

	if (!elf->btf_maps)
		return 0;
	obj->btf_maps = calloc(elf->nr_symbols, sizeof(*obj->btf_maps));
	if (!obj->btf_maps)
		return -ENOMEM;
	for (size_t i = 1; i < elf->nr_symbols; i++)
		if (elf->symbols[i].st_shndx == elf->btf_maps && ELF64_ST_TYPE(elf->symbols[i].st_info) == STT_OBJECT)
			obj->btf_maps[obj->nr_btf_maps++] = elfmap_elf__symbol_name(elf, i);
	return 0;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static int read_license(struct elfmap_object *obj)
{
	const struct elfmap_elf *elf = obj->elf;

	for (size_t i = 1; i < elf->nr_sections; i++) {
		const char *text = elfmap_elf__data(elf, i);

		if (!text || strcmp(elfmap_elf__section_name(elf, i), ELF_SECTION_LICENSE) != 0)
			continue;
		obj->license = strndup(text, elfmap_elf__section(elf, i)->sh_size);
		return obj->license ? 0 : -ENOMEM;
	}
	obj->license = strdup("");
	return obj->license ? 0 : -ENOMEM;
}

int elfmap_object__read(const void *bytes, size_t size, struct elfmap_object **ret_obj, struct elfmap_msg *msg)
{
	struct elfmap_object *obj = calloc(1, sizeof(*obj));
	int err;

	if (!obj)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = elfmap_elf__open(bytes, size, &obj->elf, msg);
	if (err)
		goto out;
	obj->has_btf_maps = obj->elf->btf_maps;
	err = read_maps(obj);
	err = err ?: read__programs(obj);
	err = err ?: read_license(obj);
	err = err ?: read_btf(obj);
	err = err ?: name_btf_maps(obj);
	if (err) {
		elfmap_msg__set(msg, err, "no memory");
		goto out;
	}
	*ret_obj = obj;
	obj = NULL;
out:
	elfmap_object__free(obj);
	return err;
}

void elfmap_object__free(struct elfmap_object *obj)
{
	if (!obj)
		return;
	for (size_t i = 0; i < obj->nr_problems; i++)
		free(obj->problems[i]);
	for (size_t i = 0; i < obj->nr_progs; i++)
		if (!obj->progs[i].symbol)
			free((char *)obj->progs[i].name);
	for (size_t i = 0; i < obj->nr_subprogs; i++)
		if (!obj->subprogs[i].symbol)
			free((char *)obj->subprogs[i].name);
	free(obj->problems);
	free(obj->progs);
	free(obj->subprogs);
	free(obj->btf_maps);
	free(obj->maps);
	free((char *)obj->license);
	elfmap_elf__close(obj->elf);
	free(obj);
}

size_t elfmap_object__map_order(const struct elfmap_object *obj, size_t nth)
{
	/* First everything that is no outer map, then the outer maps, each in the object's order. */
	for (int outer = 0; outer < 2; outer++)
		for (size_t i = 0; i < obj->nr_maps; i++)
			if (is_map_in_map(&obj->maps[i]) == (outer == 1) && !nth--)
				return i;
	return obj->nr_maps;
}
