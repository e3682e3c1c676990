// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The objects of a pipeline: each is loaded once for all lines that name it. The plan loads it without making it
 * visible; the same programs and maps are committed later, unless another command has pinned one of its maps meanwhile.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "load/load.h"
#include "pins/bpffs.h"

/* ---- which --------------------------------------------------------------------------------------------------- */

static bool is_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool are_settings(const struct elfmap_settings *a, const struct elfmap_settings *b)
{
	for (size_t i = 0; i < a->nr && i < b->nr; i++)
		if (strcmp(a->at[i], b->at[i]) != 0)
			return false;
	return a->nr == b->nr;
}

static bool is_alike(const struct pipeline_object *a, const struct pipeline_object *b)
{
	return a->type == b->type && a->is_pin == b->is_pin && !strcmp(a->file, b->file) &&
	       is_text(a->section, b->section) && is_text(a->table, b->table) &&
	       are_settings(&a->settings, &b->settings);
}

struct pipeline_object *pipeline__find_object(struct pipeline *pipeline, const struct pipeline_line *line,
					      const struct pipeline_object *like)
{
	struct pipeline_object *object = pipeline->latest, **grown;

	if (object && is_alike(object, like))
		return object;
	for (size_t i = 0; i < pipeline->nr_objects; i++)
		if (is_alike(pipeline->objects[i], like))
			return pipeline->latest = pipeline->objects[i];
	object = malloc(sizeof(*object));
	grown = object ? elfmap_array__grow(pipeline->objects, pipeline->nr_objects, sizeof(*grown)) : NULL;
	if (!grown) {
		free(object);
		return NULL;
	}
	pipeline->objects = grown;
	*object = *like;
	object->number = line->number;
	object->prog = -1;
	grown[pipeline->nr_objects++] = object;
	return pipeline->latest = object;
}

/* ---- loading ------------------------------------------------------------------------------------------------- */

/* The program of an attach or slot line. */
static void find_program(struct pipeline_object *object)
{
	const struct elfmap_load_prog *prog = elfmap_load__find_prog(object->load, object->section);

	object->prog = prog ? bpf_program__fd(prog->bpf) : -1;
}

/* The map that an object before this one will pin at PATH. */
static int lend(const void *lender, const char *path)
{
	int map;

	pipeline__find_maker(lender, path, &map);
	return map;
}

static int load(const struct pipeline *pipeline, struct pipeline_object *object, bool may_grow,
		const struct elfmap_load_goal *goal, struct elfmap_msg *msg)
{
	const struct elfmap_load_opts opts = {.tc_dir = pipeline->tc_dir,
					      .section = object->section,
					      .settings = &object->settings,
					      .type = object->type,
					      .graft_into = object->table,
					      .may_grow = may_grow,
					      .is_locked = object->is_locked,
					      .lend = object->is_planned ? NULL : lend,
					      .lender = pipeline,
					      .warn = object->is_planned ? NULL : warn_of_object};
	int err = elfmap_load__run(object->file, &opts, goal, &object->load, msg);

	if (!err)
		find_program(object);
	return err;
}

static void free_pins(struct pipeline_object *object)
{
	for (size_t i = 0; object->pins && object->pins[i]; i++)
		free(object->pins[i]);
	free(object->pins);
	object->pins = NULL;
}

