// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read: what an object asks for, from its bytes alone. The contract is iproute2's legacy loader
 * (include/bpf_elf.h); what breaks it goes into problems[], in words that name the place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/maps.h"
#include "object/internal.h"
#include "object/read.h"

/* ---- types of keys and values --------------------------------------------------------------------- */

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
		if (elfmap_map_kind__of(obj->maps[i].def.type)->takes_btf)
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
	err = read__maps(obj);
	err = err ?: read__programs(obj);
	err = err ?: read_license(obj);
	err = err ?: read_btf(obj);
	err = err ?: name_btf_maps(obj);
	if (err) {
		elfmap_msg__set(msg, err, "no memory");
		goto out;
	}
	read__describe(obj);
	*ret_obj = obj;
	obj = NULL;
out:
	elfmap_object__free(obj);
	return err;
}
