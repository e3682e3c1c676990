// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Executes the plan: pins, entries, slots, and hooks last, so that no packet meets an incomplete pipeline. Then objects
 * with stages or larger maps are exchanged by an upgrade, which fills the slots of the tables that it creates before
 * they are used. What needs the maps of the new version follows, and removals come last. On failure all steps are
 * undone in reverse order.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/netns.h"
#include "base/path.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "helpers/map/map_file.h"
#include "load/load.h"
#include "pins/pin_change.h"
#include "upgrade/upgrade.h"

typedef int line_step(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg);

/* ---- rounds ---------------------------------------------------------------------------------------------- */

/* Before and after the upgrades. */
enum round { FIRST, SECOND };

/* Needs the line what an upgrade makes? */
static enum round round_of(const struct pipeline_line *line)
{
	switch (line->kind) {
	case LINE_LOAD:
		return line->load->object->is_exchanged ? SECOND : FIRST;
	case LINE_ATTACH:
		return line->hook->object->is_exchanged ? SECOND : FIRST;
	case LINE_MAP:
		return line->map->is_late ? SECOND : FIRST;
	case LINE_CGROUP:
		return line->cgroup->is_late ? SECOND : FIRST;
	case LINE_SLOT:
		return line->slot->is_late || !line->slot->file ? SECOND : FIRST;
	case LINE_DETACH:
	case LINE_NETNS:
	case LINE_UNLOAD:
		break;
	}
	return SECOND;
}

/* A pin that does not exist yet, and that only an exchanged object makes. */
static bool is_late(const struct pipeline *pipeline, const char *path)
{
	bool has_maker = false;

	if (!access(path, F_OK))
		return false;
	for (size_t i = 0; i < pipeline->nr_objects; i++) {
		if (pipeline->objects[i]->table || !pipeline_object__has_pin(pipeline->objects[i], path))
			continue;
		if (!pipeline->objects[i]->is_exchanged)
			return false;
		has_maker = true;
	}
	return has_maker;
}

static void sort_rounds(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_MAP)
			line->map->is_late = is_late(pipeline, line->map->path);
		else if (line->kind == LINE_CGROUP)
			line->cgroup->is_late = is_late(pipeline, line->cgroup->path);
		else if (line->kind == LINE_SLOT)
			line->slot->is_late = is_late(pipeline, line->slot->path);
	}
}

/* ---- steps ----------------------------------------------------------------------------------------------- */

static int commit_load(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return pipeline_object__commit(pipeline, line->load->object, true, msg);
}

static int commit_attach(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return line->hook->is_upgrade ? 0 : pipeline_object__commit(pipeline, line->hook->object, false, msg);
}

static int attach(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return line->hook->is_upgrade ? 0 : line_hook__change(pipeline, line, msg);
}

/* The last step: it has no way back. */
static int unload(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	int err = elfmap_load__remove_progs(line->load->dir, msg);
	char *staging;

	(void)pipeline;
	if (err != -ENOENT)
		return err;
	if (asprintf(&staging, "%s~new", line->load->dir) < 0)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	elfmap_pin__remove_directory(staging); /* a command that removed it was killed */
	free(staging);
	return 0;
}

static bool is_to_do(const struct pipeline_line *line)
{
	return line->intent != WILL_KEEP && line->intent != HAS_DRIFTED;
}

static int run_step(struct pipeline *pipeline, enum line_kind kind, enum round round, line_step *step,
		    struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t i = 0; !err && i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind != kind || !is_to_do(line) || round_of(line) != round)
			continue;
		err = interrupted ? elfmap_msg__set(msg, -EINTR, "interrupted") : step(pipeline, line, msg);
		if (err && !(err == -ECANCELED && line->error))
			pipeline_line__fail(line, err, msg);
	}
	return err;
}

