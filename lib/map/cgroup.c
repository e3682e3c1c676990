// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds cgroup2 and converts between its directories and ids; cgroup.h has the contracts. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/msg.h"
#include "map/cgroup.h"
#include "pins/bpffs.h"

#define KERNFS_HANDLE 0xfe /* FILEID_KERNFS of the kernel: the handle is the id */

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

/* Finds the first mount of cgroup2 that is visible to process PID ("self" or a number) and not covered by another. */
static bool find_mount_of(const char *pid, char *ret_path, size_t size)
{
	char table[64], line[2 * PATH_MAX];
	struct mntent entry;
	bool found = false;
	FILE *mounts;

	snprintf(table, sizeof(table), "/proc/%s/mounts", pid);
	mounts = setmntent(table, "re");
	while (mounts && !found && getmntent_r(mounts, &entry, line, sizeof(line))) {
		bool is_ours = !strcmp(pid, "self");

		if (strcmp(entry.mnt_type, "cgroup2") != 0)
			continue;
		if ((size_t)snprintf(ret_path, size, "%s%s%s%s", is_ours ? "" : "/proc/", is_ours ? "" : pid,
				     is_ours ? "" : "/root", entry.mnt_dir) < size)
			found = is_cgroup2(ret_path);
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

/* *RET_PID: the process that sees the mount; 0: this process. */
static bool find_mount(char *ret_path, size_t size, int *ret_pid)
{
	char pid[16];

	*ret_pid = 0;
	if (find_mount_of("self", ret_path, size))
		return true;
	for (*ret_pid = getppid(); *ret_pid > 0; *ret_pid = elfmap_process__parent(*ret_pid)) {
		snprintf(pid, sizeof(pid), "%d", *ret_pid);
		if (find_mount_of(pid, ret_path, size))
			return true;
	}
	return false;
}

int elfmap_cgroup__find(char *ret_path, size_t size, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int pid;

	if (!find_mount(path, sizeof(path), &pid))
		return elfmap_msg__set(msg, -ENODEV,
				       "cgroup2 is not mounted; 'mount -t cgroup2 cgroup2 /sys/fs/cgroup' mounts it");
	if (strlen(path) >= size)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is longer than %zu bytes", size - 1);
	strcpy(ret_path, path);
	return 0;
}

static bool is_path(const char *word)
{
	return word[0] == '/' || !strcmp(word, ".") || !strcmp(word, "..") || !strncmp(word, "./", 2) ||
	       !strncmp(word, "../", 3);
}

static bool join(char path[PATH_MAX], const char *before, const char *word)
{
	return snprintf(path, PATH_MAX, "%s%s%s", before, *before && *word != '/' ? "/" : "", word) < PATH_MAX;
}

/* Finds the path of DIR. The candidates are DIR itself, DIR in the mount namespace that has cgroup2, and DIR below the
 * root of cgroup2. If no candidate is a cgroup, PATH is the one for the message. MOUNT: the mount point, or "". */
static int resolve(const char *dir, char path[PATH_MAX], char mount[PATH_MAX], struct elfmap_msg *msg)
{
	char outside[64];
	bool fits = true;
	int pid;

	if (!*dir)
		return elfmap_msg__set(msg, -EINVAL, "no name; expected the directory of a cgroup");
	if (!find_mount(mount, PATH_MAX, &pid))
		mount[0] = '\0';
	if (!*mount && !is_path(dir))
		return elfmap_cgroup__find(path, PATH_MAX, msg);
	snprintf(outside, sizeof(outside), "/proc/%d/root", pid);
	if (is_path(dir)) {
		fits = join(path, "", dir);
		if (!fits || *dir != '/' || !*mount || is_cgroup2(path))
			goto out;
		if (pid && join(path, outside, dir) && is_cgroup2(path))
			return 0;
	}
	fits = join(path, mount, dir);
	/* The message names DIR as given if it exists or begins with the mount point. */
	if (fits && is_path(dir) && !is_cgroup2(path) && (!access(dir, F_OK) || !strncmp(dir, mount, strlen(mount))))
		join(path, "", dir);
out:
	return fits ? 0 : elfmap_msg__set(msg, -ENAMETOOLONG, "%s", strerror(ENAMETOOLONG));
}

static int explain_open(int error, const char *path, struct elfmap_msg *msg)
{
	if (error == ENOENT)
		return elfmap_msg__set(msg, -ENOENT, "no cgroup at %s; 'mkdir %s' makes one", path, path);
	if (error == ENOTDIR)
		return elfmap_msg__set(msg, -ENOTDIR, "is not a directory; a cgroup is one");
	if ((error == EACCES || error == EPERM) && geteuid() != 0)
		return elfmap_msg__set(msg, -error, "not permitted; run it as root, with 'sudo elfmap ...'");
	return elfmap_msg__set(msg, -error, "cannot be opened: %s", strerror(error));
}

/* The kernel returns EBADF in both cases. */
static int refuse(bool is_version1, const char *mount, struct elfmap_msg *msg)
{
	const char *what = is_version1 ? "is a cgroup of version 1, and sockets belong to cgroups of version 2"
				       : "is not a cgroup of version 2";

	if (!*mount)
		return elfmap_msg__set(msg, -EINVAL,
				       "%s; 'mount -t cgroup2 cgroup2 DIR' shows those, they are not mounted here",
				       what);
	return elfmap_msg__set(msg, -EINVAL, "%s; cgroups of version 2 are below %s", what, mount);
}

int elfmap_cgroup__open(const char *dir, int *ret_fd, struct elfmap_msg *msg)
{
	char path[PATH_MAX], mount[PATH_MAX] = "";
	struct statfs fs;
	int fd, err;

	err = resolve(dir, path, mount, msg);
	if (err)
		return err;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return explain_open(errno, path, msg);
	if (fstatfs(fd, &fs))
		err = elfmap_msg__set(msg, -errno, "cannot be examined: %s", strerror(errno));
	else if (fs.f_type != CGROUP2_SUPER_MAGIC)
		err = refuse(fs.f_type == CGROUP_SUPER_MAGIC, mount, msg);
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

/* The inode number in cgroup2 is the id of the cgroup. */
int elfmap_cgroup__id(int fd, __u64 *ret_id, struct elfmap_msg *msg)
{
	struct stat dir;

	if (fstat(fd, &dir))
		return elfmap_msg__set(msg, -errno, "has no id: %s", strerror(errno));
	*ret_id = dir.st_ino;
	return 0;
}

static int read_path_of(int fd, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	char link[32], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path));
	if (length < 0)
		return elfmap_msg__set(msg, -errno, "%s: %s", link, strerror(errno));
	if ((size_t)length >= size || length == sizeof(path))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is longer than %zu bytes", size - 1);
	memcpy(ret_path, path, (size_t)length);
	ret_path[length] = '\0';
	return 0;
}

/* The handle of a removed cgroup is stale (ESTALE). */
static int open_by_id(int mount, __u64 id, struct elfmap_msg *msg)
{
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} node = {.handle = {.handle_bytes = sizeof(id), .handle_type = KERNFS_HANDLE}};
	int fd;

	memcpy(node.room + sizeof(node.handle), &id, sizeof(id));
	fd = open_by_handle_at(mount, &node.handle, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	if (errno == ESTALE || errno == ENOENT)
		return elfmap_msg__set(msg, -ENOENT, "the cgroup with id %llu is gone", (unsigned long long)id);
	return elfmap_msg__set(msg, -errno, "the path of cgroup id %llu: %s", (unsigned long long)id, strerror(errno));
}

int elfmap_cgroup__path(__u64 id, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	int mount = -1, fd = -1, err;
	char root[PATH_MAX];

	err = elfmap_cgroup__find(root, sizeof(root), msg);
	if (err)
		return err;
	mount = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0)
		return explain_open(errno, root, msg);
	fd = open_by_id(mount, id, msg);
	err = fd < 0 ? fd : read_path_of(fd, ret_path, size, msg);
	if (fd >= 0)
		close(fd);
	close(mount);
	return err;
}

int elfmap_cgroup__name(__u64 id, char *ret_name, size_t size, struct elfmap_msg *msg)
{
	char path[PATH_MAX] = "", root[PATH_MAX] = "";
	struct elfmap_msg unused;
	int mount = -1, err;
	const char *name;
	size_t length;

	err = elfmap_cgroup__path(id, path, sizeof(path), msg);
	err = err ?: elfmap_cgroup__find(root, sizeof(root), msg);
	if (err)
		return err;
	/* The root in the same mount namespace as PATH, which may be another than that of this process. */
	mount = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount >= 0 && read_path_of(mount, root, sizeof(root), &unused))
		root[0] = '\0';
	if (mount >= 0)
		close(mount);
	length = strlen(root);
	name = !strncmp(path, root, length) && (path[length] == '/' || !path[length]) ? path + length : path;
	if (strlen(name) >= size)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is longer than %zu bytes", size - 1);
	strcpy(ret_name, *name ? name : "/");
	return 0;
}
