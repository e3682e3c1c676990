/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups for the tests of the cgroup filters: TOP, LEAF below it, OTHER beside it. The test runs in LEAF, so
 * its packets do (a test run's packet belongs to the process that asks for it). Everything asserts.
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

/* Makes the cgroups, and runs TESTS in LEAF, in a process of its own, so that they go however it ends. Returns
 * what TESTS returned; a TAP "skip" and 0 where there can be no cgroups. */
int cgroups__run(int (*tests)(void));

/* The caller closes. */
int cgroups__open(enum test_cgroup cgroup);
__u64 cgroups__id(enum test_cgroup cgroup);

#endif
