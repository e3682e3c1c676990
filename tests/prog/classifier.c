// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See classifier.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classifier.h"
#include "object/object.h"
#include "test.h"

/* The description of the object is kept for its slots; it points into the bytes of the file. */
static void read_and_transcode(struct classifier *classifier, const char *path, size_t *ret_size)
{
	struct elfmap_msg msg = {};
	size_t size = 0;

	if (elfmap_file__read(path, &classifier->legacy, &size, &msg) ||
	    elfmap_object__read(classifier->legacy, size, &classifier->wanted, &msg) ||
	    elfmap_object__transcode(classifier->wanted, NULL, &classifier->bytes, ret_size, &msg))
		fail_msg("%s: %s", path, msg.text);
}

/* Puts programs of sections "ID/KEY" into the PROG_ARRAY with that id, as tc does. */
static void fill_slots(const struct classifier *classifier)
{
	const struct elfmap_object *wanted = classifier->wanted;

	for (size_t i = 0; i < wanted->nr_progs; i++) {
		const struct elfmap_prog *prog = &wanted->progs[i];
		int map, program;

		if (!prog->is_slot || prog->slot_map < 0)
			continue;
		map = classifier__map(classifier, wanted->maps[prog->slot_map].name);
		program = classifier__program(classifier, prog->section);
		if (bpf_map_update_elem(map, &prog->slot_key, &program, BPF_ANY))
			fail_msg("slot %s: %s", prog->section, strerror(errno));
	}
}

/* Omits libbpf's messages about sections that it does not know. */
static int print_warnings(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

void classifier__load(struct classifier *classifier, const char *path)
{
	const char *build = getenv("BUILD") ?: "build";
	struct bpf_program *program;
	char full[4096];
	size_t size = 0;
	int err;

	libbpf_set_print(print_warnings);
	snprintf(full, sizeof(full), "%s/%s", build, path);
	read_and_transcode(classifier, full, &size);
	classifier->object = bpf_object__open_mem(classifier->bytes, size, NULL);
	if (!classifier->object)
		fail_msg("%s: not opened: %s", full, strerror(errno));
	bpf_object__for_each_program (program, classifier->object)
		assert_int_equal(bpf_program__set_type(program, BPF_PROG_TYPE_SCHED_CLS), 0);
	err = bpf_object__load(classifier->object);
	if (err)
		fail_msg("%s: not loaded: %s", full, strerror(-err));
	fill_slots(classifier);
}

void classifier__unload(struct classifier *classifier)
{
	bpf_object__close(classifier->object);
	elfmap_object__free(classifier->wanted);
	free(classifier->bytes);
	free(classifier->legacy);
	*classifier = (struct classifier){};
}

int classifier__program(const struct classifier *classifier, const char *section)
{
	struct bpf_program *program;

	bpf_object__for_each_program (program, classifier->object) {
		if (!strcmp(bpf_program__section_name(program), section))
			return bpf_program__fd(program);
	}
	fail_msg("no section %s", section);
	return -1;
}

int classifier__map(const struct classifier *classifier, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(classifier->object, name);

	if (fd < 0)
		fail_msg("no map %s", name);
	return fd;
}

int classifier__ask(int program, const struct frame *frame, const struct __sk_buff *context)
{
	static _Thread_local __u8 out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->bytes, .data_size_in = frame->size, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = context, .ctx_size_in = context ? sizeof(*context) : 0);
	int err = bpf_prog_test_run_opts(program, &run);

	if (err)
		fail_msg("test run of a frame of %zu bytes: %s", frame->size, strerror(-err));
	assert_int_equal(run.data_size_out, frame->size);
	assert_memory_equal(out, frame->bytes, frame->size);
	return (int)run.retval;
}

void classifier__run(int program, const struct frame *frame, const struct __sk_buff *context)
{
	assert_int_equal(classifier__ask(program, frame, context), TC_ACT_UNSPEC);
}
