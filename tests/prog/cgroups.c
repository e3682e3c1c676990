// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See cgroups.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroups.h"
#include "map/cgroup.h"
#include "test.h"

static char paths[TEST_CGROUPS][PATH_MAX + 64];

static int make(void)
{
	char root[PATH_MAX];
	struct elfmap_msg msg;

	if (elfmap_cgroup__find(root, sizeof(root), &msg))
		return -ENODEV;
	snprintf(paths[TOP], sizeof(paths[TOP]), "%s/elfmap_test_%d", root, (int)getpid());
	snprintf(paths[LEAF], sizeof(paths[LEAF]), "%s/elfmap_test_%d/leaf", root, (int)getpid());
	snprintf(paths[OTHER], sizeof(paths[OTHER]), "%s/elfmap_test_%d_other", root, (int)getpid());
	for (int i = 0; i < TEST_CGROUPS; i++)
		if (mkdir(paths[i], 0755))
			return -errno;
	return 0;
}

static void take_down(void)
{
	for (int i = TEST_CGROUPS; i-- > 0;)
		if (paths[i][0])
			rmdir(paths[i]);
}

/* Returns 0, or a negative errno. */
static int enter(enum test_cgroup cgroup)
{
	char file[PATH_MAX + 80];
	int fd, err = 0;

	snprintf(file, sizeof(file), "%s/cgroup.procs", paths[cgroup]);
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		err = -errno;
	if (fd >= 0)
		close(fd);
	return err;
}

static int skip_all(int err)
{
	printf("1..0 # SKIP no cgroup to make and enter here: %s\n", strerror(-err));
	return 0;
}

int cgroups__run(int (*tests)(void))
{
	int status = 0, err = make();
	pid_t child;

	if (err) {
		take_down();
		return skip_all(err);
	}
	child = fork();
	if (child == 0) {
		err = enter(LEAF);
		exit(err ? skip_all(err) : tests());
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	take_down();
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}

int cgroups__open(enum test_cgroup cgroup)
{
	struct elfmap_msg msg;
	int fd = -1;

	if (elfmap_cgroup__open(paths[cgroup], &fd, &msg))
		fail_msg("%s: %s", paths[cgroup], msg.text);
	return fd;
}

__u64 cgroups__id(enum test_cgroup cgroup)
{
	int fd = cgroups__open(cgroup);
	struct elfmap_msg msg;
	__u64 id = 0;

	if (elfmap_cgroup__id(fd, &id, &msg))
		fail_msg("%s: %s", paths[cgroup], msg.text);
	close(fd);
	return id;
}
