// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* load, the first step: reads the object, opens it with libbpf, and lists its maps and programs. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "kinds/maps.h"
#include "load/load.h"
#include "pins/pin.h"

static const char *tc_dir(const struct elfmap_load *load)
{
	return load->opts.tc_dir ?: "/sys/fs/bpf/tc";
}

/* libbpf would pin each map as soon as it is made, and explain little if a pin differs. */
static int drop_pins(const struct bpf_object *bpf)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map (map, bpf)
		if (!err && bpf_map__pin_path(map))
			err = bpf_map__set_pin_path(map, NULL);
	return err;
}

static int open_bpf(const struct elfmap_load *load, struct bpf_object **ret_bpf, struct elfmap_msg *msg)
{
	char root[PATH_MAX], name[NAME_MAX + 1];
	LIBBPF_OPTS(bpf_object_open_opts, opts, .relaxed_maps = true, .pin_root_path = root, .object_name = name);
	const void *bytes = load->transcoded ? load->transcoded : load->bytes;
	size_t size = load->transcoded ? load->transcoded_size : load->size;
	struct bpf_object *bpf;

	snprintf(root, sizeof(root), "%s/globals", tc_dir(load));
	elfmap_path__object_name(load->file, name, sizeof(name));
	bpf = bpf_object__open_mem(bytes, size, &opts);
	if (!bpf)
		return elfmap_msg__set(msg, -errno, "libbpf cannot open it: %s; 'elfmap check %s' shows more",
				       strerror(errno), load->file);
	*ret_bpf = bpf;
	return 0;
}

int elfmap_load__open_again(const struct elfmap_load *load, struct bpf_object **ret_bpf, struct elfmap_msg *msg)
{
	struct bpf_object *bpf = NULL;
	int err = open_bpf(load, &bpf, msg);

	err = err ?: drop_pins(bpf);
	if (err)
		bpf_object__close(bpf);
	else
		*ret_bpf = bpf;
	return err;
}

static int transcode(struct elfmap_load *load, struct elfmap_msg *msg)
{
	if (load->object->nr_problems)
		return elfmap_msg__set(msg, -EINVAL, "%s", load->object->problems[0]);
	if (!load->object->needs_help)
		return 0;
	return elfmap_object__transcode(load->object, NULL, &load->transcoded, &load->transcoded_size, msg);
}

/* ---- maps ------------------------------------------------------------------------------------------------ */

