// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Plans what to do for each line: objects are loaded without being pinned or attached, and compared with what is there.
 * Lines that are wrong do not end the plan: all errors are told. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "load/load.h"

/* ---- load ------------------------------------------------------------------------------------------------ */

static bool is_pinned(const struct elfmap_load *load, const struct elfmap_load_prog *prog, const char *dir)
{
	char path[PATH_MAX + BPF_OBJ_NAME_LEN];
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	bool same;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, prog->name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return false;
	same = !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	       elfmap_program__is_same(info.id, bpf_program__fd(prog->bpf), load);
	close(fd);
	return same;
}

/* Two lines whose programs have the same pins would replace each other on every run. */
static int check_dir(const struct pipeline *pipeline, const struct pipeline_line *line, struct elfmap_msg *msg)
{
	for (const struct pipeline_line *at = pipeline->lines; at < line; at++)
		if (at->kind == LINE_LOAD && at->load && at->load->dir && !strcmp(at->load->dir, line->load->dir))
			return elfmap_msg__set(msg, -EEXIST,
					       "its programs would be pinned in %s, as those of line %zu are",
					       line->load->dir, at->number);
	return 0;
}

static int plan_load(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct pipeline_object *object = line->load->object;
	char dir[PATH_MAX];
	int err;

	err = pipeline_object__plan(pipeline, object, msg);
	err = err ?: elfmap_load__progs_dir(pipeline->tc_dir, line->load->file, dir, sizeof(dir), msg);
	if (err)
		return err;
	line->load->dir = strdup(dir);
	err = line->load->dir ? check_dir(pipeline, line, msg) : elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (err)
		return err;
	line->intent = access(dir, F_OK) ? WILL_ADD : WILL_KEEP;
	for (size_t i = 0; line->intent == WILL_KEEP && i < object->load->nr_progs; i++)
		if (object->load->progs[i].is_wanted && !is_pinned(object->load, &object->load->progs[i], dir))
			line->intent = WILL_CHANGE;
	return 0;
}

/* ---- objects and their lines --------------------------------------------------------------------------------- */

static struct pipeline_object *object_of(const struct pipeline_line *line)
{
	if (line->error)
		return NULL;
	if (line->kind == LINE_LOAD)
		return line->load->object;
	return line->kind == LINE_ATTACH ? line->hook->object : NULL;
}

static int plan_attach(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return pipeline_object__plan(pipeline, line->hook->object, msg) ?: line_hook__plan(pipeline, line, msg);
}

typedef int line_step(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);

static void plan_line(struct pipeline *pipeline, struct pipeline_line *line, line_step *step)
{
	struct elfmap_msg msg;
	int err = step(pipeline, line, &msg);

	if (err && err != -ECANCELED)
		pipeline_line__fail(line, err, &msg);
}

/* One object after the other, so that few are open at a time. */
static void plan_objects(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_objects; i++) {
		struct pipeline_object *object = pipeline->objects[i];
		bool is_needed = false;

		for (size_t nth = 0; nth < pipeline->nr_lines; nth++) {
			struct pipeline_line *line = &pipeline->lines[nth];

			if (!object || object_of(line) != object)
				continue;
			plan_line(pipeline, line, line->kind == LINE_LOAD ? plan_load : plan_attach);
			is_needed = is_needed || line->intent != WILL_KEEP;
		}
		pipeline_object__settle(pipeline, object, is_needed);
	}
}

static void plan_kind(struct pipeline *pipeline, enum line_kind kind, line_step *step)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == kind && !pipeline->lines[i].error)
			plan_line(pipeline, &pipeline->lines[i], step);
}

int pipeline__refuse_absent(const struct pipeline *pipeline, const char *pin, struct elfmap_msg *msg)
{
	for (size_t i = 0; i < pipeline->nr_objects; i++)
		if (pipeline->objects[i]->is_refused)
			return -ECANCELED;
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].error && (!pipeline->lines[i].argc || pipeline->lines[i].kind == LINE_LOAD ||
						 pipeline->lines[i].kind == LINE_ATTACH))
			return -ECANCELED;
	return elfmap_msg__set(msg, -ENOENT, "%s: no such pin, and no object in this file makes it", pin);
}

/* ---- stages of one object in the tables of another ---------------------------------------------------------- */

