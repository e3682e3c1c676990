// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The running system's names. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpffs.h"
#include "msg.h"
#include "resolve.h"

struct system_names {
	struct elfmap_resolver resolver; /* first: what callers see */
	char device[IF_NAMESIZE];
	__u32 last_ifindex; /* the one that is in `device` */
	int *fds;
	size_t nr_fds;
	size_t room;
};

static struct system_names *names_of(struct elfmap_resolver *resolver)
{
	return (struct system_names *)resolver;
}

/* ---- devices ------------------------------------------------------------------------------------------- */

static int find_device(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg)
{
	__u32 ifindex = if_nametoindex(name);

	(void)self;
	if (!ifindex)
		return elfmap_msg__set(msg, -ENODEV, "'%s': no such device in this network namespace", name);
	*ret_ifindex = ifindex;
	return 0;
}

static const char *name_device(struct elfmap_resolver *self, __u32 ifindex)
{
	struct system_names *names = names_of(self);

	if (names->last_ifindex != ifindex) {
		names->last_ifindex = ifindex;
		if (!if_indextoname(ifindex, names->device))
			*names->device = '\0';
	}
	return *names->device ? names->device : NULL;
}

/* ---- objects ------------------------------------------------------------------------------------------- */

static int keep(struct system_names *names, int fd)
{
	if (names->nr_fds == names->room) {
		size_t room = names->room ? 2 * names->room : 16;
		int *fds = reallocarray(names->fds, room, sizeof(*fds));

		if (!fds)
			return -ENOMEM;
		names->fds = fds;
		names->room = room;
	}
	names->fds[names->nr_fds++] = fd;
	return 0;
}

/* A map's or a program's, by id or by pin. */
static int open_object(const struct elfmap_reference *reference, int *ret_fd, struct elfmap_msg *msg)
{
	const char *what = reference->kind == ELFMAP_PROG ? "program" : "map";
	char path[PATH_MAX];
	int fd, err;

	if (!reference->path) {
		fd = reference->kind == ELFMAP_PROG ? bpf_prog_get_fd_by_id((__u32)reference->id)
						    : bpf_map_get_fd_by_id((__u32)reference->id);
		if (fd < 0)
			return elfmap_msg__set(msg, fd, "no %s with id %llu: %s", what, reference->id, strerror(-fd));
		*ret_fd = fd;
		return 0;
	}
	err = elfmap_bpffs__pin_path(reference->path, path, sizeof(path), msg);
	if (err)
		return err;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return elfmap_msg__set(msg, fd, "no %s at %s: %s", what, path, strerror(-fd));
	*ret_fd = fd;
	return 0;
}

static int read_id(const struct elfmap_reference *reference, int fd, __u64 *ret_id, struct elfmap_msg *msg)
{
	struct bpf_prog_info prog = {};
	struct bpf_map_info map = {};
	bool is_prog = reference->kind == ELFMAP_PROG;
	__u32 size = is_prog ? sizeof(prog) : sizeof(map);
	int err = is_prog ? bpf_obj_get_info_by_fd(fd, &prog, &size) : bpf_obj_get_info_by_fd(fd, &map, &size);

	if (err)
		return elfmap_msg__set(msg, err, "the kernel does not describe it: %s", strerror(-err));
	*ret_id = is_prog ? prog.id : map.id;
	return 0;
}

static int find_object(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		       __u64 *ret_id, struct elfmap_msg *msg)
{
	int fd = -1, err;
	__u64 id;

	if (reference->kind == ELFMAP_CGROUP || reference->section)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "not known yet");
	err = open_object(reference, &fd, msg);
	err = err ?: read_id(reference, fd, &id, msg);
	if (!err && keep(names_of(self), fd))
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	*ret_id = id;
	if (ret_fd)
		*ret_fd = fd;
	return 0;
}

/* --------------------------------------------------------------------------------------------------------- */

int elfmap_resolver__new(struct elfmap_resolver **ret_resolver, struct elfmap_msg *msg)
{
	struct system_names *names = calloc(1, sizeof(*names));

	if (!names)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	names->resolver = (struct elfmap_resolver){
		.device = find_device,
		.object = find_object,
		.device_name = name_device,
	};
	*ret_resolver = &names->resolver;
	return 0;
}

void elfmap_resolver__forget(struct elfmap_resolver *resolver)
{
	struct system_names *names = names_of(resolver);

	while (names->nr_fds)
		close(names->fds[--names->nr_fds]);
}

void elfmap_resolver__free(struct elfmap_resolver *resolver)
{
	if (!resolver)
		return;
	elfmap_resolver__forget(resolver);
	free(names_of(resolver)->fds);
	free(names_of(resolver));
}
