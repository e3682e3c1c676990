// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* libbpf's maps and programs joined to the object's. */
#include <errno.h>
#include <string.h>

#include "base/msg.h"
#include "kinds/progs.h"
#include "load/pair.h"
#include "object/object.h"

/* ---- maps ------------------------------------------------------------------------------------------------ */

void elfmap_pair__init(struct elfmap_pair *ret_pair, const struct elfmap_object *object, const struct bpf_object *bpf)
{
	struct bpf_map *map;
	size_t nth = 0;

	*ret_pair = (struct elfmap_pair){.object = object};
	elfmap_object__find_entries(object, ret_pair->entries);
	bpf_object__for_each_map (map, bpf) {
		size_t index = elfmap_object__map_order(object, nth);

		/* BTF-defined maps and maps of global data are listed among them. */
		if (index >= object->nr_maps || index >= ELF_MAX_MAPS ||
		    strcmp(bpf_map__name(map), object->maps[index].name) != 0)
			continue;
		ret_pair->maps[index] = map;
		nth++;
	}
}

const struct elfmap_map *elfmap_pair__map(const struct elfmap_pair *pair, const struct bpf_map *map)
{
	for (size_t i = 0; i < ELF_MAX_MAPS; i++)
		if (pair->maps[i] == map)
			return &pair->object->maps[i];
	return NULL;
}

struct elfmap_map elfmap_pair__define(const struct bpf_map *map)
{
	return (struct elfmap_map){
		.sz = sizeof(struct elfmap_map),
		.name = bpf_map__name(map),
		.inner = -1,
		.def = {.type = bpf_map__type(map),
			.size_key = bpf_map__key_size(map),
			.size_value = bpf_map__value_size(map),
			.max_elem = bpf_map__max_entries(map),
			.flags = bpf_map__map_flags(map)},
	};
}

int elfmap_pair__fd(const struct bpf_map *map)
{
	return bpf_map__autocreate(map) ? bpf_map__fd(map) : -1;
}

bool elfmap_pair__loses_slots(const struct elfmap_pair *pair, const struct elfmap_map *map, const char *path,
			      struct elfmap_msg *msg)
{
	const struct elfmap_object *object = pair->object;
	bool has_slots = false;

	for (size_t i = 0; i < object->nr_progs && !has_slots; i++)
		has_slots = object->progs[i].slot_map >= 0 && &object->maps[object->progs[i].slot_map] == map;
	if (!has_slots || (path && *path))
		return false;
	elfmap_msg__set(msg, 0,
			"warning: map '%s' is not pinned, so the kernel empties its tail-call slots when this command "
			"ends; declare it with PIN_GLOBAL_NS or PIN_OBJECT_NS",
			map->name);
	return true;
}

/* ---- programs -------------------------------------------------------------------------------------------- */

const struct elfmap_prog *elfmap_pair__prog(const struct elfmap_pair *pair, const char *name, const char *section)
{
	for (size_t i = 0; i < pair->object->nr_progs; i++) {
		const struct elfmap_prog *prog = &pair->object->progs[i];

		if (!strcmp(prog->name, name) && !strcmp(prog->section, section))
			return prog;
	}
	return NULL;
}

bool elfmap_pair__is_behind_slot(const struct elfmap_pair *pair, const struct elfmap_prog *prog)
{
	return prog->is_slot && prog != pair->object->progs && prog->section_index == prog[-1].section_index;
}

const char *elfmap_pair__section(const struct bpf_program *bpf)
{
	const char *section = bpf_program__section_name(bpf);

	return strcmp(section, ELFMAP_TEXT_TWIN) != 0 ? section : ".text";
}

int elfmap_pair__set_type(const struct elfmap_pair *pair, struct bpf_program *bpf, const struct elfmap_prog *read,
			  const char *section, __u32 type)
{
	const struct elfmap_prog *entry = read && read->slot_map >= 0 ? pair->entries[read->slot_map] : NULL;
	struct elfmap_prog_mode mode = elfmap_prog_kind__mode(type, entry ? entry->section : section);
	int err = 0;

	if (bpf_program__type(bpf) != type)
		err = bpf_program__set_type(bpf, type);
	if (!err && !elfmap_prog_kind__of(type)->is_libbpfs)
		err = bpf_program__set_expected_attach_type(bpf, mode.attach_type);
	if (!err && mode.flags)
		err = bpf_program__set_flags(bpf, bpf_program__flags(bpf) | mode.flags);
	return err;
}
