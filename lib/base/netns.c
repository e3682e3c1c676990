// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Enters a network namespace as `nsenter --net` does: `ip -n` would cover /sys, and the pins with it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/netns.h"

#define NETNS_DIR "/run/netns" /* what ip calls /var/run/netns */

int elfmap_netns__open(const char *name, int *ret_fd, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : NETNS_DIR "/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return elfmap_msg__set(msg, -errno, "%s",
				       errno == ENOENT ? "no such network namespace; 'ip netns list' shows them"
						       : strerror(errno));
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		close(fd);
		return elfmap_msg__set(msg, -EINVAL, "is not a network namespace");
	}
	*ret_fd = fd;
	return 0;
}

int elfmap_netns__enter(const char *name, struct elfmap_msg *msg)
{
	int fd = -1, err = elfmap_netns__open(name, &fd, msg);

	if (err)
		return err;
	if (setns(fd, CLONE_NEWNET))
		err = elfmap_msg__set(msg, -errno, "%s", strerror(errno));
	close(fd);
	return err;
}

int elfmap_netns__visit(int netns, int *ret_back, struct elfmap_msg *msg)
{
	int err = 0, back = -1;

	if (netns >= 0) {
		back = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (back < 0 || setns(netns, CLONE_NEWNET))
			err = elfmap_msg__set(msg, -errno, "the network namespace cannot be entered: %s",
					      strerror(errno));
	}
	if (!err)
		*ret_back = back;
	else if (back >= 0)
		close(back);
	return err;
}

int elfmap_netns__leave(int back, int err, struct elfmap_msg *msg)
{
	if (back < 0)
		return err;
	if (setns(back, CLONE_NEWNET))
		err = elfmap_msg__set(msg, -errno, "the network namespace cannot be left: %s", strerror(errno));
	close(back);
	return err;
}

int elfmap_netns__number(unsigned long *ret_number, struct elfmap_msg *msg)
{
	struct stat netns;

	if (stat("/proc/thread-self/ns/net", &netns))
		return elfmap_msg__set(msg, -errno, "/proc/thread-self/ns/net: %s", strerror(errno));
	*ret_number = (unsigned long)netns.st_ino;
	return 0;
}

bool elfmap_netns__name(unsigned long number, char *ret_name, size_t size)
{
	DIR *dir = opendir(NETNS_DIR);
	const struct dirent *entry;
	bool found = false;
	struct stat netns;

	while (!found && dir && (entry = readdir(dir)))
		found = entry->d_name[0] != '.' && !fstatat(dirfd(dir), entry->d_name, &netns, 0) &&
			netns.st_ino == number && snprintf(ret_name, size, "%s", entry->d_name) < (int)size;
	if (dir)
		closedir(dir);
	return found;
}