static int run_round(struct pipeline *pipeline, enum round round, struct elfmap_msg *msg)
{
	int err;

	err = run_step(pipeline, LINE_MAP, round, line_map__mark, msg);
	err = err ?: run_step(pipeline, LINE_LOAD, round, commit_load, msg);
	err = err ?: run_step(pipeline, LINE_ATTACH, round, commit_attach, msg);
	err = err ?: run_step(pipeline, LINE_MAP, round, line_map__change, msg);
	err = err ?: run_step(pipeline, LINE_CGROUP, round, line_cgroup__change, msg);
	err = err ?: run_step(pipeline, LINE_SLOT, round, line_slot__change, msg);
	err = err ?: run_step(pipeline, LINE_ATTACH, round, attach, msg);
	err = err ?: run_step(pipeline, LINE_DETACH, round, line_hook__change, msg);
	return err ?: run_step(pipeline, LINE_UNLOAD, round, unload, msg);
}

/* ---- upgrades -------------------------------------------------------------------------------------------- */

/* The slots of the tables that an upgrade has created and pinned below TABLES. */
static int fill_tables(void *context, const char *tables, struct elfmap_msg *msg)
{
	struct pipeline *pipeline = context;
	size_t root = (size_t)(strrchr(pipeline->tc_dir, '/') - pipeline->tc_dir);
	int err = 0;

	for (size_t i = 0; !err && i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];
		char *path;

		if (line->kind != LINE_SLOT || !line->slot->is_anew)
			continue;
		if (asprintf(&path, "%s%s", tables, line->slot->path + root) < 0)
			return elfmap_msg__set(msg, -ENOMEM, "no memory");
		if (!access(path, F_OK))
			err = line_slot__fill(pipeline, line, path, msg);
		if (err) {
			pipeline_line__fail(line, err, msg);
			err = -ECANCELED;
		}
		free(path);
	}
	return err;
}

static bool is_upgrade(const struct pipeline_line *line, const struct line_hook *like, bool same_netns)
{
	return line->kind == LINE_ATTACH && line->hook->is_upgrade &&
	       (!same_netns || line->hook->netns == like->netns) &&
	       !strcmp(line->hook->object->file, like->object->file);
}

/* One upgrade replaces the programs at all hooks of an object in a namespace that lines name: that of its first line.
 */
static bool is_upgraded(const struct pipeline *pipeline, const struct pipeline_line *line, bool same_netns)
{
	for (const struct pipeline_line *other = pipeline->lines; other < line; other++)
		if (is_upgrade(other, line->hook, same_netns))
			return true;
	return false;
}

/* The request of the upgrade of LINE; free() its hooks. */
static int fill_request(struct pipeline *pipeline, const struct pipeline_line *line, struct elfmap_upgrade_opts *opts,
			struct elfmap_msg *msg)
{
	struct elfmap_hook *hooks = calloc(pipeline->nr_lines, sizeof(*hooks));
	size_t nr = 0;

	if (!hooks)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (is_upgrade(&pipeline->lines[i], line->hook, true) && pipeline->lines[i].hook->found)
			hooks[nr++] = *pipeline->lines[i].hook->found;
	*opts = (struct elfmap_upgrade_opts){.tc_dir = pipeline->tc_dir,
					     .hooks = hooks,
					     .nr_hooks = nr,
					     .warn = warn_of_object,
					     .fill = fill_tables,
					     .context = pipeline,
					     .shares_tables = is_upgraded(pipeline, line, false),
					     .settings = &line->hook->object->settings};
	return 0;
}

static int upgrade(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct elfmap_upgrade done = {};
	struct elfmap_upgrade_opts opts = {};
	int back, err;

	if (!line->hook->is_upgrade || is_upgraded(pipeline, line, true))
		return 0;
	err = fill_request(pipeline, line, &opts, msg);
	if (err)
		return err;
	err = elfmap_netns__visit(line->hook->netns->fd, &back, msg);
	if (!err) {
		err = elfmap_upgrade__run(line->hook->object->file, &opts, &done, msg);
		if (!err)
			elfmap_upgrade__free(&done);
		line->hook->is_upgraded = !err;
		err = elfmap_netns__leave(back, err, msg);
	}
	free((void *)opts.hooks);
	return err;
}

