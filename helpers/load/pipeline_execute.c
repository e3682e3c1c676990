// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Executes the plan: pins, entries, slots, and hooks last, so that no packet meets an incomplete pipeline. Slots of
 * tables that an upgrade creates are filled before the tables are used. On failure all steps are undone in reverse
 * order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "helpers/map/map_file.h"
#include "load/load.h"
#include "map/fill.h"
#include "upgrade/upgrade.h"

typedef int line_step(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);

/* ---- steps ----------------------------------------------------------------------------------------------- */

static int commit_load(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	const struct elfmap_load_goal goal = {.pins_programs = true};
	struct elfmap_load_opts opts = line->load->opts;
	int err;

	elfmap_load__free(line->load); /* of the plan: another line may have pinned its maps meanwhile */
	line->load = NULL;
	(void)pipeline;
	err = elfmap_load__run(line->argv[1], &opts, &goal, &line->load, msg);
	line->is_done = !err;
	return err;
}

static int commit_attach(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	(void)pipeline;
	if (line->is_upgrade)
		return 0;
	elfmap_attachment__close(&line->attachment, false);
	return elfmap_attachment__open(&line->attachment, true, msg);
}

/* A pinned map without its entries looks like one that is in use. If this command is killed before it writes the
 * entries, the mark tells the next apply that they are missing. */
static int mark_map(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	char *slash = strrchr(line->mark, '/');
	int err;

	(void)pipeline;
	*slash = '\0';
	err = mkdir(line->mark, 0700) && errno != EEXIST ? -errno : 0;
	*slash = '/';
	line->is_marked = !err && !mkdir(line->mark, 0700);
	if (!err && !line->is_marked && errno != EEXIST)
		err = -errno;
	return err ? elfmap_msg__set(msg, err, "%s: %s", line->mark, strerror(-err)) : 0;
}

static void remove_mark(struct pipeline_line *line)
{
	rmdir(line->mark);
	*strrchr(line->mark, '/') = '\0';
	rmdir(line->mark); /* fails where there are others */
	line->is_marked = false;
}

struct filling {
	struct progress progress; /* first: it is the progress's context, too */
	bool is_refused;
	struct elfmap_msg first; /* of the lines that are refused */
};

static void begin_filling(void *context, size_t total)
{
	progress__begin(context, total);
}

static void refuse_line(void *context, const char *place, const char *why)
{
	struct filling *filling = context;

	if (!filling->is_refused)
		elfmap_msg__set(&filling->first, -EINVAL, "%s: %s", place, why);
	filling->is_refused = true;
}

static void note_filling(void *context, const char *object, const char *text)
{
	progress__end(context);
	complain(object, "%s", text);
}

/* Splits a copy, since the plan prints the line as it was written. */
static int read_types(struct pipeline_line *line, struct elfmap_type_words *ret_types, struct elfmap_msg *msg)
{
	int err;

	if (!line->value)
		return 0;
	line->types = strdup(line->value);
	if (!line->types)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = elfmap_type_words__split(line->types, ret_types, msg);
	if (err)
		return pipeline__name_culprit(line->argv[1], err, msg);
	if (!*ret_types->key)
		ret_types->key = NULL; /* a queue's values: types :VALUE */
	return 0;
}

static int fill_map(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct filling filling = {};
	struct elfmap_fill fill = {.request = {.pin = line->argv[1], .file = line->argv[2]},
				   .stop = &interrupted,
				   .refused = refuse_line,
				   .note = note_filling,
				   .begin = begin_filling,
				   .progress = progress__update,
				   .context = &filling};
	int err;

	(void)pipeline;
	err = read_types(line, &fill.request.types, msg);
	if (err)
		return err;
	interrupt__catch();
	err = elfmap_fill__run(&fill, msg);
	progress__end(&filling.progress);
	if (err && !filling.is_refused)
		return pipeline__name_culprit(fill.culprit, err, msg);
	if (err)
		*msg = filling.first;
	return err;
}

static int graft(struct pipeline *pipeline, struct pipeline_line *line, const char *path, bool is_locked,
		 struct elfmap_msg *msg)
{
	int err;

	err = pipeline_line__open_graft(pipeline, line, path, is_locked, msg);
	err = err ?: elfmap_graft__put(&line->graft, msg);
	return err ? pipeline__name_culprit(line->graft.culprit, err, msg) : 0;
}

static int fill_slot(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return line->is_late ? 0 : graft(pipeline, line, line->path, false, msg);
}

