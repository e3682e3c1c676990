// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Plans what to do for each line: loads its object without pinning or attaching, and compares it with what is there. */
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
#include "hook/attachment.h"
#include "load/load.h"
#include "pins/pin_change.h"

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
static int check_dir(const struct pipeline *pipeline, const struct pipeline_line *line, const char *dir,
		     struct elfmap_msg *msg)
{
	char other[PATH_MAX];

	for (const struct pipeline_line *at = pipeline->lines; at < line; at++)
		if (at->kind == LINE_LOAD &&
		    !elfmap_load__progs_dir(pipeline->tc_dir, at->argv[1], other, sizeof(other), NULL) &&
		    !strcmp(other, dir))
			return elfmap_msg__set(msg, -EEXIST,
					       "its programs would be pinned in %s, as those of line %zu are", dir,
					       at->number);
	return 0;
}

static int plan_load(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	const struct elfmap_load_opts opts = {
		.tc_dir = pipeline->tc_dir, .section = line->value, .warn = warn_of_object};
	const struct elfmap_load_goal goal = {.look = elfmap_load__look_only};
	char dir[PATH_MAX];
	int err;

	err = elfmap_load__run(line->argv[1], &opts, &goal, &line->load, msg);
	err = err ?: elfmap_load__progs_dir(pipeline->tc_dir, line->argv[1], dir, sizeof(dir), msg);
	err = err ?: check_dir(pipeline, line, dir, msg);
	if (err)
		return err;
	line->intent = access(dir, F_OK) ? WILL_ADD : WILL_KEEP;
	for (size_t i = 0; line->intent == WILL_KEEP && i < line->load->nr_progs; i++)
		if (line->load->progs[i].is_wanted && !is_pinned(line->load, &line->load->progs[i], dir))
			line->intent = WILL_CHANGE;
	return 0;
}

/* ---- attach ---------------------------------------------------------------------------------------------- */

static bool has_stages(const struct elfmap_load *load)
{
	for (size_t i = 0; load && i < load->nr_progs; i++)
		if (load->progs[i].slot_map >= 0)
			return true;
	return false;
}

static bool is_same_place(const struct elfmap_attachment *a, const struct elfmap_attachment *b)
{
	bool is_whole = a->wanted.prio && a->wanted.handle;

	return a->wanted.ifindex == b->wanted.ifindex && a->wanted.direction == b->wanted.direction &&
	       a->wanted.kind == b->wanted.kind && a->wanted.chain == b->wanted.chain &&
	       a->wanted.prio == b->wanted.prio && a->wanted.handle == b->wanted.handle &&
	       (is_whole || !strcmp(a->wanted.name, b->wanted.name));
}

/* Two lines with different programs at one place would replace each other on every run. */
static int check_place(const struct pipeline *pipeline, const struct pipeline_line *line, struct elfmap_msg *msg)
{
	const struct elfmap_attachment *attachment = &line->attachment;

	for (const struct pipeline_line *at = pipeline->lines; at < line; at++)
		if (at->kind == LINE_ATTACH && is_same_place(&at->attachment, attachment) &&
		    (strcmp(at->attachment.request.what, attachment->request.what) != 0 ||
		     strcmp(at->attachment.request.section, attachment->request.section) != 0))
			return elfmap_msg__set(msg, -EEXIST, "line %zu attaches another program at this place",
					       at->number);
	return 0;
}

static int plan_attach(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct elfmap_attachment *attachment = &line->attachment;
	int err = check_place(pipeline, line, msg);

	err = err ?: elfmap_attachment__open(attachment, false, msg);
	if (err)
		return err;
	line->intent = attachment->is_in_force ? WILL_KEEP : attachment->is_there ? WILL_CHANGE : WILL_ADD;
	/* Another object's filter at the place that the line names is replaced, not upgraded. */
	line->is_upgrade = line->intent == WILL_CHANGE && has_stages(attachment->load) &&
			   !strcmp(attachment->there.name, attachment->wanted.name);
	return 0;
}

/* ---- maps and slots -------------------------------------------------------------------------------------- */

static bool has_map(const struct elfmap_load *load, const char *path)
{
	for (size_t i = 0; load && i < load->nr_maps; i++)
		if (load->maps[i].pin_path && !strcmp(load->maps[i].pin_path, path))
			return true;
	return false;
}

/* Will an object of this pipeline pin PATH? */
static bool will_be_there(const struct pipeline *pipeline, const char *path)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_LOAD && has_map(line->load, path))
			return true;
		if (line->kind == LINE_ATTACH && has_map(line->attachment.load, path))
			return true;
	}
	return false;
}

static int refuse_absent(const struct pipeline_line *line, struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ENOENT, "%s: no such pin, and no object in this file makes it", line->argv[1]);
}

/* tc/filling/MAP */
static int find_mark(const struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	size_t above = strlen(pipeline->tc_dir);
	char name[NAME_MAX + 1];

	/* The name does not depend on the path by which the bpf file system was found. */
	above = strncmp(line->path, pipeline->tc_dir, above) != 0 ? 0 : above;
	if (elfmap_pin_name__escape(line->path + above, name, sizeof(name)) ||
	    snprintf(line->mark, sizeof(line->mark), "%s/filling/%s", pipeline->tc_dir, name) >=
		    (int)sizeof(line->mark))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "%s: the path is too long", line->argv[1]);
	return 0;
}

