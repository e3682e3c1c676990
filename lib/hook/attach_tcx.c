// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* attach through tcx, where the kernel has it (6.6): a link, pinned, whose program can be exchanged. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/netns.h"
#include "hook/attach.h"
#include "pins/pin_change.h"
#include "pins/pin_name.h"

#define ATTACH_TCX_INGRESS 46 /* younger than some <linux/bpf.h> */
#define ATTACH_TCX_EGRESS 47
#define PATH_LEVELS 4 /* links/NETNS/DEV/DIRECTION/ */

/* What the kernel tells of a tcx link, whatever <linux/bpf.h> knows of it. */
struct tcx_info {
	__u32 type, id, prog_id, alignment;
	__u32 ifindex, attach_type;
};

static int read_link(int fd, struct tcx_info *ret_info)
{
	union {
		struct bpf_link_info any;
		struct tcx_info tcx;
	} info = {};
	__u32 size = sizeof(info.any);
	int err = bpf_obj_get_info_by_fd(fd, &info.any, &size);

	if (!err)
		*ret_info = info.tcx;
	return err;
}

/* ---- its pin --------------------------------------------------------------------------------------------- */

int elfmap_links__dir(const char *tc_dir, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	unsigned long netns;
	int err = elfmap_netns__number(&netns, msg);

	if (err)
		return err;
	if (snprintf(ret_path, size, "%s/links/%lu", tc_dir, netns) >= (int)size)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of the link is too long");
	return 0;
}

int elfmap_link__path(const char *tc_dir, const char *dev, const struct elfmap_filter *filter, char *ret_path,
		      size_t size, struct elfmap_msg *msg)
{
	char device[3 * IF_NAMESIZE], name[NAME_MAX + 1];
	int err, length;

	err = elfmap_links__dir(tc_dir, ret_path, size, msg);
	if (err)
		return err;
	length = (int)strlen(ret_path);
	if (elfmap_pin_name__escape(dev, device, sizeof(device)) ||
	    elfmap_pin_name__escape(filter->name, name, sizeof(name)) ||
	    snprintf(ret_path + length, size - (size_t)length, "/%s/%s/%s", device,
		     filter->egress ? "egress" : "ingress", name) >= (int)size - length)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of the link is too long");
	return 0;
}

int elfmap_link__read(const char *path, struct elfmap_filter *ret_filter)
{
	struct elfmap_filter filter = {.kind = "tcx"};
	struct tcx_info info;
	int err, fd;

	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	err = read_link(fd, &info);
	close(fd);
	if (err || (info.attach_type != ATTACH_TCX_INGRESS && info.attach_type != ATTACH_TCX_EGRESS))
		return err ?: -EINVAL;
	filter.ifindex = (int)info.ifindex;
	filter.egress = info.attach_type == ATTACH_TCX_EGRESS;
	filter.prog = info.prog_id;
	snprintf(filter.name, sizeof(filter.name), "%s", strrchr(path, '/') + 1);
	elfmap_pin_name__unescape(filter.name);
	*ret_filter = filter;
	return 0;
}

/* ---- attaching ------------------------------------------------------------------------------------------- */

static int explain_create(int err, struct elfmap_msg *msg)
{
	if (err == -EINVAL)
		return elfmap_msg__set(
			msg, -EOPNOTSUPP,
			"this kernel has no tcx (it came with Linux 6.6); leave --tcx out for a filter of tc");
	return elfmap_msg__set(msg, err, "the kernel does not attach it by tcx: %s", strerror(-err));
}

static int create(int ifindex, __u32 type, int prog_fd, const char *path, struct elfmap_msg *msg)
{
	int err, fd = bpf_link_create(prog_fd, ifindex, (enum bpf_attach_type)type, NULL);

	if (fd < 0)
		return explain_create(fd, msg);
	err = elfmap_pin__add(fd, path, msg);
	close(fd); /* without its pin the link is gone again */
	return err;
}

/* FD is a pinned link: exchanges its program, or says that there is no need or that it is another's. */
static int update(int fd, int ifindex, __u32 type, int prog_fd, const struct elfmap_load *load,
		  enum elfmap_attach_result *result, struct elfmap_msg *msg)
{
	struct tcx_info info;
	int err = read_link(fd, &info);

	if (err)
		return elfmap_msg__set(msg, err, "%s", strerror(-err));
	if (!info.ifindex)
		return -ENODEV; /* the device has gone, and the link with it but for its pin */
	if (info.attach_type != type || info.ifindex != (__u32)ifindex)
		return elfmap_msg__set(msg, -EEXIST, "the pinned link is of another device or direction");
	if (elfmap_attach__is_same(info.prog_id, prog_fd, load)) {
		*result = ELFMAP_UNCHANGED;
		return 0;
	}
	*result = ELFMAP_REPLACED;
	err = bpf_link_update(fd, prog_fd, NULL);
	return err ? elfmap_msg__set(msg, err, "the link does not take the new program: %s", strerror(-err)) : 0;
}

int elfmap_attach__tcx(int ifindex, bool egress, int prog_fd, const struct elfmap_load *load, const char *path,
		       enum elfmap_attach_result *ret_result, struct elfmap_msg *msg)
{
	__u32 type = egress ? ATTACH_TCX_EGRESS : ATTACH_TCX_INGRESS;
	enum elfmap_attach_result result = ELFMAP_ATTACHED;
	int fd = bpf_obj_get(path), err = -ENODEV;

	if (fd < 0 && fd != -ENOENT)
		return elfmap_msg__set(msg, fd, "%s: %s", path, strerror(-fd));
	if (fd >= 0) {
		err = update(fd, ifindex, type, prog_fd, load, &result, msg);
		close(fd);
	}
	if (err == -ENODEV) {
		unlink(path);
		err = create(ifindex, type, prog_fd, path, msg);
	}
	if (!err)
		*ret_result = result;
	return err;
}

int elfmap_attach__detach_tcx(const char *path, struct elfmap_msg *msg)
{
	int err = elfmap_pin__remove(path, PATH_LEVELS);

	if (err)
		elfmap_msg__set(msg, err, "%s",
				err == -ENOENT ? "there is no such link; 'bpftool net show' lists what is attached"
					       : strerror(-err));
	return err;
}
