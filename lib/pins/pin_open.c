// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens pinned maps. The kernel says little of why it does not: what is in the way is looked for here. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "pins/bpffs.h"
#include "pins/pin_open.h"

/* "mode 0640, owner 0:0". Names would need what a static command has not. Returns what PATH is called. */
static const char *describe_owner(const char *path, char *text, size_t size)
{
	struct stat file;

	if (stat(path, &file)) {
		snprintf(text, size, "a directory above it cannot be searched");
		return "pin";
	}
	snprintf(text, size, "mode %04o, owner %u:%u", file.st_mode & 07777, file.st_uid, file.st_gid);
	return S_ISDIR(file.st_mode) ? "directory" : "pin";
}

int elfmap_refusal__explain_open(const char *path, bool writing, int error, struct elfmap_msg *msg)
{
	char owner[128];

	if (error == EPERM && strchr(elfmap_path__name(path), '.'))
		error = ENOENT; /* what bpffs says of any name with a dot */
	if (error == ENOENT || error == ENOTDIR)
		return elfmap_msg__set(msg, -ENOENT, "no pin at %s; 'elfmap map list' shows the pins", path);
	if (error == EACCES) {
		bool cannot_read = faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0;
		bool cannot_write = writing && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0;

		const char *what = describe_owner(path, owner, sizeof(owner));

		return elfmap_msg__set(msg, -error,
				       "not permitted: the %s is not for you to %s%s%s (%s); run it as root, or let "
				       "the owner change that",
				       what, cannot_read ? "read" : "", cannot_read && cannot_write ? " or " : "",
				       cannot_write ? "write" : "", owner);
	}
	if (error == EPERM)
		return elfmap_msg__set(msg, -error, "not permitted: the capability CAP_BPF is missing; run it as root");
	return elfmap_msg__set(msg, -error, "cannot be opened: %s", strerror(error));
}

/* What the kernel would answer with EACCES, whatever is wrong. */
static int check_path(const char *path, bool writing, struct elfmap_msg *msg)
{
	struct stat file;

	if (stat(path, &file))
		return elfmap_refusal__explain_open(path, writing, errno, msg);
	if (S_ISDIR(file.st_mode))
		return elfmap_msg__set(msg, -EISDIR, "is a directory; 'elfmap map list %s' shows its pins", path);
	if (!elfmap_bpffs__contains(path))
		return elfmap_msg__set(
			msg, -EINVAL, "is not in a bpf file system, so it is no pin; 'elfmap map list' shows the pins");
	return 0;
}

static int explain_open(const char *path, bool writing, int error, struct elfmap_msg *msg)
{
	int err = check_path(path, writing, msg);

	if (err)
		return err;
	if (error == -EINVAL) /* the kernel opens links for reading and writing only */
		return elfmap_msg__set(msg, -EMEDIUMTYPE,
				       "is a link, not a map; 'bpftool link show pinned %s' shows it", path);
	return elfmap_refusal__explain_open(path, writing, -error, msg);
}

/* A descriptor says by its name what it is; what the kernel tells of another kind of object would be misread. */
static int check_is_map(int fd, const char *path, struct elfmap_msg *msg)
{
	char link[32], kind[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, kind, sizeof(kind) - 1) < 0)
		return elfmap_msg__set(msg, -errno, "%s: %s", link, strerror(errno));
	if (strstr(kind, "bpf-map"))
		return 0;
	if (strstr(kind, "bpf-prog"))
		return elfmap_msg__set(msg, -EMEDIUMTYPE,
				       "is a program, not a map; 'bpftool prog show pinned %s' shows it", path);
	return elfmap_msg__set(msg, -EMEDIUMTYPE, "is not a map (%s); 'elfmap map list' shows the maps", kind);
}

bool elfmap_map__describe(__u32 id, struct bpf_map_info *ret_info)
{
	__u32 size = sizeof(*ret_info);
	int fd = bpf_map_get_fd_by_id(id), err;

	if (fd < 0)
		return false;
	*ret_info = (struct bpf_map_info){};
	err = bpf_obj_get_info_by_fd(fd, ret_info, &size);
	close(fd);
	return !err;
}

int elfmap_map__open_for(const char *path, enum elfmap_access access, int *ret_fd, struct bpf_map_info *ret_info,
			 struct elfmap_msg *msg)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = access);
	bool writing = access != ELFMAP_READ;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err, fd;

	fd = bpf_obj_get_opts(path, &opts);
	if (fd < 0)
		return explain_open(path, writing, fd, msg);
	err = check_is_map(fd, path, msg);
	if (err)
		goto out;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (err) {
		elfmap_msg__set(msg, err, "the kernel does not describe the map: %s", strerror(-err));
		goto out;
	}
	*ret_fd = fd;
	*ret_info = info;
	return 0;
out:
	close(fd);
	return err;
}

int elfmap_map__open(const char *path, int *ret_fd, struct bpf_map_info *ret_info, struct elfmap_msg *msg)
{
	return elfmap_map__open_for(path, ELFMAP_READ, ret_fd, ret_info, msg);
}