static int plan_map(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	bool is_there = !access(line->path, F_OK);
	int err;

	if (access(line->argv[2], R_OK))
		return elfmap_msg__set(msg, -errno, "%s: %s", line->argv[2], strerror(errno));
	err = find_mark(pipeline, line, msg);
	if (err)
		return err;
	/* A marked map was pinned by an apply that was interrupted before it wrote the entries. */
	line->intent = is_there && access(line->mark, F_OK) ? WILL_KEEP : WILL_ADD;
	return !is_there && !will_be_there(pipeline, line->path) ? refuse_absent(line, msg) : 0;
}

/* An upgrade creates the object's tables again, without the programs that were grafted into the old ones. */
static bool will_be_made_anew(const struct pipeline *pipeline, const char *path)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].is_upgrade && has_map(pipeline->lines[i].attachment.load, path))
			return true;
	return false;
}

static bool is_same_slot(const struct pipeline_line *a, const struct pipeline_line *b)
{
	bool has_numbers = a->graft.table.fd >= 0 && b->graft.table.fd >= 0;

	return !strcmp(a->path, b->path) &&
	       (has_numbers ? a->graft.slot == b->graft.slot : !strcmp(a->argv[2], b->argv[2]));
}

static int check_slot(const struct pipeline *pipeline, const struct pipeline_line *line, struct elfmap_msg *msg)
{
	for (const struct pipeline_line *at = pipeline->lines; at < line; at++)
		if (at->kind == LINE_SLOT && is_same_slot(at, line) &&
		    (strcmp(at->argv[3], line->argv[3]) != 0 || strcmp(at->value, line->value) != 0))
			return elfmap_msg__set(msg, -EEXIST, "line %zu puts another program into this slot",
					       at->number);
	return 0;
}

static int plan_slot(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct elfmap_graft *graft = &line->graft;
	const struct elfmap_load_prog *prog;
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int err;

	line->intent = WILL_ADD;
	if (access(line->path, F_OK))
		return will_be_there(pipeline, line->path) ? check_slot(pipeline, line, msg) : refuse_absent(line, msg);
	err = pipeline_line__open_graft(pipeline, line, line->path, false, msg);
	err = err ?: elfmap_graft__load(graft, msg);
	if (err)
		return pipeline__name_culprit(graft->culprit, err, msg);
	err = check_slot(pipeline, line, msg);
	if (err)
		return err;
	if (graft->before < 0)
		return 0;
	err = bpf_obj_get_info_by_fd(graft->before, &info, &size);
	prog = elfmap_load__find_prog(graft->load, graft->request.section);
	line->intent = !err && elfmap_program__is_same(info.id, bpf_program__fd(prog->bpf), graft->load) ? WILL_KEEP
													 : WILL_CHANGE;
	return 0;
}

/* ---- stages of one object in the tables of another ---------------------------------------------------------- */

static bool is_grafted(const void *context, const char *pin, __u32 slot)
{
	const struct pipeline *pipeline = context;

	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_SLOT && line->graft.load && line->graft.slot == slot && !strcmp(line->path, pin))
			return true;
	}
	return false;
}

/* An object also counts as attached if this file replaces programs in some of its slots. */
static void settle_attach(struct pipeline *pipeline, struct pipeline_line *line)
{
	struct elfmap_attachment *attachment = &line->attachment;

	if (line->intent == WILL_KEEP || !attachment->is_there || !attachment->is_same ||
	    !elfmap_load__has_stages(attachment->load, is_grafted, pipeline))
		return;
	attachment->is_in_force = true;
	line->intent = WILL_KEEP;
	line->is_upgrade = false;
}

static void settle_slot(struct pipeline *pipeline, struct pipeline_line *line)
{
	line->is_late = line->graft.load && will_be_made_anew(pipeline, line->path);
	if (line->is_late && line->intent == WILL_KEEP)
		line->intent = WILL_CHANGE;
}

static void settle(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == LINE_ATTACH)
			settle_attach(pipeline, &pipeline->lines[i]);
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == LINE_SLOT)
			settle_slot(pipeline, &pipeline->lines[i]);
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

int pipeline__plan(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	static int (*const plans[])(struct pipeline *, struct pipeline_line *, struct elfmap_msg *) = {
		[LINE_LOAD] = plan_load,
		[LINE_ATTACH] = plan_attach,
		[LINE_MAP] = plan_map,
		[LINE_SLOT] = plan_slot,
	};
	int err = 0;

	/* Objects first: their maps are needed for the other lines. */
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; !err && i < pipeline->nr_lines; i++) {
			struct pipeline_line *line = &pipeline->lines[i];
			bool is_object = line->kind == LINE_LOAD || line->kind == LINE_ATTACH;

			if (is_object != (pass == 0))
				continue;
			err = plans[line->kind](pipeline, line, msg);
			if (err)
				pipeline->failed = line->number;
		}
	if (!err)
		settle(pipeline);
	return err;
}