static bool is_grafted(const void *context, const char *pin, __u32 slot)
{
	const struct pipeline *pipeline = context;

	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_SLOT && !line->error && line->slot->has_number && line->slot->number == slot &&
		    !strcmp(line->slot->path, pin))
			return true;
	}
	return false;
}

/* An object also counts as attached if this file replaces programs in some of its slots. */
static void settle_attach(struct pipeline *pipeline, struct pipeline_line *line)
{
	struct line_hook *hook = line->hook;
	struct elfmap_msg msg;

	if (line->intent != WILL_CHANGE || !hook->is_same)
		return;
	if (!hook->object->load) {
		hook->object->is_planned = false;
		if (pipeline_object__plan(pipeline, hook->object, &msg))
			return;
	}
	if (!elfmap_load__has_stages(hook->object->load, is_grafted, pipeline))
		return;
	line->intent = WILL_KEEP;
	hook->is_upgrade = false;
}

/* An upgrade creates the object's tables again, without the programs that were grafted into the old ones. */
static bool is_made_anew(const struct pipeline *pipeline, const char *path)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_ATTACH && !line->error && line->hook->is_upgrade &&
		    pipeline_object__has_pin(line->hook->object, path))
			return true;
	}
	return false;
}

static void settle_slot(struct pipeline *pipeline, struct pipeline_line *line)
{
	line->slot->is_anew = line->slot->has_number && is_made_anew(pipeline, line->slot->path);
	if (line->slot->is_anew && line->intent == WILL_KEEP)
		line->intent = WILL_CHANGE;
}

/* ---- objects that an upgrade exchanges ----------------------------------------------------------------------- */

/* All sections of a file are exchanged together. */
static void mark_exchanged(struct pipeline *pipeline, const char *file)
{
	for (size_t i = 0; i < pipeline->nr_objects; i++)
		if (!pipeline->objects[i]->is_pin && !pipeline->objects[i]->table &&
		    !strcmp(pipeline->objects[i]->file, file))
			pipeline->objects[i]->is_exchanged = true;
}

/* The new version has its own tables: lines that are as they should be get it with the others, so that all hooks use
 * the same tables. */
static void join_upgrade(struct pipeline *pipeline, struct pipeline_line *line)
{
	struct elfmap_msg msg;
	int err;

	if (!line->hook->object->is_exchanged || !line->hook->is_named || line->hook->is_upgrade ||
	    line->hook->is_double)
		return;
	err = line_hook__keep_found(pipeline, line, &msg);
	if (err) {
		pipeline_line__fail(line, err, &msg);
		return;
	}
	line->hook->is_upgrade = true;
	line->intent = WILL_CHANGE;
}

/* A larger map that no attached program of the file can be upgraded to. */
static void refuse_grown(struct pipeline *pipeline, struct pipeline_line *line)
{
	struct pipeline_object *object = object_of(line);
	struct elfmap_msg msg;
	int err;

	if (!object || !object->has_grown || object->is_exchanged || object->is_refused || line->intent == WILL_KEEP)
		return;
	err = pipeline_object__refuse_grown(pipeline, object, &msg);
	if (err)
		pipeline_line__fail(line, err, &msg);
}

static void settle(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == LINE_ATTACH && !pipeline->lines[i].error)
			settle_attach(pipeline, &pipeline->lines[i]);
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == LINE_SLOT && !pipeline->lines[i].error)
			settle_slot(pipeline, &pipeline->lines[i]);
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == LINE_ATTACH && !pipeline->lines[i].error &&
		    pipeline->lines[i].hook->is_upgrade)
			mark_exchanged(pipeline, pipeline->lines[i].hook->object->file);
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == LINE_ATTACH && !pipeline->lines[i].error)
			join_upgrade(pipeline, &pipeline->lines[i]);
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		refuse_grown(pipeline, &pipeline->lines[i]);
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

void pipeline__plan(struct pipeline *pipeline)
{
	pipeline__check_places(pipeline);
	plan_objects(pipeline);
	plan_kind(pipeline, LINE_DETACH, line_hook__plan);
	plan_kind(pipeline, LINE_MAP, line_map__plan);
	plan_kind(pipeline, LINE_CGROUP, line_cgroup__plan);
	plan_kind(pipeline, LINE_SLOT, line_slot__plan);
	settle(pipeline);
}
