// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the maps of running programs, and finds the one that corresponds to a map of an object. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/path.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "map/map.h"
#include "object/object.h"
#include "pins/map_id.h"
#include "upgrade/running.h"

/* ---- reading --------------------------------------------------------------------------------------------------- */

static struct elfmap_running_map *find_id(const struct elfmap_running *running, __u32 id)
{
	for (size_t i = 0; i < running->nr_maps; i++)
		if (running->maps[i].info.id == id)
			return &running->maps[i];
	return NULL;
}

bool elfmap_running__has(const struct elfmap_running *running, __u32 id)
{
	return find_id(running, id);
}

static int add_map(struct elfmap_running *running, __u32 id, bool is_held);

static int add_stage(void *context, const void *key, __u32 held)
{
	int prog = bpf_prog_get_fd_by_id(held), err;

	(void)key;
	if (prog < 0)
		return 0; /* removed since */
	err = elfmap_running__add(context, prog);
	close(prog);
	return err;
}

static int add_inner(void *context, const void *key, __u32 held)
{
	(void)key;
	return add_map(context, held, true);
}

/* Programs in the slots of a table, and maps in those of a map of maps. */
static int add_slots(struct elfmap_running *running, int fd, const struct bpf_map_info *info)
{
	return elfmap_slots__each(fd, info, elfmap_map__is_prog_array(info->type) ? add_stage : add_inner, running);
}

static int add_map(struct elfmap_running *running, __u32 id, bool is_held)
{
	struct elfmap_running_map *map = find_id(running, id);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err = 0, fd;

	if (map) {
		map->is_held &= is_held;
		return 0;
	}
	fd = elfmap_map__open_id(id);
	if (fd < 0)
		return 0; /* removed since */
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		map = elfmap_array__grow(running->maps, running->nr_maps, sizeof(*map));
		err = map ? 0 : -ENOMEM;
	}
	if (map) {
		running->maps = map;
		map[running->nr_maps++] = (struct elfmap_running_map){.info = info, .is_held = is_held};
		if (elfmap_map__is_prog_array(info.type) || elfmap_map__is_map_in_map(info.type))
			err = add_slots(running, fd, &info);
	}
	close(fd);
	return err;
}

bool elfmap_running__has_prog(const struct elfmap_running *running, __u32 id)
{
	for (size_t i = 0; i < running->nr_progs; i++)
		if (running->progs[i].id == id)
			return true;
	return false;
}

int elfmap_running__add(struct elfmap_running *running, int prog)
{
	struct elfmap_running_prog *grown;
	struct elfmap_program program = {};
	int err = elfmap_program__describe(prog, &program);

	if (err)
		return err;
	if (program.id && elfmap_running__has_prog(running, program.id)) {
		free(program.maps);
		return 0;
	}
	grown = elfmap_array__grow(running->progs, running->nr_progs, sizeof(*grown));
	if (!grown) {
		free(program.maps);
		return -ENOMEM;
	}
	running->progs = grown;
	grown += running->nr_progs++;
	*grown = (struct elfmap_running_prog){.id = program.id, .maps = program.maps, .nr_maps = program.nr_maps};
	memcpy(grown->name, program.name, sizeof(grown->name));
	for (__u32 i = 0; !err && i < program.nr_maps; i++)
		err = add_map(running, program.maps[i], false);
	return err;
}

int elfmap_running__add_version(struct elfmap_running *running, const struct elfmap_version *version)
{
	int err = 0;

	for (size_t i = 0; !err && i < version->nr_entries; i++)
		err = elfmap_running__add(running, version->entries[i].fd);
	for (size_t i = 0; !err && i < version->nr_hooks; i++)
		err = elfmap_running__add(running, version->hooks[i].fd);
	return err;
}

int elfmap_running__add_id(struct elfmap_running *running, __u32 id)
{
	int prog = bpf_prog_get_fd_by_id(id), err;

	if (prog < 0)
		return prog;
	err = elfmap_running__add(running, prog);
	close(prog);
	return err;
}

__u32 elfmap_running__find_named(const struct elfmap_running *running, const char *name, __u32 type, __u32 preferred)
{
	__u32 found = 0;

	for (size_t i = 0; i < running->nr_maps; i++) {
		const struct bpf_map_info *info = &running->maps[i].info;

		if ((!found || info->id == preferred) && !running->maps[i].is_held && info->type == type &&
		    !strncmp(info->name, name, sizeof(info->name) - 1))
			found = info->id;
	}
	return found;
}

