// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The row of XDP: at most one program in each mode of a device, attached by rtnetlink, as `ip link` does, or by a link
 * that elfmap pins (links.h). The kernel compares the expected program when one is exchanged or detached.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/links.h"
#include "hook/netlink.h"
#include "hook/rows.h"
#include "pins/pin_change.h"

#define WHERE "xdp"

static const struct mode {
	const char *word; /* as in `ip link set` and `ip link show` */
	int id;		  /* the attribute with its program */
	__u32 flag;
} modes[] = {
	[ELFMAP_XDP_ANY] = {"xdp", 0, 0},
	[ELFMAP_XDP_GENERIC] = {"xdpgeneric", IFLA_XDP_SKB_PROG_ID, XDP_FLAGS_SKB_MODE},
	[ELFMAP_XDP_NATIVE] = {"xdp", IFLA_XDP_DRV_PROG_ID, XDP_FLAGS_DRV_MODE},
	[ELFMAP_XDP_OFFLOAD] = {"xdpoffload", IFLA_XDP_HW_PROG_ID, XDP_FLAGS_HW_MODE},
};
#define NR_MODES (sizeof(modes) / sizeof(*modes))

const char *elfmap_xdp__word(enum elfmap_xdp_mode mode)
{
	return modes[mode].word;
}

static int pin_path(const struct elfmap_hook *hook, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	if (!hook->by_link)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "only links are pinned");
	return elfmap_link__pin_path(hook, WHERE, ret_path, size, msg);
}

static bool is_orphan(const char *path)
{
	struct elfmap_link link;

	return !elfmap_link__read_pin(path, BPF_LINK_TYPE_XDP, &link) && !link.ifindex;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

struct device {
	int ifindex;
	__u32 progs[NR_MODES]; /* by mode */
};

static bool read_device(const struct nlmsghdr *message, struct device *device)
{
	const struct rtattr *attributes[IFLA_XDP + 1], *xdp[IFLA_XDP_MAX + 1];
	const struct ifinfomsg *link = NLMSG_DATA(message);

	*device = (struct device){};
	if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(*link)))
		return false;
	netlink__sort(IFLA_RTA(link), IFLA_PAYLOAD(message), attributes, IFLA_XDP);
	device->ifindex = link->ifi_index;
	if (!attributes[IFLA_XDP])
		return true;
	netlink__sort(RTA_DATA(attributes[IFLA_XDP]), RTA_PAYLOAD(attributes[IFLA_XDP]), xdp, IFLA_XDP_MAX);
	for (size_t i = ELFMAP_XDP_GENERIC; i < NR_MODES; i++)
		device->progs[i] = netlink__number(xdp[modes[i].id]);
	return true;
}

/* Its links are found by program and ifindex. One that elfmap has not pinned may be of a device of another namespace
 * with the same number, so it must be the only one. */
static void find_link(struct elfmap_hook *hook, const struct elfmap_links *links)
{
	const struct elfmap_link *found = NULL;
	size_t nr = 0;

	for (size_t i = 0; i < links->nr; i++) {
		const struct elfmap_link *link = &links->at[i];

		if (link->ifindex != hook->ifindex || link->prog != hook->prog)
			continue;
		found = link;
		nr++;
		if (link->path)
			break; /* pinned for this namespace; these come first */
	}
	hook->by_link = nr;
	if (!found || (nr > 1 && !found->path))
		return;
	hook->link = found->id;
	hook->is_pinned = found->path;
	memcpy(hook->name, found->name, sizeof(hook->name));
}

static struct elfmap_hook make_hook(struct elfmap_hook like, enum elfmap_xdp_mode mode, __u32 prog,
				    const struct elfmap_links *links)
{
	like.mode = mode;
	like.prog = prog;
	*like.name = '\0';
	like.link = 0;
	like.is_pinned = false;
	find_link(&like, links);
	if (!*like.name)
		elfmap_hook__name_program(&like);
	return like;
}

struct listing {
	struct elfmap_survey *survey;
	struct elfmap_links links;
};

static int add_device(void *context, const struct nlmsghdr *message)
{
	struct listing *listing = context;
	struct elfmap_hook like, hook;
	struct device device;
	int err = 0;

	if (!read_device(message, &device))
		return 0;
	for (size_t i = ELFMAP_XDP_GENERIC; i < NR_MODES && !err; i++) {
		if (!device.progs[i])
			continue;
		like = elfmap_survey__start(listing->survey, &elfmap_hook_xdp, device.ifindex);
		hook = make_hook(like, (enum elfmap_xdp_mode)i, device.progs[i], &listing->links);
		err = elfmap_survey__add(listing->survey, &hook);
	}
	return err;
}

static int list(struct elfmap_survey *survey, struct elfmap_msg *msg)
{
	struct listing listing = {.survey = survey};
	struct netlink_request request;
	int err = elfmap_links__read(survey->like.tc_dir, BPF_LINK_TYPE_XDP, true, &listing.links, msg);

	netlink__start(&request, RTM_GETLINK, NLM_F_DUMP, sizeof(request.link));
	err = err ?: netlink__talk(survey->sock, &request, add_device, &listing, msg);
	elfmap_links__free(&listing.links);
	return err;
}

