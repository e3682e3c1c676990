// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines attach and detach: what is at the hook, the change, and the way back. Only a hook that changes is kept in
 * memory, and the programs that were replaced need no descriptors. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/netns.h"
#include "base/path.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "upgrade/upgrade.h"

void line_hook__free(struct line_hook *hook)
{
	if (!hook)
		return;
	free(hook->found);
	free(hook->done);
	free(hook);
}

/* ---- the hook that a line means ------------------------------------------------------------------------------ */

static int init(const struct pipeline *pipeline, const struct line_hook *hook, struct elfmap_attachment *ret_attachment,
		struct elfmap_msg *msg)
{
	int err = elfmap_attachment__init(&hook->request, hook->netns->fd, pipeline->tc_dir, ret_attachment, msg);

	if (err)
		return pipeline__name_culprit(ret_attachment->culprit, err, msg);
	ret_attachment->warn = warn_of_object;
	if (hook->name)
		snprintf(ret_attachment->wanted.name, sizeof(ret_attachment->wanted.name), "%s", hook->name);
	return 0;
}

static struct elfmap_hook *copy(const struct elfmap_hook *hook)
{
	struct elfmap_hook *copied = malloc(sizeof(*copied));

	if (copied)
		*copied = *hook;
	return copied;
}

int line_hook__name(struct pipeline *pipeline, const struct line_hook *hook, char ret_name[ELFMAP_HOOK_NAME])
{
	struct elfmap_attachment attachment;
	struct elfmap_msg msg;
	int err = init(pipeline, hook, &attachment, &msg);

	if (!err)
		memcpy(ret_name, attachment.wanted.name, ELFMAP_HOOK_NAME);
	return err;
}

bool line_hook__is_whole(const struct line_hook *hook)
{
	return (hook->request.prio && hook->request.handle) || !(hook->request.kind->has & ELFMAP_HOOK_DIRECTION) ||
	       (!hook->request.what && !hook->name);
}

bool line_hook__is_at(const struct line_hook *hook, const struct line_hook *other)
{
	return hook->is_there && other->is_there && hook->netns == other->netns && hook->ifindex == other->ifindex &&
	       hook->request.kind == other->request.kind && hook->request.direction == other->request.direction &&
	       hook->request.chain == other->request.chain && hook->prio == other->prio &&
	       hook->handle == other->handle;
}

/* ---- plan ---------------------------------------------------------------------------------------------------- */

/* The namespace of the hook decides. */
static bool was_interrupted(const struct pipeline *pipeline, const struct line_hook *hook)
{
	bool was = false;
	int back;

	if (elfmap_netns__visit(hook->netns->fd, &back, NULL))
		return false;
	was = elfmap_upgrade__was_interrupted(hook->object->file, pipeline->tc_dir);
	elfmap_netns__leave(back, 0, NULL);
	return was;
}

static void plan_attach(const struct pipeline *pipeline, struct pipeline_line *line, const struct elfmap_hook *wanted,
			const struct elfmap_hook *there)
{
	struct line_hook *hook = line->hook;
	struct pipeline_object *object = hook->object;
	/* An XDP program without a name was found by its function. */
	bool has_name = hook->is_there && (!strcmp(there->name, wanted->name) ||
					   (wanted->kind->has & ELFMAP_HOOK_SINGLE && !*there->name));

	hook->is_named = has_name && !object->is_pin;
	hook->is_same = has_name && there->is_direct && pipeline_object__is_same(object, there->prog);
	if (!hook->is_there)
		line->intent = WILL_ADD;
	else
		line->intent =
			hook->is_same && elfmap_load__has_stages(object->load, NULL, NULL) ? WILL_KEEP : WILL_CHANGE;
	/* An upgrade that was killed is finished or undone by the next one. */
	if (hook->is_same && pipeline_object__has_stages(object) && was_interrupted(pipeline, hook)) {
		hook->is_same = false;
		line->intent = WILL_CHANGE;
	}
	/* Another object's filter at the place that the line names is replaced, not upgraded. */
	hook->is_upgrade = line->intent == WILL_CHANGE && hook->is_named &&
			   (pipeline_object__has_stages(object) || object->has_grown);
}

