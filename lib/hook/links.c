// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Links of devices: their pins, their facts, and the exchange of their programs. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/netns.h"
#include "hook/links.h"
#include "pins/pin_change.h"
#include "pins/pins.h"

/* The kernel's information on the link of a device, also with an older <linux/bpf.h>. */
struct device_info {
	__u32 type, id, prog_id, alignment;
	__u32 ifindex;
	__u32 attach_type; /* tcx only */
};

/* ---- pins ------------------------------------------------------------------------------------------------ */

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

int elfmap_link__pin_path(const struct elfmap_hook *hook, const char *where, char *ret_path, size_t size,
			  struct elfmap_msg *msg)
{
	char device[3 * IF_NAMESIZE], name[NAME_MAX + 1];
	int err, length;

	err = links_dir(hook->tc_dir, ret_path, size, msg);
	if (err)
		return err;
	length = (int)strlen(ret_path);
	if (elfmap_pin_name__escape(hook->dev, device, sizeof(device)) ||
	    elfmap_pin_name__escape(hook->name, name, sizeof(name)) ||
	    snprintf(ret_path + length, size - (size_t)length, "/%s/%s/%s", device, where, name) >= (int)size - length)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of the link is too long");
	return 0;
}

/* ---- facts ----------------------------------------------------------------------------------------------- */

int elfmap_link__read(int fd, __u32 type, struct elfmap_link *ret_link)
{
	union {
		struct bpf_link_info any;
		struct device_info device;
	} info = {};
	__u32 size = sizeof(info.any);
	int err = bpf_obj_get_info_by_fd(fd, &info.any, &size);

	if (err || info.device.type != type)
		return err ?: -EINVAL;
	*ret_link = (struct elfmap_link){
		.id = info.device.id,
		.type = type,
		.prog = info.device.prog_id,
		.ifindex = (int)info.device.ifindex,
		.attach_type = info.device.attach_type,
	};
	return 0;
}

int elfmap_link__read_pin(const char *path, __u32 type, struct elfmap_link *ret_link)
{
	int err, fd = bpf_obj_get(path);

	if (fd < 0)
		return fd;
	err = elfmap_link__read(fd, type, ret_link);
	close(fd);
	if (err)
		return err;
	snprintf(ret_link->name, sizeof(ret_link->name), "%s", strrchr(path, '/') + 1);
	elfmap_pin_name__unescape(ret_link->name);
	return 0;
}

static int add(struct elfmap_links *links, const struct elfmap_link *link, const char *path)
{
	struct elfmap_link *grown = elfmap_array__grow(links->at, links->nr, sizeof(*grown));
	char *copy = path ? strdup(path) : NULL;

	if (grown)
		links->at = grown;
	if (!grown || (path && !copy)) {
		free(copy);
		return -ENOMEM;
	}
	grown[links->nr] = *link;
	grown[links->nr++].path = copy;
	return 0;
}

static int read_pinned(const char *tc_dir, __u32 type, struct elfmap_links *links, struct elfmap_msg *msg)
{
	struct elfmap_pins pins = {};
	char dir[PATH_MAX];
	int err;

	err = links_dir(tc_dir, dir, sizeof(dir), msg);
	err = err ?: elfmap_pins__read(dir, &pins);
	for (size_t i = 0; !err && i < pins.nr; i++) {
		struct elfmap_link link;

		if (pins.pins[i].kind != ELFMAP_PIN_LINK)
			continue;
		err = elfmap_link__read_pin(pins.pins[i].path, type, &link);
		if (err == -EINVAL || err == -ENOENT)
			err = 0; /* another type, or removed since */
		else
			err = err ?: add(links, &link, pins.pins[i].path);
		if (err)
			elfmap_msg__set(msg, err, "%s: %s", pins.pins[i].path, strerror(-err));
	}
	elfmap_pins__free(&pins);
	return err;
}

static bool has(const struct elfmap_links *links, __u32 id)
{
	for (size_t i = 0; i < links->nr; i++)
		if (links->at[i].id == id)
			return true;
	return false;
}

static int read_others(__u32 type, struct elfmap_links *links)
{
	__u32 id = 0;
	int err = 0;

	while (!err && !bpf_link_get_next_id(id, &id)) {
		int fd = bpf_link_get_fd_by_id(id);
		struct elfmap_link link;

		if (fd < 0)
			continue; /* gone since */
		if (!elfmap_link__read(fd, type, &link) && !has(links, id))
			err = add(links, &link, NULL);
		close(fd);
	}
	return err;
}

int elfmap_links__read(const char *tc_dir, __u32 type, bool all, struct elfmap_links *ret_links, struct elfmap_msg *msg)
{
	struct elfmap_links links = {};
	int err = tc_dir ? read_pinned(tc_dir, type, &links, msg) : 0;

	if (!err && all) {
		err = read_others(type, &links);
		if (err)
			elfmap_msg__set(msg, err, "no memory");
	}
	if (err)
		elfmap_links__free(&links);
	else
		*ret_links = links;
	return err;
}

void elfmap_links__free(struct elfmap_links *links)
{
	for (size_t i = 0; i < links->nr; i++)
		free(links->at[i].path);
	free(links->at);
	*links = (struct elfmap_links){};
}

/* ---- exchange -------------------------------------------------------------------------------------------- */

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

int elfmap_link__exchange(__u32 id, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int err, link = bpf_link_get_fd_by_id(id);

	if (link < 0)
		return elfmap_msg__set(msg, link == -ENOENT ? -ESTALE : link, "link %u: %s", id, strerror(-link));
	err = update(link, expected, prog);
	close(link);
	if (err == -ESTALE || err == -EPERM)
		return elfmap_msg__set(msg, -ESTALE, "another command has changed the program of the link; try again");
	return err ? elfmap_msg__set(msg, err, "the kernel rejects the new program of the link: %s", strerror(-err))
		   : 0;
}