static int take_device(void *context, const struct nlmsghdr *message)
{
	struct device *device = context, read;

	if (read_device(message, &read))
		*device = read;
	return 0;
}

static int get_device(int sock, int ifindex, struct device *ret_device, struct elfmap_msg *msg)
{
	struct netlink_request request;

	*ret_device = (struct device){};
	netlink__start(&request, RTM_GETLINK, 0, sizeof(request.link));
	request.link.ifi_index = ifindex;
	return netlink__talk(sock, &request, take_device, ret_device, msg);
}

/* The mode that WANTED means: its own, or that of the only program. -ENOENT, -ENOTUNIQ */
static int choose_mode(const struct elfmap_hook *wanted, const struct device *device, enum elfmap_xdp_mode *ret_mode,
		       struct elfmap_msg *msg)
{
	size_t nr = 0;

	for (size_t i = ELFMAP_XDP_GENERIC; i < NR_MODES; i++) {
		if (!device->progs[i] || (wanted->mode && wanted->mode != i))
			continue;
		*ret_mode = (enum elfmap_xdp_mode)i;
		nr++;
	}
	if (!nr)
		return elfmap_msg__set(msg, -ENOENT, "there is no XDP program; 'ip link show dev %s' shows it",
				       wanted->dev);
	return nr == 1 ? 0
		       : elfmap_msg__set(msg, -ENOTUNIQ,
					 "has XDP programs in several modes; select one with xdpdrv, xdpgeneric or "
					 "xdpoffload");
}

static int find_with(int sock, const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct elfmap_links links = {};
	enum elfmap_xdp_mode mode = wanted->mode;
	struct device device;
	int err;

	err = get_device(sock, wanted->ifindex, &device, msg);
	err = err ?: choose_mode(wanted, &device, &mode, msg);
	err = err ?: elfmap_links__read(wanted->tc_dir, BPF_LINK_TYPE_XDP, true, &links, msg);
	if (!err)
		*ret_hook = make_hook(*wanted, mode, device.progs[mode], &links);
	elfmap_links__free(&links);
	return err;
}

static int find(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	int err, sock = netlink__open(msg);

	if (sock < 0)
		return sock;
	err = find_with(sock, wanted, ret_hook, msg);
	close(sock);
	return err;
}

/* ---- changing by rtnetlink ------------------------------------------------------------------------------- */

/* PROG -1: none. EXPECTED is a descriptor; -1: do not compare. */
static int set(int sock, const struct elfmap_hook *hook, int prog, __u32 flags, int expected, struct elfmap_msg *msg)
{
	struct netlink_request request;
	struct rtattr *xdp;

	netlink__start(&request, RTM_SETLINK, 0, sizeof(request.link));
	request.link.ifi_index = hook->ifindex;
	xdp = netlink__nest(&request, IFLA_XDP);
	netlink__put_u32(&request, IFLA_XDP_FD, (__u32)prog);
	netlink__put_u32(&request, IFLA_XDP_FLAGS,
			 flags | modes[hook->mode].flag | (expected >= 0 ? XDP_FLAGS_REPLACE : 0));
	if (expected >= 0)
		netlink__put_u32(&request, IFLA_XDP_EXPECTED_FD, (__u32)expected);
	netlink__end_nest(&request, xdp);
	return netlink__talk(sock, &request, NULL, NULL, msg);
}

static int refuse_other(struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -ESTALE, "another command has changed the XDP program; try again");
}

/* Replaces program EXPECTED (0: any) by PROG (-1: none). */
static int replace(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int err, sock, old = expected ? bpf_prog_get_fd_by_id(expected) : -1;

	if (expected && old < 0)
		return old == -ENOENT ? refuse_other(msg)
				      : elfmap_msg__set(msg, old, "program %u: %s", expected, strerror(-old));
	sock = netlink__open(msg);
	err = sock < 0 ? sock : set(sock, hook, prog, 0, old, msg);
	if (sock >= 0)
		close(sock);
	if (old >= 0)
		close(old);
	return err == -EEXIST ? refuse_other(msg) : err;
}

/* A program in another mode is in the way, or another command was faster. */
static int explain_taken(const struct elfmap_hook *wanted, const struct device *device, int err, struct elfmap_msg *msg)
{
	for (size_t i = ELFMAP_XDP_GENERIC; i < NR_MODES; i++)
		if (device->progs[i])
			return elfmap_msg__set(msg, -EEXIST,
					       "program %u is attached as %s; to remove it: elfmap detach dev %s %s",
					       device->progs[i], modes[i].word, wanted->dev,
					       i == ELFMAP_XDP_NATIVE ? "xdpdrv" : modes[i].word);
	return err;
}

