// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines slot: the table and the slot, the change, and the way back. A table is open only while its line is at work. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"

static struct elfmap_graft_request request_of(const struct pipeline *pipeline, const struct line_slot *slot,
					      const char *path, bool is_locked)
{
	return (struct elfmap_graft_request){
		.pin = slot->pin,
		.path = path,
		.slot = slot->slot,
		.file = slot->file,
		.section = slot->section,
		.is_locked = is_locked,
		.tc_dir = pipeline->tc_dir,
		.warn = warn_of_object,
	};
}

/* Opens the table and finds the slot. The first line of an object, and one with the name of a slot, opens the object
 * for that, too: its section is checked before the verifier does that, and only an object that is not loaded knows
 * names. */
static int open_table(struct pipeline *pipeline, struct pipeline_line *line, const char *path, bool is_locked,
		      struct pipeline_object **ret_object, struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	const struct line_slot *slot = line->slot;
	struct elfmap_graft_request request = request_of(pipeline, slot, path, is_locked);
	struct pipeline_object like = {
		.file = slot->file, .section = slot->section, .table = path, .is_locked = is_locked};
	char number[16];
	int err;

	snprintf(number, sizeof(number), "%u", slot->number);
	request.slot = slot->has_number ? number : slot->slot;
	err = elfmap_graft__open_table(&request, graft, msg);
	if (err)
		return err;
	like.type = graft->prog_type;
	*ret_object = pipeline__find_object(pipeline, line, &like);
	if (!*ret_object)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	if ((*ret_object)->is_planned && *request.slot >= '0' && *request.slot <= '9')
		return elfmap_graft__find_slot(graft, msg);
	elfmap_graft__close(graft, true);
	return elfmap_graft__open(&request, graft, msg);
}

static int open_slot(struct pipeline *pipeline, struct pipeline_line *line, const char *path, bool is_locked,
		     struct pipeline_object **ret_object, struct elfmap_graft *graft, struct elfmap_msg *msg)
{
	int err = open_table(pipeline, line, path, is_locked, ret_object, graft, msg);

	if (err)
		return err;
	graft->culprit = line->slot->file;
	return pipeline_object__plan(pipeline, *ret_object, msg);
}

int line_slot__plan_empty(struct pipeline *pipeline, struct pipeline_line *line)
{
	struct line_slot *slot = line->slot;
	int table = bpf_obj_get(slot->path);
	__u32 id = 0;

	for (const struct pipeline_line *at = pipeline->lines; at < pipeline->lines + pipeline->nr_lines; at++)
		if (at->kind == LINE_SLOT && at->slot->file && !strcmp(at->slot->path, slot->path) &&
		    at->slot->has_number && at->slot->number == slot->number)
			id = slot->before = 0;
	if (table >= 0 && slot->before)
		bpf_map_lookup_elem(table, &slot->number, &id);
	if (table >= 0)
		close(table);
	line->intent = WILL_REMOVE;
	return id && id == slot->before ? 0 : -ENOENT;
}

static bool is_same_slot(const struct line_slot *a, const struct line_slot *b)
{
	return !strcmp(a->path, b->path) &&
	       (a->has_number && b->has_number ? a->number == b->number : !strcmp(a->slot, b->slot));
}

static int check_other_lines(const struct pipeline *pipeline, const struct pipeline_line *line, struct elfmap_msg *msg)
{
	const struct line_slot *slot = line->slot;

	for (const struct pipeline_line *at = pipeline->lines; at < line; at++)
		if (at->kind == LINE_SLOT && at->slot && at->slot->path && is_same_slot(at->slot, slot) &&
		    (strcmp(at->slot->file, slot->file) != 0 || strcmp(at->slot->section, slot->section) != 0))
			return elfmap_msg__set(msg, -EEXIST, "line %zu puts another program into this slot",
					       at->number);
	return 0;
}