int elfmap_running__read_pins(struct elfmap_running *running, const char *tc_dir)
{
	return elfmap_pins__read(tc_dir, &running->pins);
}

void elfmap_running__free(struct elfmap_running *running)
{
	for (size_t i = 0; i < running->nr_progs; i++)
		free(running->progs[i].maps);
	free(running->progs);
	free(running->maps);
	elfmap_pins__free(&running->pins);
	*running = (struct elfmap_running){};
}

static bool uses(const struct elfmap_running_prog *prog, __u32 map)
{
	for (__u32 i = 0; i < prog->nr_maps; i++)
		if (prog->maps[i] == map)
			return true;
	return false;
}

bool elfmap_running__share_program(const struct elfmap_running *running, __u32 a, __u32 b)
{
	for (size_t i = 0; i < running->nr_progs; i++)
		if (uses(&running->progs[i], a) && uses(&running->progs[i], b))
			return true;
	return false;
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

/* As the kernel keeps it. */
static bool has_name(const struct elfmap_running_map *map, const char *name)
{
	return !strncmp(map->info.name, name, sizeof(map->info.name) - 1);
}

/* libbpf puts a part of the object's name in front of ".data", and nothing in front of ".data.NAME". */
static bool is_of_section(const struct bpf_map_info *info, const char *section)
{
	const char *dot = strchr(info->name, '.');

	if (!dot || info->type != BPF_MAP_TYPE_ARRAY || info->max_entries != 1)
		return false;
	return !strncmp(dot, section, sizeof(info->name) - 1 - (size_t)(dot - info->name));
}

const struct elfmap_running_map *elfmap_running__globals(const struct elfmap_running *running, const char *section,
							 size_t nth)
{
	for (size_t i = 0; i < running->nr_maps; i++)
		if (is_of_section(&running->maps[i].info, section) && !nth--)
			return &running->maps[i];
	return NULL;
}

/* ---- how well does a running map fit --------------------------------------------------------------------------- */

/* The pin's name is the whole name of the map; each upgrade pins maps by their names as well. */
static int score_pins(const struct elfmap_running *running, const struct elfmap_running_map *there, const char *name)
{
	bool has_pin = false;

	for (size_t i = 0; i < running->pins.nr; i++) {
		const struct elfmap_pinned *pin = &running->pins.pins[i];

		if (pin->kind != ELFMAP_PIN_MAP || pin->id != there->info.id || pin->is_link)
			continue;
		if (!strcmp(elfmap_path__name(pin->path), name))
			return 2;
		has_pin = true;
	}
	return has_pin ? 0 : 1;
}

static int score_form(const struct elfmap_map *map, const struct bpf_map_info *info)
{
	struct elfmap_map resized = *map;

	if (!elfmap_pin__compare(map, info, NULL))
		return 2;
	resized.def.max_elem = info->max_entries;
	return !elfmap_pin__compare(&resized, info, NULL);
}

/* The name of a type, or of what it points to or modifies; "": it has none. */
static const char *type_name(const struct btf *btf, __u32 id)
{
	for (int depth = 0; depth < 32; depth++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name = type ? btf__name_by_offset(btf, type->name_off) : NULL;

		if (!type || (name && *name))
			return name ?: "";
		if (!btf_is_mod(type) && !btf_is_ptr(type))
			break;
		id = type->type;
	}
	return "";
}

static int score_types(const struct elfmap_load *load, const struct elfmap_load_map *map,
		       const struct bpf_map_info *info)
{
	const struct btf *ours = bpf_object__btf(load->bpf);
	struct btf *theirs = info->btf_id ? btf__load_from_kernel_by_id(info->btf_id) : NULL;
	int score = 0;

	if (ours && theirs) {
		__u32 key = bpf_map__btf_key_type_id(map->bpf), value = bpf_map__btf_value_type_id(map->bpf);

		score = !strcmp(type_name(ours, key), type_name(theirs, info->btf_key_type_id)) &&
			!strcmp(type_name(ours, value), type_name(theirs, info->btf_value_type_id));
	}
	btf__free(theirs);
	return score;
}

static bool is_used_by(const struct elfmap_running *running, __u32 map, const char *prog)
{
	for (size_t i = 0; i < running->nr_progs; i++)
		if (!strncmp(running->progs[i].name, prog, sizeof(running->progs[i].name) - 1) &&
		    uses(&running->progs[i], map))
			return true;
	return false;
}

static bool is_running(const struct elfmap_running *running, const char *prog)
{
	for (size_t i = 0; i < running->nr_progs; i++)
		if (!strncmp(running->progs[i].name, prog, sizeof(running->progs[i].name) - 1))
			return true;
	return false;
}

/* Programs that are in both versions and use both maps, or one of them. */
static int score_users(const struct elfmap_running *running, const struct elfmap_load *load,
		       const struct elfmap_load_map *map, const struct bpf_map_info *info)
{
	bool is_shared = false;

	for (size_t i = 0; i < load->object->nr_progs; i++) {
		const struct elfmap_prog *prog = &load->object->progs[i];
		bool ours = elfmap_object__uses(load->object, prog, map->map.name);

		if (!is_running(running, prog->name))
			continue;
		if (ours != is_used_by(running, info->id, prog->name))
			return 0;
		is_shared |= ours;
	}
	return is_shared;
}

/* Pins decide before definitions, those before types, and those before users. */
static int score(const struct elfmap_running *running, const struct elfmap_load *load,
		 const struct elfmap_load_map *map, const struct elfmap_running_map *there)
{
	return score_pins(running, there, map->map.name) * 100 + score_form(&map->map, &there->info) * 10 +
	       score_types(load, map, &there->info) * 4 + score_users(running, load, map, &there->info) * 2 +
	       !there->is_held;
}

/* ---- finding --------------------------------------------------------------------------------------------------- */

/* Unnamed maps are those of old loaders: they must be used by the same programs. */
static bool is_candidate(const struct elfmap_running *running, const struct elfmap_load *load,
			 const struct elfmap_load_map *map, const struct elfmap_running_map *there)
{
	if (there->info.type != map->map.def.type)
		return false;
	if (*there->info.name)
		return has_name(there, map->map.name);
	return score_form(&map->map, &there->info) == 2 && score_users(running, load, map, &there->info);
}

static int refuse(const struct elfmap_load_map *map, const struct elfmap_running_map *a,
		  const struct elfmap_running_map *b, const char *remedy, struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ENOTUNIQ,
			       "map '%s': running maps %u and %u fit equally, by name, definition and programs; %s",
			       map->map.name, a->info.id, b->info.id, remedy);
}