static void roll_back(struct pipeline *pipeline, struct pipeline_line *line)
{
	struct elfmap_upgrade back = {};
	struct elfmap_upgrade_opts opts = {};
	int home;

	if (!line->hook->is_upgraded || fill_request(pipeline, line, &opts, NULL))
		return;
	if (!elfmap_netns__visit(line->hook->netns->fd, &home, NULL)) {
		if (!elfmap_upgrade__rollback(line->hook->object->file, &opts, &back, NULL))
			elfmap_upgrade__free(&back);
		elfmap_netns__leave(home, 0, NULL);
	}
	line->hook->is_upgraded = false;
	free((void *)opts.hooks);
}

/* Attached and pinned programs need no lock any more, and an upgrade needs an exclusive one. */
static void unlock(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_objects; i++) {
		if (pipeline->objects[i]->is_exchanged)
			pipeline_object__forget(pipeline->objects[i]);
		elfmap_load__unlock(pipeline->objects[i]->load);
	}
}

/* ---- in order -------------------------------------------------------------------------------------------- */

/* Frees what the plan holds and no line needs: its locks would block the steps. */
static void forget_plans(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_objects; i++) {
		struct pipeline_object *object = pipeline->objects[i];
		bool is_needed = false;

		for (size_t nth = 0; !is_needed && nth < pipeline->nr_lines; nth++) {
			const struct pipeline_line *line = &pipeline->lines[nth];

			is_needed = is_to_do(line) &&
				    ((line->kind == LINE_ATTACH && line->hook->object == object) ||
				     (line->kind == LINE_LOAD && line->load->object == object) ||
				     (line->kind == LINE_SLOT && line->slot->object == object && !line->slot->is_anew));
		}
		if (!is_needed)
			pipeline_object__forget(object);
	}
}

static void undo(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_objects; i++) /* an upgrade is undone with the exclusive lock */
		elfmap_load__unlock(pipeline->objects[i]->load);
	for (size_t i = pipeline->nr_lines; i--;)
		if (pipeline->lines[i].kind == LINE_ATTACH || pipeline->lines[i].kind == LINE_DETACH)
			line_hook__undo(pipeline, &pipeline->lines[i]);
	for (size_t i = pipeline->nr_lines; i--;)
		if (pipeline->lines[i].kind == LINE_SLOT)
			line_slot__undo(&pipeline->lines[i]);
	for (size_t i = pipeline->nr_lines; i--;)
		if (pipeline->lines[i].kind == LINE_ATTACH)
			roll_back(pipeline, &pipeline->lines[i]);
	for (size_t i = pipeline->nr_lines; i--;) {
		if (pipeline->lines[i].kind == LINE_CGROUP)
			line_cgroup__undo(&pipeline->lines[i]);
		else if (pipeline->lines[i].kind == LINE_MAP)
			line_map__undo(&pipeline->lines[i]);
	}
	for (size_t i = pipeline->nr_objects; i--;)
		pipeline_object__close(pipeline->objects[i], false);
}

int pipeline__execute(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	int err;

	interrupt__catch();
	sort_rounds(pipeline);
	forget_plans(pipeline);
	err = pipeline_record__begin(pipeline, msg);
	err = err ?: run_round(pipeline, FIRST, msg);
	unlock(pipeline);
	err = err ?: run_step(pipeline, LINE_ATTACH, SECOND, upgrade, msg);
	err = err ?: run_round(pipeline, SECOND, msg);
	if (err)
		undo(pipeline);
	pipeline_record__end(pipeline, !err);
	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind == LINE_MAP)
			line_map__unmark(pipeline->lines[i].map, !err);
	return err;
}
