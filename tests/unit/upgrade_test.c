// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * load, attach and upgrade within one process, which detects leaks of descriptors and memory that the end of a command
 * would hide: in many rounds, and with each descriptor in turn being one too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "hook/attachment.h"
#include "pins/pin_change.h"
#include "upgrade/upgrade.h"

#define TC_DIR "/sys/fs/bpf/tc"
#define MOST_DESCRIPTORS 200

struct pipeline {
	char dir[32];
	char file[48]; /* a link to the next version */
};

/* ---- state ------------------------------------------------------------------------------------------- */

static int count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int nr = 0;

	assert_non_null(directory);
	while (readdir(directory))
		nr++;
	closedir(directory);
	return nr;
}

/* Starts with the request for the complete state. */
static int start(const struct pipeline *pipeline, struct elfmap_attachment *attachment, struct elfmap_msg *msg)
{
	const struct elfmap_attach_request request = {
		.what = pipeline->file,
		.section = "ingress",
		.dev = "lo",
		.kind = elfmap_hook_kind__find("filter"),
		.direction = ELFMAP_INGRESS,
	};

	return elfmap_attachment__init(&request, -1, TC_DIR, attachment, msg);
}

static __u32 running(const struct pipeline *pipeline)
{
	struct elfmap_attachment attachment;
	struct elfmap_hook there = {};

	assert_int_equal(start(pipeline, &attachment, NULL), 0);
	return elfmap_hook__find(&attachment.wanted, &there, NULL) ? 0 : there.prog;
}

/* The next version is tests/testdata/generation_NAME.o. */
static void set_version(const struct pipeline *pipeline, const char *name)
{
	const char *build = getenv("BUILD");
	char path[PATH_MAX], whole[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tests/testdata/generation_%s.o", build ? build : "build", name);
	assert_non_null(realpath(path, whole));
	unlink(pipeline->file);
	assert_int_equal(symlink(whole, pipeline->file), 0);
}

/* ---- steps -------------------------------------------------------------------------------------------------- */

static int attach(const struct pipeline *pipeline, struct elfmap_msg *msg)
{
	struct elfmap_attachment attachment;
	int err = start(pipeline, &attachment, msg);

	if (err)
		return err;
	err = elfmap_attachment__open(&attachment, true, msg);
	err = err ?: elfmap_attachment__attach(&attachment, msg);
	elfmap_attachment__close(&attachment, !err);
	return err;
}

static int upgrade(const struct pipeline *pipeline, struct elfmap_msg *msg)
{
	const struct elfmap_upgrade_opts opts = {.tc_dir = TC_DIR};
	struct elfmap_upgrade done = {};
	int err = elfmap_upgrade__run(pipeline->file, &opts, &done, msg);

	elfmap_upgrade__free(&done);
	return err;
}

static int roll_back(const struct pipeline *pipeline, struct elfmap_msg *msg)
{
	struct elfmap_upgrade done = {};
	const struct elfmap_upgrade_opts opts = {.tc_dir = TC_DIR};
	int err = elfmap_upgrade__rollback(pipeline->file, &opts, &done, msg);

	elfmap_upgrade__free(&done);
	return err;
}

static int forget(const struct pipeline *pipeline, struct elfmap_msg *msg)
{
	struct elfmap_upgrade done = {};
	const struct elfmap_upgrade_opts opts = {.tc_dir = TC_DIR};
	int err = elfmap_upgrade__forget(pipeline->file, &opts, &done, msg);

	elfmap_upgrade__free(&done);
	return err;
}

typedef int pipeline_step(const struct pipeline *pipeline, struct elfmap_msg *msg);

static void take(pipeline_step *step, const struct pipeline *pipeline)
{
	struct elfmap_msg msg = {};

	if (step(pipeline, &msg))
		fail_msg("%s", msg.text);
}

/* Runs STEP with a low limit of descriptors, which grows by one each time until STEP succeeds. Each failure has a
 * reason, and changes nothing. */
static void take_when_there_is_room(pipeline_step *step, const struct pipeline *pipeline)
{
	__u32 before = running(pipeline);
	int used = count_descriptors(), failed = 0, err = -EMFILE;
	struct rlimit limit, tight;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	for (int room = 0; err && room < MOST_DESCRIPTORS; room++) {
		struct elfmap_msg msg = {};

		tight = (struct rlimit){.rlim_cur = (rlim_t)(3 + room), .rlim_max = limit.rlim_max};
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
		err = step(pipeline, &msg);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
		assert_int_equal(count_descriptors(), used);
		if (!err)
			break;
		failed++;
		assert_true(*msg.text);
		assert_int_equal(running(pipeline), before);
	}
	assert_int_equal(err, 0);
	assert_true(failed > 1);
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));

	assert_non_null(pipeline);
	strcpy(pipeline->dir, "/tmp/upgrade_test.XXXXXX");
	assert_non_null(mkdtemp(pipeline->dir));
	snprintf(pipeline->file, sizeof(pipeline->file), "%s/gen.o", pipeline->dir);
	*state = pipeline;
	return 0;
}

static int take_down(void **state)
{
	struct pipeline *pipeline = *state;

	assert_int_equal(system("tc qdisc del dev lo clsact"), 0);
	elfmap_pin__remove_directory(TC_DIR);
	assert_int_equal(access(TC_DIR, F_OK), -1);
	unlink(pipeline->file);
	rmdir(pipeline->dir);
	free(pipeline);
	return 0;
}

static void test_rounds_leave_nothing(void **state)
{
	const struct pipeline *pipeline = *state;
	int used = count_descriptors();

	for (int i = 0; i < 20; i++) {
		set_version(pipeline, "1");
		take(attach, pipeline);
		set_version(pipeline, "2");
		take(upgrade, pipeline);
		take(roll_back, pipeline);
		take(forget, pipeline);
		assert_int_equal(count_descriptors(), used);
	}
}

static void test_too_few_descriptors(void **state)
{
	const struct pipeline *pipeline = *state;

	set_version(pipeline, "1");
	take_when_there_is_room(attach, pipeline);
	set_version(pipeline, "2_large"); /* its state is copied */
	take_when_there_is_room(upgrade, pipeline);
	take_when_there_is_room(roll_back, pipeline);
	take(forget, pipeline);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rounds_leave_nothing, set_up, take_down),
		cmocka_unit_test_setup_teardown(test_too_few_descriptors, set_up, take_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