static int explain_attach(int sock, const struct elfmap_hook *wanted, int err, struct elfmap_msg *msg)
{
	struct device device;

	if (err == -EOPNOTSUPP && wanted->mode == ELFMAP_XDP_NATIVE)
		return elfmap_msg__set(msg, err,
				       "its driver has no native XDP; the generic mode works on every device: use "
				       "xdpgeneric instead of xdpdrv");
	if ((err == -EBUSY || err == -EEXIST) && !get_device(sock, wanted->ifindex, &device, NULL))
		return explain_taken(wanted, &device, err, msg);
	return err;
}

/* ---- changing by a link ---------------------------------------------------------------------------------- */

static int attach_link(const struct elfmap_hook *wanted, int prog, struct elfmap_msg *msg)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = modes[wanted->mode].flag);
	char path[PATH_MAX];
	int err, fd;

	err = pin_path(wanted, path, sizeof(path), msg);
	if (err)
		return err;
	if (is_orphan(path))
		unlink(path);
	fd = bpf_link_create(prog, wanted->ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return elfmap_msg__set(msg, fd, "the kernel rejects the XDP link: %s", strerror(-fd));
	err = elfmap_pin__add(fd, path, msg);
	close(fd); /* without a pin the kernel removes the link */
	return err;
}

static int remove_pin(__u32 id, const struct elfmap_hook *hook)
{
	struct elfmap_links links = {};
	int err = elfmap_links__read(hook->tc_dir, BPF_LINK_TYPE_XDP, false, &links, NULL);

	for (size_t i = 0; !err && i < links.nr; i++)
		if (links.at[i].id == id)
			err = elfmap_pin__remove(links.at[i].path, ELFMAP_LINK_LEVELS);
	elfmap_links__free(&links);
	return err;
}

/* Without the link's end at once, the program would run until the kernel has freed the link. */
static int detach_link(const struct elfmap_hook *hook, struct elfmap_msg *msg)
{
	int err, fd;

	if (!hook->link || !hook->is_pinned)
		return elfmap_msg__set(msg, -EBUSY,
				       "program %u is attached by a link that another program holds, and ends with it; "
				       "'bpftool link show' lists it",
				       hook->prog);
	fd = bpf_link_get_fd_by_id(hook->link);
	if (fd < 0)
		return refuse_other(msg);
	err = bpf_link_detach(fd);
	close(fd);
	err = err ?: remove_pin(hook->link, hook);
	return err ? elfmap_msg__set(msg, err, "link %u: %s", hook->link, strerror(-err)) : 0;
}

static int refuse_link(const struct elfmap_hook *hook, struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, -EBUSY,
			       "program %u is attached by one of several links, which cannot be told apart here; "
			       "'bpftool link show' lists them",
			       hook->prog);
}

/* ---- operations ------------------------------------------------------------------------------------------ */

static int attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook, struct elfmap_msg *msg)
{
	struct elfmap_hook made = *wanted;
	int err, sock;

	if (wanted->mode == ELFMAP_XDP_OFFLOAD)
		return elfmap_msg__set(msg, -EOPNOTSUPP,
				       "xdpoffload: the program must be loaded for the device, by 'ip link set dev %s "
				       "xdpoffload obj FILE sec NAME'; here: xdpdrv or xdpgeneric",
				       wanted->dev);
	sock = netlink__open(msg);
	if (sock < 0)
		return sock;
	err = wanted->by_link ? attach_link(wanted, prog, msg)
			      : set(sock, wanted, prog, XDP_FLAGS_UPDATE_IF_NOEXIST, -1, msg);
	if (err)
		err = explain_attach(sock, wanted, err, msg);
	else
		err = find_with(sock, wanted, &made, msg);
	close(sock);
	if (err)
		return err;
	memcpy(made.name, wanted->name, sizeof(made.name));
	*ret_hook = made;
	return 0;
}

static int exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg)
{
	if (hook->mode == ELFMAP_XDP_OFFLOAD)
		return elfmap_msg__set(msg, -EOPNOTSUPP,
				       "xdpoffload: the program runs on the device, and is replaced only by 'ip -force "
				       "link set dev %s xdpoffload obj FILE sec NAME'",
				       hook->dev);
	if (hook->by_link && !hook->link)
		return refuse_link(hook, msg);
	return hook->by_link ? elfmap_link__exchange(hook->link, expected, prog, msg)
			     : replace(hook, expected, prog, msg);
}

static int detach(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg)
{
	struct elfmap_hook gone;
	int err = find(wanted, &gone, msg);

	if (err)
		return err;
	if (wanted->prog && gone.prog != wanted->prog)
		return refuse_other(msg);
	err = gone.by_link ? detach_link(&gone, msg) : replace(&gone, gone.prog, -1, msg);
	if (!err)
		*ret_gone = gone;
	return err;
}

const struct elfmap_hook_kind elfmap_hook_xdp = {
	.name = "xdp",
	.prog_type = BPF_PROG_TYPE_XDP,
	.has = ELFMAP_HOOK_DEVICE | ELFMAP_HOOK_SINGLE,
	.link_type = BPF_LINK_TYPE_XDP,
	.list = list,
	.find = find,
	.attach = attach,
	.exchange = exchange,
	.detach = detach,
	.pin_path = pin_path,
	.is_orphan = is_orphan,
};