static int note_pins(struct pipeline_object *object, struct elfmap_msg *msg)
{
	const struct elfmap_load *load = object->load;
	size_t nr = 0;

	free_pins(object);
	object->pins = calloc(load->nr_maps + 1, sizeof(char *));
	for (size_t i = 0; object->pins && i < load->nr_maps; i++) {
		object->has_grown = object->has_grown || load->maps[i].has_grown;
		if (!load->maps[i].pin_path)
			continue;
		object->pins[nr] = strdup(load->maps[i].pin_path);
		if (!object->pins[nr++])
			return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	return object->pins ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

void pipeline_object__forget(struct pipeline_object *object)
{
	if (object->is_committed || object->is_pin)
		return;
	elfmap_load__free(object->load);
	object->load = NULL;
	object->prog = -1;
}

/* Only an upgrade of attached programs takes a larger map. */
static bool may_grow(const struct pipeline_object *object)
{
	return object->section && !object->table;
}

int pipeline_object__plan(struct pipeline *pipeline, struct pipeline_object *object, struct elfmap_msg *msg)
{
	static const struct elfmap_load_goal goal = {.look = elfmap_load__look_only};
	int err;

	if (object->is_planned)
		return object->is_refused ? -ECANCELED : 0;
	if (object->is_pin)
		err = elfmap_program__open_pin(object->file, object->type, &object->prog, msg);
	else
		err = load(pipeline, object, may_grow(object), &goal, msg) ?: note_pins(object, msg);
	object->is_planned = true;
	object->is_refused = err;
	return err;
}

int pipeline_object__refuse_grown(struct pipeline *pipeline, struct pipeline_object *object, struct elfmap_msg *msg)
{
	static const struct elfmap_load_goal goal = {.look = elfmap_load__look_only};
	int err;

	pipeline_object__forget(object);
	err = load(pipeline, object, false, &goal, msg);
	object->has_grown = false;
	object->is_refused = err;
	return err;
}

/* ---- descriptors --------------------------------------------------------------------------------------------- */

#define OTHER_DESCRIPTORS 128 /* of hooks, maps, netlink and an upgrade */

static long count_descriptors(const struct elfmap_load *load)
{
	return (long)(load->nr_maps + load->nr_progs) + 4;
}

/* Is there room for those of OBJECT? If so, they are counted, once. */
static bool has_room(struct pipeline *pipeline, struct pipeline_object *object)
{
	struct rlimit limit = {.rlim_cur = 256};

	if (object->descriptors || !object->load)
		return true;
	getrlimit(RLIMIT_NOFILE, &limit);
	if (pipeline->descriptors + count_descriptors(object->load) + OTHER_DESCRIPTORS > (long)limit.rlim_cur)
		return false;
	object->descriptors = count_descriptors(object->load);
	pipeline->descriptors += object->descriptors;
	return true;
}

void pipeline_object__settle(struct pipeline *pipeline, struct pipeline_object *object, bool needed)
{
	if (!needed || !has_room(pipeline, object))
		pipeline_object__forget(object);
}

/* Keeps the program of a committed object without its descriptors. The lock of one object is enough for all. */
static int make_room(struct pipeline *pipeline, struct pipeline_object *object, struct elfmap_msg *msg)
{
	__u32 id;
	int err;

	if (pipeline->lock_keeper && pipeline->lock_keeper != object)
		elfmap_load__unlock(object->load);
	else
		pipeline->lock_keeper = object;
	if (has_room(pipeline, object))
		return 0;
	id = object->prog >= 0 ? elfmap_program__id(object->prog) : 0;
	err = elfmap_holder__hold(&pipeline->holder, id);
	err = err ?: elfmap_load__shrink(object->load, &pipeline->holder);
	if (err)
		return elfmap_msg__set(msg, err, "%s", strerror(-err));
	object->prog = -1;
	object->prog_id = id;
	return 0;
}

/* ---- making it visible --------------------------------------------------------------------------------------- */

static int commit_planned(struct pipeline *pipeline, struct pipeline_object *object, bool pins_programs,
			  struct elfmap_msg *msg)
{
	char dir[PATH_MAX];
	int err = 0;

	if (pins_programs)
		err = elfmap_load__progs_dir(pipeline->tc_dir, object->file, dir, sizeof(dir), msg);
	return err ?: elfmap_load__commit(object->load, pins_programs ? dir : NULL, msg);
}

int pipeline_object__commit(struct pipeline *pipeline, struct pipeline_object *object, bool pins_programs,
			    struct elfmap_msg *msg)
{
	const struct elfmap_load_goal goal = {.pins_programs = pins_programs};
	int err = -EAGAIN;

	if (object->is_committed || object->is_pin)
		return 0;
	if (object->load && !object->has_grown)
		err = commit_planned(pipeline, object, pins_programs, msg);
	if (err == -EAGAIN) { /* its maps exist by now */
		pipeline_object__forget(object);
		err = load(pipeline, object, false, &goal, msg);
	}
	object->is_committed = !err;
	return err ?: make_room(pipeline, object, msg);
}

int pipeline_object__open_program(const struct pipeline_object *object, int *ret_prog, struct elfmap_msg *msg)
{
	int fd = object->prog >= 0 ? dup(object->prog) : bpf_prog_get_fd_by_id(object->prog_id);

	if (fd < 0)
		return elfmap_msg__set(msg, object->prog >= 0 ? -errno : fd, "the program cannot be opened: %s",
				       strerror(object->prog >= 0 ? errno : -fd));
	*ret_prog = fd;
	return 0;
}

void pipeline_object__close(struct pipeline_object *object, bool keep)
{
	if (object->is_pin && object->prog >= 0)
		close(object->prog);
	if (object->is_committed)
		elfmap_load__end(object->load, keep);
	else
		elfmap_load__free(object->load);
	object->load = NULL;
	object->prog = -1;
	object->is_committed = false;
	free_pins(object);
}

/* ---- questions ----------------------------------------------------------------------------------------------- */

bool pipeline_object__is_same(struct pipeline_object *object, __u32 id)
{
	if (!id)
		return false;
	if (object->compared != id) {
		object->is_same = elfmap_program__is_same(id, object->prog, object->load);
		object->compared = id;
	}
	return object->is_same;
}

bool pipeline_object__has_stages(const struct pipeline_object *object)
{
	for (size_t i = 0; object->load && i < object->load->nr_progs; i++)
		if (object->load->progs[i].slot_map >= 0)
			return true;
	return false;
}

bool pipeline_object__has_pin(const struct pipeline_object *object, const char *path)
{
	for (size_t i = 0; object && object->pins && object->pins[i]; i++)
		if (!strcmp(object->pins[i], path))
			return true;
	return false;
}

struct pipeline_object *pipeline__find_maker(const struct pipeline *pipeline, const char *path, int *ret_map)
{
	struct pipeline_object *found = NULL;

	*ret_map = -1;
	for (size_t i = 0; i < pipeline->nr_objects; i++) {
		struct pipeline_object *object = pipeline->objects[i];

		if (object->table || !pipeline_object__has_pin(object, path))
			continue;
		found = found ?: object;
		for (size_t map = 0; object->load && map < object->load->nr_maps && *ret_map < 0; map++) {
			const struct elfmap_load_map *at = &object->load->maps[map];

			if (at->pin_path && !strcmp(at->pin_path, path))
				*ret_map = elfmap_pair__fd(at->bpf);
		}
	}
	return found;
}