int line_slot__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_slot *slot = line->slot;
	struct elfmap_graft graft = ELFMAP_NO_GRAFT;
	int err, made;

	line->intent = WILL_ADD;
	if (access(slot->path, F_OK))
		return pipeline__find_maker(pipeline, slot->path, &made)
			       ? check_other_lines(pipeline, line, msg)
			       : pipeline__refuse_absent(pipeline, slot->pin, msg);
	err = open_slot(pipeline, line, slot->path, false, &slot->object, &graft, msg);
	if (err) {
		if (err != -ECANCELED)
			pipeline__name_culprit(graft.culprit, err, msg);
		elfmap_graft__close(&graft, true);
		return err;
	}
	slot->number = graft.slot;
	slot->has_number = true;
	slot->before = graft.before >= 0 ? elfmap_program__id(graft.before) : 0;
	if (slot->before)
		line->intent = pipeline_object__is_same(slot->object, slot->before) ? WILL_KEEP : WILL_CHANGE;
	elfmap_graft__close(&graft, true);
	return check_other_lines(pipeline, line, msg);
}

int line_slot__fill(struct pipeline *pipeline, struct pipeline_line *line, const char *path, struct elfmap_msg *msg)
{
	struct line_slot *slot = line->slot;
	struct elfmap_graft graft = ELFMAP_NO_GRAFT;
	struct pipeline_object *object;
	bool is_locked = strcmp(path, slot->path) != 0;
	int err, program = -1;

	err = open_slot(pipeline, line, path, is_locked, &object, &graft, msg);
	if (!err)
		graft.culprit = slot->file;
	err = err ?: pipeline_object__commit(pipeline, object, false, msg);
	if (!err) {
		slot->object = object;
		slot->number = graft.slot;
		slot->has_number = true;
		slot->before = graft.before >= 0 ? elfmap_program__id(graft.before) : 0;
		err = elfmap_holder__hold(&pipeline->holder, slot->before);
		err = err == -ENOENT ? 0 : err ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : 0;
	}
	err = err ?: pipeline_object__open_program(object, &program, msg);
	err = err ?: elfmap_graft__put_program(&graft, program, msg);
	slot->after = err ? 0 : elfmap_program__id(program);
	if (program >= 0)
		close(program);
	if (err)
		pipeline__name_culprit(graft.culprit, err, msg);
	graft.is_done = false; /* undone by the line */
	elfmap_graft__close(&graft, true);
	return err;
}

static int empty(struct pipeline *pipeline, struct line_slot *slot, struct elfmap_msg *msg)
{
	int table = bpf_obj_get(slot->path);
	int err = table < 0 ? table : elfmap_holder__hold(&pipeline->holder, slot->before);

	err = err ?: bpf_map_delete_elem(table, &slot->number);
	if (table >= 0)
		close(table);
	slot->is_done = !err;
	return err ? elfmap_msg__set(msg, err, "%s: slot %u: %s", slot->path, slot->number, strerror(-err)) : 0;
}

int line_slot__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	int err;

	if (!line->slot->file)
		return empty(pipeline, line->slot, msg);
	err = line->slot->is_anew ? 0 : line_slot__fill(pipeline, line, line->slot->path, msg);

	line->slot->is_done = !err && !line->slot->is_anew;
	return err;
}

void line_slot__undo(struct pipeline_line *line)
{
	struct line_slot *slot = line->slot;
	int table, before;
	__u32 id;

	if (!slot->is_done)
		return;
	slot->is_done = false;
	table = bpf_obj_get(slot->path);
	if (table < 0)
		return;
	before = slot->before ? bpf_prog_get_fd_by_id(slot->before) : -1;
	if (bpf_map_lookup_elem(table, &slot->number, &id))
		id = 0;
	if (id == slot->after) {
		if (before >= 0)
			bpf_map_update_elem(table, &slot->number, &before, BPF_ANY);
		else
			bpf_map_delete_elem(table, &slot->number);
	}
	if (before >= 0)
		close(before);
	close(table);
}

void line_slot__free(struct line_slot *slot)
{
	if (!slot)
		return;
	free(slot->path);
	free(slot);
}
