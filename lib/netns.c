// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Enters a network namespace as `nsenter --net` does: `ip -n` would cover /sys, and the pins with it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "netns.h"

#define NETNS_DIR "/run/netns" /* what ip calls /var/run/netns */

int elfmap_netns__enter(const char *name, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int err = 0, fd;

	snprintf(path, sizeof(path), "%s%s", strchr(name, '/') ? "" : NETNS_DIR "/", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return elfmap_msg__set(msg, -errno, "%s",
				       errno == ENOENT ? "no such network namespace; 'ip netns list' shows them"
						       : strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		err = elfmap_msg__set(msg, -errno, "%s",
				      errno == EINVAL ? "is not a network namespace" : strerror(errno));
	close(fd);
	return err;
}