/* The slots of the tables that an upgrade has created and pinned below TABLES. */
static int fill_tables(void *context, const char *tables, struct elfmap_msg *msg)
{
	struct pipeline *pipeline = context;
	size_t root = (size_t)(strrchr(pipeline->tc_dir, '/') - pipeline->tc_dir);
	char path[2 * PATH_MAX];
	int err = 0;

	for (size_t i = 0; !err && i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];

		snprintf(path, sizeof(path), "%s%s", tables, line->path + root);
		if (!line->is_late || access(path, F_OK))
			continue;
		err = graft(pipeline, line, path, true, msg);
		line->graft.is_done = false; /* a rollback drops the whole table */
		if (err)
			pipeline->failed = line->number;
	}
	return err;
}

static int attach(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	(void)pipeline;
	return line->is_upgrade ? 0 : elfmap_attachment__attach(&line->attachment, msg);
}

/* One upgrade replaces the programs at all hooks of an object. */
static bool is_upgraded(const struct pipeline *pipeline, const struct pipeline_line *line)
{
	for (const struct pipeline_line *other = pipeline->lines; other < line; other++)
		if (other->is_upgrade && other->is_done && !strcmp(other->argv[1], line->argv[1]))
			return true;
	return false;
}

static int upgrade(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	const struct elfmap_upgrade_opts opts = {
		.tc_dir = pipeline->tc_dir, .warn = warn_of_object, .fill = fill_tables, .context = pipeline};
	struct elfmap_upgrade done = {};
	int err;

	if (!line->is_upgrade || is_upgraded(pipeline, line))
		return 0;
	err = elfmap_upgrade__run(line->argv[1], &opts, &done, msg);
	elfmap_upgrade__free(&done);
	line->is_done = !err;
	return err;
}

/* Frees what the plan holds: its locks would block the steps. */
static void forget_plans(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_ATTACH && (line->is_upgrade || line->intent == WILL_KEEP))
			elfmap_attachment__close(&line->attachment, true);
		if (line->kind == LINE_SLOT)
			elfmap_graft__close(&line->graft, true);
		if (line->kind == LINE_LOAD && line->intent == WILL_KEEP) {
			elfmap_load__free(line->load);
			line->load = NULL;
		}
	}
}

/* ---- in order -------------------------------------------------------------------------------------------- */

static int run_step(struct pipeline *pipeline, enum line_kind kind, line_step *step, struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t i = 0; !err && i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind != kind || line->intent == WILL_KEEP)
			continue;
		err = step(pipeline, line, msg);
		if (err && !pipeline->failed)
			pipeline->failed = line->number;
	}
	return err;
}

/* Attached and pinned programs need no lock any more, and an upgrade needs an exclusive one. */
static void unlock_loads(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		elfmap_load__unlock(pipeline->lines[i].load);
		elfmap_load__unlock(pipeline->lines[i].attachment.load);
		elfmap_load__unlock(pipeline->lines[i].graft.load);
	}
}

int pipeline__execute(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	int err;

	forget_plans(pipeline);
	err = run_step(pipeline, LINE_MAP, mark_map, msg);
	err = err ?: run_step(pipeline, LINE_LOAD, commit_load, msg);
	err = err ?: run_step(pipeline, LINE_ATTACH, commit_attach, msg);
	err = err ?: run_step(pipeline, LINE_MAP, fill_map, msg);
	err = err ?: run_step(pipeline, LINE_SLOT, fill_slot, msg);
	err = err ?: run_step(pipeline, LINE_ATTACH, attach, msg);
	unlock_loads(pipeline);
	return err ?: run_step(pipeline, LINE_ATTACH, upgrade, msg);
}

/* ---- taken back ------------------------------------------------------------------------------------------ */

static void close_line(struct pipeline *pipeline, struct pipeline_line *line, bool keep)
{
	struct elfmap_upgrade back = {};

	if (line->is_upgrade && line->is_done && !keep &&
	    !elfmap_upgrade__rollback(line->argv[1], pipeline->tc_dir, &back, NULL))
		elfmap_upgrade__free(&back);
	elfmap_graft__close(&line->graft, keep);
	elfmap_attachment__close(&line->attachment, keep);
	elfmap_load__end(line->load, line->is_done && keep);
	free(line->types);
	free(line->argv);
}

void pipeline__close(struct pipeline *pipeline, bool keep)
{
	for (size_t i = pipeline->nr_lines; i--;)
		close_line(pipeline, &pipeline->lines[i], keep);
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].is_marked || (keep && pipeline->lines[i].kind == LINE_MAP))
			remove_mark(&pipeline->lines[i]);
	free(pipeline->lines);
	free(pipeline->text);
}
