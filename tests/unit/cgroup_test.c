// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* lib/map/cgroup.c with real cgroups: directories to ids and back, and paths that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map/cgroup.h"

static char root[PATH_MAX];
static char name[64]; /* of the cgroup of this test */
static char path[PATH_MAX + 64];

static int make_cgroup(void **state)
{
	(void)state;
	snprintf(name, sizeof(name), "elfmap_cgroup_test_%d", (int)getpid());
	snprintf(path, sizeof(path), "%s/%s", root, name);
	return mkdir(path, 0755);
}

static int remove_cgroup(void **state)
{
	(void)state;
	return rmdir(path) && errno != ENOENT;
}

static __u64 id_of(const char *dir)
{
	struct elfmap_msg msg;
	__u64 id = 0;
	int fd = -1;

	if (elfmap_cgroup__open(dir, &fd, &msg) || elfmap_cgroup__id(fd, &id, &msg))
		fail_msg("%s: %s", dir, msg.text);
	close(fd);
	return id;
}

static void test_path_to_id_and_back(void **state)
{
	char found[PATH_MAX];
	struct elfmap_msg msg;
	__u64 id = id_of(path);

	(void)state;
	assert_true(id > 1);
	assert_int_equal(id_of(name), id); /* relative to the root of cgroup2 */
	assert_int_equal(id_of(root), 1);
	assert_int_equal(elfmap_cgroup__path(id, found, sizeof(found), &msg), 0);
	assert_string_equal(found, path);
	assert_int_equal(elfmap_cgroup__path(id, found, strlen(path), &msg), -ENAMETOOLONG);
}

/* A new cgroup of the same name gets another id. */
static void test_removed_cgroup(void **state)
{
	char found[PATH_MAX] = "untouched";
	struct elfmap_msg msg;
	__u64 id = id_of(path);

	(void)state;
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(elfmap_cgroup__path(id, found, sizeof(found), &msg), -ENOENT);
	assert_non_null(strstr(msg.text, "gone"));
	assert_string_equal(found, "untouched");
	assert_int_equal(mkdir(path, 0755), 0);
	assert_int_equal(elfmap_cgroup__path(id, found, sizeof(found), &msg), -ENOENT);
	assert_int_not_equal(id_of(path), id);
}

static void assert_refused(const char *dir, int want, const char *why)
{
	struct elfmap_msg msg = {};
	int fd = -7;

	assert_int_equal(elfmap_cgroup__open(dir, &fd, &msg), want);
	if (!strstr(msg.text, why))
		fail_msg("%s: %s", dir, msg.text);
	assert_int_equal(fd, -7);
}

static void test_refused(void **state)
{
	char file[PATH_MAX + 80], long_name[PATH_MAX + 10];

	(void)state;
	assert_refused("/tmp", -EINVAL, "is not a cgroup of version 2; cgroups of version 2 are below /");
	assert_refused(".", -EINVAL, "is not a cgroup of version 2");
	assert_refused("", -EINVAL, "no name");
	assert_refused("no/such/cgroup", -ENOENT, "mkdir");
	snprintf(file, sizeof(file), "%s/cgroup.procs", path);
	assert_refused(file, -ENOTDIR, "not a directory");
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_refused(long_name, -ENAMETOOLONG, "too long");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_cgroup, remove_cgroup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_path_to_id_and_back),
		TEST(test_removed_cgroup),
		TEST(test_refused),
	};
	struct elfmap_msg msg;

	if (elfmap_cgroup__find(root, sizeof(root), &msg)) {
		printf("1..0 # SKIP %s\n", msg.text);
		return 0;
	}
	return cmocka_run_group_tests_name("cgroups", tests, NULL, NULL);
}
