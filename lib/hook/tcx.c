// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The row of tcx (Linux 6.6): a link whose program can be exchanged. elfmap pins its links at
 * TC_DIR/links/NETNS/DEV/DIRECTION/NAME, with '.' and '/' written as %2E and %2F; NETNS is the inode of the network
 * namespace. The device may have been renamed since: the ifindex of the link decides.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/netns.h"
#include "hook/rows.h"
#include "pins/pin_change.h"
#include "pins/pins.h"

#define ATTACH_TCX_INGRESS 46 /* missing in older <linux/bpf.h> */
#define ATTACH_TCX_EGRESS 47
#define LINK_TYPE_TCX 11
#define MAX_TCX 64    /* programs at one hook: the kernel's limit */
#define PATH_LEVELS 4 /* links/NETNS/DEV/DIRECTION/ */

/* The kernel's information on a tcx link, also with an older <linux/bpf.h>. */
struct tcx_info {
	__u32 type, id, prog_id, alignment;
	__u32 ifindex, attach_type;
};

static enum bpf_attach_type attach_type(const struct elfmap_hook *hook)
{
	return (enum bpf_attach_type)(hook->direction == ELFMAP_EGRESS ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS);
}

/* ---- its pin --------------------------------------------------------------------------------------------- */

static int links_dir(const char *tc_dir, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	unsigned long netns;
	int err = elfmap_netns__number(&netns, msg);

	if (err)
		return err;
	if (!tc_dir || snprintf(ret_path, size, "%s/links/%lu", tc_dir, netns) >= (int)size)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of the link is too long");
	return 0;
}

static int pin_path(const struct elfmap_hook *hook, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	char device[3 * IF_NAMESIZE], name[NAME_MAX + 1];
	int err, length;

	err = links_dir(hook->tc_dir, ret_path, size, msg);
	if (err)
		return err;
	length = (int)strlen(ret_path);
	if (elfmap_pin_name__escape(hook->dev, device, sizeof(device)) ||
	    elfmap_pin_name__escape(hook->name, name, sizeof(name)) ||
	    snprintf(ret_path + length, size - (size_t)length, "/%s/%s/%s", device, elfmap_hook__direction(hook),
		     name) >= (int)size - length)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of the link is too long");
	return 0;
}

/* Reads the link pinned at PATH into HOOK. Its ifindex is 0 if the device was removed. -EINVAL: not a tcx link. */
static int read_pin(const char *path, struct elfmap_hook *hook)
{
	union {
		struct bpf_link_info any;
		struct tcx_info tcx;
	} info = {};
	__u32 size = sizeof(info.any);
	int err, fd = bpf_obj_get(path);

	if (fd < 0)
		return fd;
	err = bpf_obj_get_info_by_fd(fd, &info.any, &size);
	close(fd);
	if (err || info.tcx.type != LINK_TYPE_TCX)
		return err ?: -EINVAL;
	hook->kind = &elfmap_hook_tcx;
	hook->ifindex = (int)info.tcx.ifindex;
	hook->direction = info.tcx.attach_type == ATTACH_TCX_EGRESS ? ELFMAP_EGRESS : ELFMAP_INGRESS;
	hook->prog = info.tcx.prog_id;
	hook->link = info.tcx.id;
	snprintf(hook->name, sizeof(hook->name), "%s", strrchr(path, '/') + 1);
	elfmap_pin_name__unescape(hook->name);
	return 0;
}

static bool is_orphan(const char *path)
{
	struct elfmap_hook hook = {};

	return !read_pin(path, &hook) && !hook.ifindex;
}

/* ---- listing --------------------------------------------------------------------------------------------- */

struct pinned {
	struct elfmap_hook *at;
	size_t nr;
};

static int read_pins(const struct elfmap_survey *survey, struct pinned *ret_pinned, struct elfmap_msg *msg)
{
	struct elfmap_pins pins = {};
	char dir[PATH_MAX];
	int err;

	*ret_pinned = (struct pinned){};
	if (!survey->like.tc_dir)
		return 0;
	err = links_dir(survey->like.tc_dir, dir, sizeof(dir), msg);
	err = err ?: elfmap_pins__read(dir, &pins);
	if (err)
		return err;
	ret_pinned->at = calloc(pins.nr + 1, sizeof(*ret_pinned->at));
	err = ret_pinned->at ? 0 : -ENOMEM;
	for (size_t i = 0; !err && i < pins.nr; i++) {
		struct elfmap_hook *hook = &ret_pinned->at[ret_pinned->nr];

		if (pins.pins[i].kind != ELFMAP_PIN_LINK)
			continue;
		*hook = elfmap_survey__start(survey, &elfmap_hook_tcx, 0);
		err = read_pin(pins.pins[i].path, hook);
		ret_pinned->nr += !err;
		if (err == -EINVAL || err == -ENOENT)
			err = 0; /* not a tcx link, or removed since */
		if (err)
			elfmap_msg__set(msg, err, "%s: %s", pins.pins[i].path, strerror(-err));
	}
	elfmap_pins__free(&pins);
	return err;
}

/* Sets name and link of HOOK from the pin with its device, direction and program; uses each pin once. */
static void name_hook(struct elfmap_hook *hook, struct pinned *pinned)
{
	for (size_t i = 0; i < pinned->nr; i++) {
		struct elfmap_hook *pin = &pinned->at[i];

		if (pin->ifindex != hook->ifindex || pin->direction != hook->direction || pin->prog != hook->prog)
			continue;
		hook->link = pin->link;
		memcpy(hook->name, pin->name, sizeof(hook->name));
		pin->ifindex = 0;
		return;
	}
}

static int list_direction(struct elfmap_survey *survey, int ifindex, enum elfmap_direction direction,
			  struct pinned *pinned)
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
	struct pinned pinned;
	int err = read_pins(survey, &pinned, msg);

	for (const struct if_nameindex *at = survey->devices; at->if_index && !err; at++) {
		err = list_direction(survey, (int)at->if_index, ELFMAP_INGRESS, &pinned);
		err = err ?: list_direction(survey, (int)at->if_index, ELFMAP_EGRESS, &pinned);
	}
	free(pinned.at);
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
		elfmap_pin__remove(path, PATH_LEVELS);
		return elfmap_msg__set(msg, err, "%s: %s", path, strerror(-err));
	}
	*ret_hook = made;
	return 0;
}

static int refuse_other(struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ESTALE, "another command has changed the program of the link; try again");
}

/* The kernel compares the expected program. */
static int update(int link, __u32 expected, int prog)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts);
	int err, old = expected ? bpf_prog_get_fd_by_id(expected) : -1;

	if (expected && old < 0)
		return old == -ENOENT ? -ESTALE : old;
	opts.flags = expected ? BPF_F_REPLACE : 0;
	opts.old_prog_fd = expected ? (__u32)old : 0;
	err = bpf_link_update(link, prog, &opts);
	if (old >= 0)
		close(old);
	return err;
}

static int exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int err, link = bpf_link_get_fd_by_id(hook->link);

	if (link < 0)
		return elfmap_msg__set(msg, link, "link %u: %s", hook->link, strerror(-link));
	err = update(link, expected, prog);
	close(link);
	if (err == -ESTALE || err == -EPERM)
		return refuse_other(msg);
	return err ? elfmap_msg__set(msg, err, "the kernel rejects the new program of the link: %s", strerror(-err))
		   : 0;
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
	err = elfmap_pin__remove(path, PATH_LEVELS);
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
