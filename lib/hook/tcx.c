// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The row of tcx (Linux 6.6): a link whose program can be exchanged, pinned by elfmap (links.h). */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/links.h"
#include "hook/rows.h"
#include "pins/pin_change.h"

#define ATTACH_TCX_INGRESS 46 /* missing in older <linux/bpf.h> */
#define ATTACH_TCX_EGRESS 47
#define LINK_TYPE_TCX 11
#define MAX_TCX 64 /* programs at one hook: the kernel's limit */

static enum bpf_attach_type attach_type(const struct elfmap_hook *hook)
{
	return (enum bpf_attach_type)(hook->direction == ELFMAP_EGRESS ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS);
}

/* ---- its pin --------------------------------------------------------------------------------------------- */

static int pin_path(const struct elfmap_hook *hook, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	return elfmap_link__pin_path(hook, elfmap_hook__direction(hook), ret_path, size, msg);
}

static enum elfmap_direction direction_of(const struct elfmap_link *link)
{
	return link->attach_type == ATTACH_TCX_EGRESS ? ELFMAP_EGRESS : ELFMAP_INGRESS;
}

/* Reads the link pinned at PATH into HOOK. -EINVAL: not a tcx link. */
static int read_pin(const char *path, struct elfmap_hook *hook)
{
	struct elfmap_link link;
	int err = elfmap_link__read_pin(path, LINK_TYPE_TCX, &link);

	if (err)
		return err;
	hook->kind = &elfmap_hook_tcx;
	hook->ifindex = link.ifindex;
	hook->direction = direction_of(&link);
	hook->prog = link.prog;
	hook->link = link.id;
	memcpy(hook->name, link.name, sizeof(hook->name));
	return 0;
}

static bool is_orphan(const char *path)
{
	struct elfmap_hook hook = {};

	return !read_pin(path, &hook) && !hook.ifindex;
}

/* ---- listing --------------------------------------------------------------------------------------------- */

/* Sets name and link of HOOK from the pin with its device, direction and program; uses each pin once. */
static void name_hook(struct elfmap_hook *hook, struct elfmap_links *pinned)
{
	for (size_t i = 0; i < pinned->nr; i++) {
		struct elfmap_link *pin = &pinned->at[i];

		if (pin->ifindex != hook->ifindex || direction_of(pin) != hook->direction || pin->prog != hook->prog)
			continue;
		hook->link = pin->id;
		memcpy(hook->name, pin->name, sizeof(hook->name));
		pin->ifindex = 0;
		return;
	}
}

static int list_direction(struct elfmap_survey *survey, int ifindex, enum elfmap_direction direction,
			  struct elfmap_links *pinned)
{
	struct elfmap_hook like = elfmap_survey__start(survey, &elfmap_hook_tcx, ifindex);
	__u32 ids[MAX_TCX] = {};
	LIBBPF_OPTS(bpf_prog_query_opts, opts, .prog_ids = ids, .prog_cnt = MAX_TCX);
	int err = 0;

	like.direction = direction;
	if (bpf_prog_query_opts(ifindex, attach_type(&like), &opts))
		return 0; /* no tcx before Linux 6.6 */
	for (__u32 i = 0; i < opts.prog_cnt && i < MAX_TCX && !err; i++) {
		struct elfmap_hook hook = like;

		hook.prog = ids[i];
		name_hook(&hook, pinned);
		err = elfmap_survey__add(survey, &hook);
	}
	return err;
}

static int list(struct elfmap_survey *survey, struct elfmap_msg *msg)
{
	struct elfmap_links pinned = {};
	int err = elfmap_links__read(survey->like.tc_dir, LINK_TYPE_TCX, false, &pinned, msg);

	for (const struct if_nameindex *at = survey->devices; at->if_index && !err; at++) {
		err = list_direction(survey, (int)at->if_index, ELFMAP_INGRESS, &pinned);
		err = err ?: list_direction(survey, (int)at->if_index, ELFMAP_EGRESS, &pinned);
	}
	elfmap_links__free(&pinned);
	return err;
}

/* ---- attaching ------------------------------------------------------------------------------------------- */

static int find(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct elfmap_hook hook = *wanted;
	char path[PATH_MAX];
	int err = pin_path(wanted, path, sizeof(path), msg);

	if (err)
		return err;
	err = read_pin(path, &hook);
	if (err == -ENOENT || (!err && !hook.ifindex)) /* the pin may be left over */
		return elfmap_msg__set(msg, -ENOENT,
				       "there is no such link; 'bpftool net show' lists what is attached");
	if (err == -EINVAL || (!err && (hook.direction != wanted->direction || hook.ifindex != wanted->ifindex)))
		return elfmap_msg__set(msg, -EEXIST, "the pinned link belongs to another device or direction");
	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", path, strerror(-err));
	*ret_hook = hook;
	return 0;
}

static int explain_create(int err, struct elfmap_msg *msg)
{
	if (err == -EINVAL)
		return elfmap_msg__set(
			msg, -EOPNOTSUPP,
			"this kernel has no tcx (it came with Linux 6.6); omit --tcx to attach a tc filter");
	return elfmap_msg__set(msg, err, "the kernel rejects the tcx link: %s", strerror(-err));
}

static int attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct elfmap_hook made = *wanted;
	char path[PATH_MAX];
	int err, fd;

	err = pin_path(wanted, path, sizeof(path), msg);
	if (err)
		return err;
	if (is_orphan(path))
		unlink(path);
	fd = bpf_link_create(prog, wanted->ifindex, attach_type(wanted), NULL);
	if (fd < 0)
		return explain_create(fd, msg);
	err = elfmap_pin__add(fd, path, msg);
	close(fd); /* without a pin the kernel removes the link */
	if (err)
		return err;
	err = read_pin(path, &made);
	if (err) {
		elfmap_pin__remove(path, ELFMAP_LINK_LEVELS);
		return elfmap_msg__set(msg, err, "%s: %s", path, strerror(-err));
	}
	*ret_hook = made;
	return 0;
}

static int refuse_other(struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ESTALE, "another command has changed the program of the link; try again");
}

static int exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	return elfmap_link__exchange(hook->link, expected, prog, msg);
}

static int detach(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg)
{
	struct elfmap_hook gone = *wanted;
	char path[PATH_MAX];
	int err;

	err = pin_path(wanted, path, sizeof(path), msg);
	if (err)
		return err;
	if (wanted->prog && (read_pin(path, &gone) || gone.prog != wanted->prog))
		return refuse_other(msg);
	err = elfmap_pin__remove(path, ELFMAP_LINK_LEVELS);
	if (err)
		return elfmap_msg__set(msg, err, "%s",
				       err == -ENOENT
					       ? "there is no such link; 'bpftool net show' lists what is attached"
					       : strerror(-err));
	*ret_gone = gone;
	return 0;
}

const struct elfmap_hook_kind elfmap_hook_tcx = {
	.name = "tcx",
	.prog_type = BPF_PROG_TYPE_SCHED_CLS,
	.has = ELFMAP_HOOK_DEVICE | ELFMAP_HOOK_DIRECTION,
	.link_type = LINK_TYPE_TCX,
	.list = list,
	.find = find,
	.attach = attach,
	.exchange = exchange,
	.detach = detach,
	.pin_path = pin_path,
	.is_orphan = is_orphan,
};