/* Does another map of LOAD fit THERE as well as MAP does? */
static int check_rivals(const struct elfmap_running *running, const struct elfmap_load *load,
			const struct elfmap_load_map *map, const struct elfmap_running_map *there,
			struct elfmap_msg *msg)
{
	int best = score(running, load, map, there);

	for (size_t i = 0; i < load->nr_maps; i++) {
		const struct elfmap_load_map *rival = &load->maps[i];
		int theirs;

		if (rival == map || rival->is_internal || !is_candidate(running, load, rival, there))
			continue;
		theirs = score(running, load, rival, there);
		if (theirs > best)
			return -ENOENT;
		if (theirs == best)
			return elfmap_msg__set(
				msg, -ENOTUNIQ,
				"map '%s': running map %u fits it and map '%s' equally, since the kernel keeps 15 "
				"characters of a name; pin them, or start anew: --reset %s,%s",
				map->map.name, there->info.id, rival->map.name, map->map.name, rival->map.name);
	}
	return 0;
}

int elfmap_running__find(const struct elfmap_running *running, const struct elfmap_load *load,
			 const struct elfmap_load_map *map, int *ret_fd, struct elfmap_msg *msg)
{
	const struct elfmap_running_map *best = NULL, *equal = NULL;
	int best_score = -1, err, fd;

	for (size_t i = 0; i < running->nr_maps; i++) {
		const struct elfmap_running_map *there = &running->maps[i];
		int fits;

		if (!is_candidate(running, load, map, there))
			continue;
		fits = score(running, load, map, there);
		if (fits == best_score)
			equal = there;
		if (fits <= best_score)
			continue;
		best = there;
		best_score = fits;
		equal = NULL;
	}
	if (!best)
		return -ENOENT;
	err = check_rivals(running, load, map, best, msg);
	if (err)
		return err;
	if (equal && !map->map.is_inner)
		return refuse(map, best, equal, "replace one hook at a time with 'dev DEV', or start anew with --reset",
			      msg);
	if (equal)
		return -ENOENT;
	fd = elfmap_map__open_id(best->info.id);
	if (fd < 0)
		return elfmap_msg__set(msg, fd, "map '%s': running map %u: %s", map->map.name, best->info.id,
				       strerror(-fd));
	*ret_fd = fd;
	return 0;
}