static int find_legacy_pin(struct elfmap_load *load, struct elfmap_load_map *map, const char *sha1,
			   struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int err = elfmap_pin__path(&map->map, tc_dir(load), sha1, path, sizeof(path), msg);

	if (err == -ENOENT) { /* unknown pinning number: not pinned, as with tc, but with a warning */
		if (load->opts.warn)
			load->opts.warn(load->file, msg->text);
		map->unpinned_why = strdup(msg->text);
		return map->unpinned_why ? 0 : -ENOMEM;
	}
	if (err || !*path)
		return err;
	map->pin_path = strdup(path);
	return map->pin_path ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

static int find_own_pin(struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	const char *path = bpf_map__pin_path(map->bpf);

	map->pin_path = path ? strdup(path) : NULL;
	return path && !map->pin_path ? elfmap_msg__set(msg, -ENOMEM, "no memory") : 0;
}

/* The target table of a graft may be pinned anywhere. */
static int aim_at_graft(const struct elfmap_load *load, struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	const char *path = load->opts.graft_into;

	if (!path || !elfmap_map__is_prog_array(map->map.def.type) ||
	    strcmp(map->map.name, elfmap_path__name(path)) != 0)
		return 0;
	free(map->pin_path);
	map->pin_path = strdup(path);
	return map->pin_path ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

static int list_map(struct elfmap_load *load, struct bpf_map *bpf, const char *sha1, struct elfmap_msg *msg)
{
	const struct elfmap_map *legacy = elfmap_pair__map(&load->pair, bpf);
	struct elfmap_load_map *map = &load->maps[load->nr_maps++];
	int err;

	map->bpf = bpf;
	map->is_internal = bpf_map__is_internal(bpf);
	map->is_legacy = legacy;
	map->map = legacy ? *legacy : elfmap_pair__define(bpf);
	err = legacy ? find_legacy_pin(load, map, sha1, msg) : find_own_pin(map, msg);
	return err ?: aim_at_graft(load, map, msg);
}

static struct elfmap_load_map *find_sized(const struct elfmap_load *load, const char *maximum)
{
	size_t length = strcspn(maximum, "=");

	for (size_t i = 0; i < load->nr_maps; i++)
		if (!load->maps[i].is_internal && strlen(load->maps[i].map.name) == length &&
		    !strncmp(load->maps[i].map.name, maximum, length))
			return &load->maps[i];
	return NULL;
}

static int set_maximum(const struct elfmap_load *load, const char *maximum, struct elfmap_msg *msg)
{
	struct elfmap_load_map *map = find_sized(load, maximum);
	const char *word = strchr(maximum, '=') + 1;
	__u64 max;
	int err;

	if (!map)
		return elfmap_msg__set(msg, -ENOENT, "max %.*s: there is no such map; 'elfmap show %s' lists them",
				       (int)strcspn(maximum, "="), maximum, load->file);
	if (elfmap_number__read(word, 0, 1, UINT32_MAX, &max))
		return elfmap_msg__set(msg, -EINVAL, "max %s: '%s' is not a number from 1 to %u", map->map.name, word,
				       UINT32_MAX);
	err = bpf_map__set_max_entries(map->bpf, (__u32)max);
	if (err)
		return elfmap_msg__set(msg, err, "max %s: %s", map->map.name, strerror(-err));
	map->map.def.max_elem = (__u32)max;
	map->is_sized = true;
	return 0;
}

static int set_maxima(const struct elfmap_load *load, struct elfmap_msg *msg)
{
	const struct elfmap_settings *maxima = load->opts.maxima;
	int err = 0;

	for (size_t i = 0; !err && maxima && i < maxima->nr; i++)
		err = set_maximum(load, maxima->at[i], msg);
	return err;
}

static int list_maps(struct elfmap_load *load, const char *sha1, struct elfmap_msg *msg)
{
	struct bpf_map *bpf;
	size_t nr = 0;
	int err = 0;

	bpf_object__for_each_map (bpf, load->bpf)
		nr++;
	load->maps = calloc(nr + 1, sizeof(*load->maps));
	if (!load->maps)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	bpf_object__for_each_map (bpf, load->bpf)
		err = err ?: list_map(load, bpf, sha1, msg);
	err = err ?: set_maxima(load, msg);
	return err ?: drop_pins(load->bpf);
}

/* ---- programs -------------------------------------------------------------------------------------------- */

static int find_map(const struct elfmap_load *load, const char *name)
{
	for (size_t i = 0; i < load->nr_maps; i++)
		if (!strcmp(load->maps[i].map.name, name))
			return (int)i;
	return -1;
}

/* The type that the caller gives SECTION, or else HINT. */
static enum bpf_prog_type type_of(const struct elfmap_load *load, const char *section, enum bpf_prog_type hint)
{
	for (size_t i = 0; i < load->opts.nr_types; i++)
		if (!strcmp(load->opts.types[i].section, section))
			return load->opts.types[i].type;
	return hint;
}

static void list_prog(struct elfmap_load *load, struct bpf_program *bpf)
{
	struct elfmap_load_prog *prog = &load->progs[load->nr_progs++];
	const char *section = elfmap_pair__section(bpf);
	const struct elfmap_prog *read = elfmap_pair__prog(&load->pair, bpf_program__name(bpf), section);

	*prog = (struct elfmap_load_prog){
		.name = bpf_program__name(bpf),
		.section = section,
		.type = type_of(load, section, read ? read->type_hint : BPF_PROG_TYPE_UNSPEC),
		.slot_map = -1,
		.read = read,
		.bpf = bpf,
	};
	if (read && read->slot_map >= 0 && !elfmap_pair__is_behind_slot(&load->pair, read)) {
		prog->slot_map = find_map(load, load->object->maps[read->slot_map].name);
		prog->slot_key = read->slot_key;
	}
	prog->is_wanted = prog->slot_map >= 0 || !load->opts.section || !strcmp(section, load->opts.section);
}

/* The name of a tail-call section does not imply a type: it has the type of the programs that jump there. */
static enum bpf_prog_type find_common_type(const struct elfmap_load *load)
{
	for (size_t i = 0; i < load->nr_progs; i++)
		if (load->progs[i].is_wanted && load->progs[i].slot_map < 0 && load->progs[i].type)
			return load->progs[i].type;
	return load->opts.usual_type ?: BPF_PROG_TYPE_SCHED_CLS;
}

static void choose_type(const struct elfmap_load *load, struct elfmap_load_prog *prog, enum bpf_prog_type common)
{
	const struct elfmap_prog *entry =
		prog->slot_map >= 0 && prog->read ? load->pair.entries[prog->read->slot_map] : NULL;

	if (load->opts.type)
		prog->type = load->opts.type;
	else if (entry && type_of(load, entry->section, entry->type_hint))
		prog->type = type_of(load, entry->section, entry->type_hint);
	else if (prog->slot_map >= 0)
		prog->type = common;
	else if (!prog->type)
		prog->type = load->opts.usual_type ?: BPF_PROG_TYPE_SCHED_CLS;
}

int elfmap_load__set_type(const struct elfmap_load *load, const struct elfmap_load_prog *prog, struct bpf_program *bpf)
{
	return elfmap_pair__set_type(&load->pair, bpf, prog->read, prog->section, prog->type);
}

static int check_undefined(const struct elfmap_load *load, struct elfmap_msg *msg)
{
	for (size_t i = 0; i < load->object->nr_progs; i++) {
		const struct elfmap_prog *prog = &load->object->progs[i];
		const char *section = load->opts.section;

		if (prog->undefined &&
		    (!section || (prog->is_slot && !load->opts.graft_into) || !strcmp(section, prog->section)))
			return elfmap_msg__set(msg, -EINVAL, "section '%s': uses '%s', %s", prog->section,
					       prog->undefined, prog->undefined_why);
	}
	return 0;
}

static int list_progs(struct elfmap_load *load, struct elfmap_msg *msg)
{
	enum bpf_prog_type common;
	struct bpf_program *bpf;
	size_t nr = 0;

	bpf_object__for_each_program (bpf, load->bpf)
		nr++;
	load->progs = calloc(nr + 1, sizeof(*load->progs));
	if (!load->progs)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	bpf_object__for_each_program (bpf, load->bpf)
		list_prog(load, bpf);
	common = find_common_type(load);
	for (size_t i = 0; i < load->nr_progs; i++)
		choose_type(load, &load->progs[i], common);
	return 0;
}

static int check_wanted(const struct elfmap_load *load, struct elfmap_msg *msg)
{
	if (!load->nr_progs)
		return elfmap_msg__set(msg, -ENOENT, "has no program");
	if (load->opts.section && !elfmap_load__find_prog(load, load->opts.section))
		return elfmap_msg__set(msg, -ENOENT,
				       "section '%s': there is no such program; 'elfmap show %s' lists them",
				       load->opts.section, load->file);
	return 0;
}

struct elfmap_load_prog *elfmap_load__find_prog(const struct elfmap_load *load, const char *section)
{
	for (size_t i = 0; i < load->nr_progs; i++)
		if (load->progs[i].section && section && !strcmp(load->progs[i].section, section))
			return &load->progs[i];
	return NULL;
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

/* From now on commands that remove unused pins wait for us. */
static int get_lock(struct elfmap_load *load, struct elfmap_msg *msg)
{
	if (load->opts.is_locked)
		return 0;
	if (mkdir(load->opts.tc_dir, 0700) && errno != EEXIST)
		return elfmap_msg__set(msg, -errno, "%s: %s", load->opts.tc_dir, strerror(errno));
	load->lock = open(load->opts.tc_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (load->lock < 0)
		return elfmap_msg__set(msg, -errno, "%s: %s", load->opts.tc_dir, strerror(errno));
	while (flock(load->lock, LOCK_SH))
		if (errno != EINTR)
			return elfmap_msg__set(msg, -errno, "%s: cannot be locked: %s", load->opts.tc_dir,
					       strerror(errno));
	return 0;
}

int elfmap_load__read(const char *file, const struct elfmap_load_opts *opts, struct elfmap_load **ret_load,
		      struct elfmap_msg *msg)
{
	struct elfmap_load *load = calloc(1, sizeof(*load));
	int err;

	if (!load)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	load->file = file;
	load->opts = *opts;
	load->lock = load->start_map = -1;
	err = elfmap_file__read(file, &load->bytes, &load->size, msg);
	err = err ?: elfmap_object__read(load->bytes, load->size, &load->object, msg);
	if (err)
		elfmap_load__free(load);
	else
		*ret_load = load;
	return err;
}

int elfmap_load__list(struct elfmap_load *load, struct elfmap_msg *msg)
{
	char sha1[41];
	int err;

	elfmap_pin__hash(load->object, load->bytes, load->size, sha1);
	err = transcode(load, msg);
	err = err ?: open_bpf(load, &load->bpf, msg);
	if (err)
		return err;
	elfmap_pair__init(&load->pair, load->object, load->bpf);
	return list_maps(load, sha1, msg) ?: list_progs(load, msg);
}

int elfmap_load__open(const char *file, const struct elfmap_load_opts *opts, struct elfmap_load **ret_load,
		      struct elfmap_msg *msg)
{
	struct elfmap_load *load = NULL;
	int err = elfmap_load__read(file, opts, &load, msg);

	if (!load)
		return err;
	err = check_undefined(load, msg);
	err = err ?: get_lock(load, msg);
	err = err ?: elfmap_load__list(load, msg);
	err = err ?: check_wanted(load, msg);
	if (err)
		elfmap_load__free(load);
	else
		*ret_load = load;
	return err;
}

void elfmap_load__unlock(struct elfmap_load *load)
{
	if (load && load->lock >= 0) {
		close(load->lock);
		load->lock = -1;
	}
}

void elfmap_load__close_bpf(struct elfmap_load *load)
{
	for (size_t i = 0; i < load->nr_maps; i++) {
		free(load->maps[i].pin_path);
		free(load->maps[i].unpinned_why);
		free(load->maps[i].start);
		free(load->maps[i].requested);
		free(load->maps[i].own_name);
	}
	free(load->maps);
	free(load->progs);
	load->maps = NULL;
	load->progs = NULL;
	load->nr_maps = load->nr_progs = 0;
	bpf_object__close(load->bpf);
	load->bpf = NULL;
	if (load->start_map >= 0)
		close(load->start_map);
	load->start_map = -1;
}

void elfmap_load__free(struct elfmap_load *load)
{
	if (!load)
		return;
	elfmap_load__close_bpf(load);
	free(load->changes);
	elfmap_object__free(load->object);
	free(load->transcoded);
	free(load->bytes);
	elfmap_load__unlock(load);
	free(load);
}