static int find(const struct line_hook *hook, struct elfmap_attachment *attachment, struct elfmap_hook *ret_hook,
		struct elfmap_msg *msg)
{
	if (hook->request.kind->has & ELFMAP_HOOK_SINGLE)
		return elfmap_attachment__find(attachment, ret_hook, msg);
	return elfmap_hook_index__find(&hook->netns->hooks, &attachment->wanted, ret_hook, msg);
}

int line_hook__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_hook *hook = line->hook;
	struct elfmap_attachment attachment;
	struct elfmap_hook there;
	int err;

	err = init(pipeline, hook, &attachment, msg);
	err = err ?: find(hook, &attachment, &there, msg);
	if (err && err != -ENOENT)
		return err;
	hook->is_there = !err;
	if (hook->is_there) {
		hook->prio = there.prio;
		hook->handle = there.handle;
	}
	if (line->kind == LINE_ATTACH)
		plan_attach(pipeline, line, &attachment.wanted, &there);
	else
		line->intent = hook->is_there ? WILL_REMOVE : WILL_KEEP;
	if (!hook->is_there || line->intent == WILL_KEEP)
		return 0;
	hook->found = copy(&there);
	return hook->found ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

int line_hook__keep_found(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_hook *hook = line->hook;
	struct elfmap_attachment attachment;
	struct elfmap_hook there;
	int err;

	if (hook->found)
		return 0;
	err = init(pipeline, hook, &attachment, msg);
	err = err ?: find(hook, &attachment, &there, msg);
	if (err)
		return err;
	hook->found = copy(&there);
	return hook->found ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

/* ---- conflicts ----------------------------------------------------------------------------------------------- */

static int compare(__u64 a, __u64 b)
{
	return a < b ? -1 : a > b;
}

/* Without prio and handle several programs of different names have room at a place. */
static const char *own_name(const struct line_hook *hook)
{
	return line_hook__is_whole(hook) ? "" : elfmap_path__name(hook->request.what);
}

static const char *own_section(const struct line_hook *hook)
{
	return *own_name(hook) ? hook->request.section : "";
}

static int compare_places(const struct line_hook *a, const struct line_hook *b)
{
	return compare((unsigned long)a->netns, (unsigned long)b->netns)
		?: compare((__u32)a->ifindex, (__u32)b->ifindex)
		?: compare((unsigned long)a->request.kind, (unsigned long)b->request.kind)
		?: compare(a->request.direction, b->request.direction) ?: compare(a->request.chain, b->request.chain)
		?: compare(a->request.prio, b->request.prio) ?: compare(a->request.handle, b->request.handle)
		?: strcmp(own_name(a), own_name(b)) ?: strcmp(own_section(a), own_section(b));
}

static int compare_lines(const void *left, const void *right)
{
	const struct pipeline_line *a = *(struct pipeline_line *const *)left;
	const struct pipeline_line *b = *(struct pipeline_line *const *)right;

	return compare_places(a->hook, b->hook) ?: compare(a->number, b->number);
}

static void check_pair(const struct pipeline_line *first, struct pipeline_line *line)
{
	struct elfmap_msg msg;

	if (line->error || compare_places(first->hook, line->hook))
		return;
	line->hook->is_double = line->kind == first->kind && line->hook->object == first->hook->object;
	if (line->hook->is_double)
		return;
	if (line->kind == LINE_ATTACH)
		elfmap_msg__set(&msg, 0, "line %zu %s at this place", first->number,
				first->kind == LINE_ATTACH ? "attaches another program" : "detaches the program");
	else
		elfmap_msg__set(&msg, 0, "line %zu attaches a program at this place", first->number);
	pipeline_line__fail(line, -EEXIST, &msg);
}

static bool is_hook(const struct pipeline_line *line)
{
	return (line->kind == LINE_ATTACH || line->kind == LINE_DETACH) && line->hook && line->hook->ifindex;
}

void pipeline__check_places(struct pipeline *pipeline)
{
	struct pipeline_line **sorted = calloc(pipeline->nr_lines + 1, sizeof(*sorted));
	size_t nr = 0, first = 0;

	for (size_t i = 0; sorted && i < pipeline->nr_lines; i++)
		if (is_hook(&pipeline->lines[i]))
			sorted[nr++] = &pipeline->lines[i];
	if (nr)
		qsort(sorted, nr, sizeof(*sorted), compare_lines);
	for (size_t i = 1; i < nr; i++) {
		first = compare_places(sorted[first]->hook, sorted[i]->hook) ? i : first;
		if (first != i)
			check_pair(sorted[first], sorted[i]);
	}
	free(sorted);
}

/* ---- change -------------------------------------------------------------------------------------------------- */

static int attach(struct line_hook *hook, struct elfmap_attachment *attachment, struct elfmap_holder *holder,
		  struct elfmap_msg *msg)
{
	int err = pipeline_object__open_program(hook->object, &attachment->prog, msg);

	if (err)
		return err;
	attachment->load = hook->object->load;
	attachment->is_there = hook->is_there;
	attachment->is_same = hook->is_same;
	if (hook->found)
		attachment->there = *hook->found;
	attachment->is_known = true;
	err = elfmap_attachment__attach(attachment, msg);
	hook->is_there = attachment->is_there;
	if (!err && hook->is_there && hook->found)
		*hook->found = attachment->there;
	if (attachment->before >= 0) { /* it was looked up again, and is another program */
		elfmap_holder__hold(holder, attachment->there.prog);
		close(attachment->before);
	}
	close(attachment->prog);
	return err;
}

/* Records what was done before the change that it belongs to, as far as that is known: an undo must not fail for want
 * of memory. */
int line_hook__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_hook *hook = line->hook;
	struct elfmap_attachment attachment;
	struct elfmap_hook *done;
	int err = hook->is_double ? -EALREADY : init(pipeline, hook, &attachment, msg);

	if (err)
		return err == -EALREADY ? 0 : err;
	done = copy(&attachment.wanted);
	hook->found = hook->found ?: copy(&attachment.wanted);
	if (!done || !hook->found) {
		free(done);
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	err = hook->is_there ? elfmap_holder__hold(&pipeline->holder, hook->found->prog) : 0;
	if (err == -ENOENT)
		err = 0; /* replaced since: it is looked up again */
	else if (err)
		elfmap_msg__set(msg, err, "program %u, which is attached: %s", hook->found->prog, strerror(-err));
	if (!err && line->kind == LINE_ATTACH) {
		err = attach(hook, &attachment, &pipeline->holder, msg);
	} else if (!err) {
		attachment.wanted.prog = hook->found->prog;
		err = elfmap_attachment__detach(&attachment, msg);
	}
	if (err) {
		free(done);
		return err;
	}
	*done = attachment.done;
	hook->done = done;
	return 0;
}

/* ---- undo ---------------------------------------------------------------------------------------------------- */

void line_hook__undo(struct pipeline *pipeline, struct pipeline_line *line)
{
	struct line_hook *hook = line->hook;
	struct elfmap_hook gone;
	int before;

	(void)pipeline;
	if (!hook || !hook->done)
		return;
	before = hook->is_there && hook->found ? bpf_prog_get_fd_by_id(hook->found->prog) : -1;
	if (line->kind == LINE_DETACH && before >= 0)
		elfmap_hook__attach(hook->done, before, &gone, NULL);
	else if (before >= 0)
		elfmap_hook__exchange(hook->found, hook->done->prog, before, NULL);
	else if (!hook->is_there && line->kind == LINE_ATTACH)
		elfmap_hook__detach(hook->done, &gone, NULL);
	if (before >= 0)
		close(before);
	free(hook->done);
	hook->done = NULL;
}
