// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures loading of whole objects within one process: reading, transcoding, maps, verification, slots. The time of
 * whole commands is mostly the start of a process.
 *
 *   object_cost [ROUNDS]
 *
 * Each round loads every object once; the minimum of all rounds counts. The number of instructions that the verifier
 * walked shows the part of the programs themselves.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../prog/classifier.h"
#include "../prog/test.h"
#include "timing.h"

static struct load {
	const char *name;
	const char *object;
	double ms; /* the minimum so far */
	__u32 programs;
	__u32 walked; /* instructions processed by the verifier */
} loads[] = {
	{"sockex3 port", "tests/bench/peers/sockex3.o", 0, 0, 0},
	{"parser", "tc-progs/parser.o", 0, 0, 0},
	{"parser's maps, empty programs", "tests/bench/peers/parser_empty.o", 0, 0, 0},
	{"dst_stats", "tc-progs/dst_stats.o", 0, 0, 0},
	{"cgroup_filter", "tc-progs/cgroup_filter.o", 0, 0, 0},
	{"cgroup_id_filter", "tc-progs/cgroup_id_filter.o", 0, 0, 0},
	{"l2_redirect", "tc-progs/l2_redirect.o", 0, 0, 0},
};

#define NR_LOADS (sizeof(loads) / sizeof(*loads))

static void ask_verifier(struct load *load, const struct classifier *classifier)
{
	struct bpf_program *program;

	load->programs = load->walked = 0;
	bpf_object__for_each_program (program, classifier->object) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			fail_msg("%s: %s", load->object, strerror(errno));
		load->programs++;
		load->walked += info.verified_insns;
	}
}

static void measure(struct load *load)
{
	struct classifier classifier = {};
	double start = now_ms(), ms;

	classifier__load(&classifier, load->object);
	ms = now_ms() - start;
	if (!load->ms || ms < load->ms)
		load->ms = ms;
	ask_verifier(load, &classifier);
	classifier__unload(&classifier);
}

int main(int argc, char **argv)
{
	unsigned int rounds = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 40;

	for (unsigned int round = 0; round < rounds || !round; round++)
		for (size_t i = 0; i < NR_LOADS; i++)
			measure(&loads[i]);
	printf("  %-44s %8s %8s %10s\n", "", "programs", "walked", "ms");
	for (size_t i = 0; i < NR_LOADS; i++)
		printf("  %-44s %8u %8u %10.2f  %5.2f of %s\n", loads[i].name, loads[i].programs, loads[i].walked,
		       loads[i].ms, loads[i].ms / loads[0].ms, loads[0].name);
	return EXIT_SUCCESS;
}
