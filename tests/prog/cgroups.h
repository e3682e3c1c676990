/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups for the tests of the cgroup filters: TOP, LEAF below it, OTHER next to TOP. The test runs in LEAF, so
 * its packets belong to LEAF (a test run's packet belongs to the calling process). All functions assert.
 */
#ifndef CGROUPS_H
#define CGROUPS_H

#include <linux/types.h>

enum test_cgroup {
	TOP,
	LEAF,
	OTHER,
	TEST_CGROUPS,
};

/* Makes the cgroups and runs TESTS in LEAF, in a child process, so that the cgroups are always removed. Returns the
 * result of TESTS; without cgroups it prints a TAP "skip" and returns 0. */
int cgroups__run(int (*tests)(void));

/* The caller closes. */
int cgroups__open(enum test_cgroup cgroup);
__u64 cgroups__id(enum test_cgroup cgroup);

#endif
