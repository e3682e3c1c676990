// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures loading and attaching within one process: open, load and attach of elfmap's library against those of libbpf,
 * for the same object. For information also for a legacy object, which libbpf refuses, and for the output of `elfmap
 * convert`, which has more BTF.
 *
 *   attach_cost ROUNDS DEV MODERN LEGACY CONVERTED     DEV has a clsact; in a bpf file system of its own
 *
 * Each variant attaches a new filter; removing it is not measured. Each round runs every variant once, in random order.
 * Ratios are taken within a round, and medians are printed. A ratio above its limit is reported, and is not a failure.
 * A variant that does not load is.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/hook.h"
#include "load/load.h"
#include "timing.h"

#define TC_DIR "/sys/fs/bpf/tc"
#define GLOBALS TC_DIR "/globals"
#define SECTION "classifier"
#define WARM_UP 5
#define LIMIT 1.10

struct place {
	int ifindex;
	const char *file;
};

/* What a variant has loaded and attached: one of the two. */
struct held {
	struct bpf_object *bpf;
	struct elfmap_load *load;
};

struct variant {
	const char *name;
	int (*run)(const struct place *place, struct held *ret_held);
	enum { MODERN, LEGACY, CONVERTED, NR_FILES } file;
	bool has_limit;
	double *us; /* by round */
};

static int fail(const char *file, const char *why)
{
	fprintf(stderr, "attach_cost: %s: %s\n", file, why);
	return -ECHILD;
}

/* ---- libbpf ------------------------------------------------------------------------------------------------ */

static int run_libbpf(const struct place *place, struct held *ret_held)
{
	LIBBPF_OPTS(bpf_object_open_opts, how, .pin_root_path = GLOBALS);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = place->ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 1, .priority = 1);
	struct bpf_object *bpf = bpf_object__open_file(place->file, &how);
	struct bpf_program *prog;
	int err;

	if (!bpf)
		return fail(place->file, strerror(errno));
	prog = bpf_object__next_program(bpf, NULL);
	bpf_program__set_type(prog, BPF_PROG_TYPE_SCHED_CLS);
	err = bpf_object__load(bpf);
	if (!err) {
		err = bpf_tc_hook_create(&hook);
		err = err == -EEXIST ? 0 : err;
	}
	filter.prog_fd = bpf_program__fd(prog);
	err = err ?: bpf_tc_attach(&hook, &filter);
	ret_held->bpf = bpf;
	return err ? fail(place->file, strerror(-err)) : 0;
}

/* ---- elfmap -------------------------------------------------------------------------------------------------- */

static struct elfmap_hook describe(const struct place *place)
{
	return (struct elfmap_hook){.kind = elfmap_hook_kind__find("filter"),
				    .netns = -1,
				    .ifindex = place->ifindex,
				    .direction = ELFMAP_INGRESS,
				    .prio = 1,
				    .handle = 1,
				    .name = "bench.o:[" SECTION "]",
				    .is_direct = true};
}

static int run_ours(const struct place *place, struct held *ret_held)
{
	const struct elfmap_load_opts how = {.tc_dir = TC_DIR, .section = SECTION, .type = BPF_PROG_TYPE_SCHED_CLS};
	struct elfmap_hook hook = describe(place), attached;
	struct elfmap_load *load = NULL;
	struct elfmap_msg msg = {};
	int err;

	err = elfmap_load__run(place->file, &how, NULL, &load, &msg);
	if (err)
		return fail(place->file, msg.text);
	ret_held->load = load;
	err = elfmap_hook__attach(&hook, bpf_program__fd(elfmap_load__find_prog(load, SECTION)->bpf), &attached, &msg);
	return err ? fail(place->file, msg.text) : 0;
}

/* ---- rounds ------------------------------------------------------------------------------------------------ */

static int take_away(const struct place *place, struct held *held)
{
	const struct elfmap_hook hook = describe(place);
	struct elfmap_msg msg = {};
	struct elfmap_hook gone;
	int err = elfmap_hook__detach(&hook, &gone, &msg);

	bpf_object__close(held->bpf);
	if (held->load)
		elfmap_load__keep(held->load);
	elfmap_load__free(held->load);
	return err ? fail("the filter that was made", msg.text) : 0;
}

static int time_variant(const struct variant *variant, const struct place *place, bool anew, double *ret_us)
{
	struct held held = {};
	double start;
	int err;

	if (anew) {
		unlink(GLOBALS "/load_flows");
		unlink(GLOBALS "/load_total");
	}
	start = now_ns();
	err = variant->run(place, &held);
	*ret_us = (now_ns() - start) / 1e3;
	return err ?: take_away(place, &held);
}

static struct variant variants[] = {
	{.name = "libbpf: open, load, bpf_tc_attach", .run = run_libbpf, .file = MODERN},
	{.name = "ours: open, load, attach; the same object", .run = run_ours, .file = MODERN, .has_limit = true},
	{.name = "libbpf: a converted object", .run = run_libbpf, .file = CONVERTED},
	{.name = "ours: the legacy object", .run = run_ours, .file = LEGACY},
};
#define NR_VARIANTS (sizeof(variants) / sizeof(*variants))

/* Ratios first: computing a median sorts the rounds. */
static void report(size_t rounds)
{
	double ratios[NR_VARIANTS], *scratch = calloc(rounds, sizeof(*scratch));

	for (size_t i = 0; scratch && i < NR_VARIANTS; i++) {
		for (size_t round = 0; round < rounds; round++)
			scratch[round] = variants[i].us[round] / variants[0].us[round];
		ratios[i] = median(scratch, rounds);
	}
	for (size_t i = 0; scratch && i < NR_VARIANTS; i++) {
		printf("  %-44s %7.1f us %6.2f", variants[i].name, median(variants[i].us, rounds), ratios[i]);
		if (variants[i].has_limit) /* compared as printed, with two decimals */
			printf("   limit %.2f: %s", LIMIT, ratios[i] < LIMIT + 0.005 ? "ok" : "OVER");
		putchar('\n');
	}
	free(scratch);
}

static int measure(size_t rounds, struct place place, char **files, bool anew)
{
	size_t order[NR_VARIANTS];
	int err = 0;

	for (size_t i = 0; i < NR_VARIANTS; i++)
		order[i] = i;
	for (size_t round = 0; !err && round < rounds + WARM_UP; round++) {
		shuffle(order, NR_VARIANTS);
		for (size_t i = 0; !err && i < NR_VARIANTS; i++) {
			const struct variant *variant = &variants[order[i]];
			double us;

			place.file = files[variant->file];
			err = time_variant(variant, &place, anew, &us);
			if (round >= WARM_UP)
				variant->us[round - WARM_UP] = us;
		}
	}
	if (!err)
		report(rounds);
	return err;
}

/* Uses the last allowed CPU, with high priority. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set, one;

	CPU_ZERO(&one);
	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && !CPU_COUNT(&one); cpu--)
		if (CPU_ISSET(cpu, &set))
			CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
	setpriority(PRIO_PROCESS, 0, -20);
}

static int be_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int main(int argc, char **argv)
{
	size_t rounds = argc == 3 + NR_FILES ? strtoul(argv[1], NULL, 10) : 0;
	struct place place = {.ifindex = argc == 3 + NR_FILES ? (int)if_nametoindex(argv[2]) : 0};
	int err = 0;

	if (!rounds || !place.ifindex)
		return fputs("usage: attach_cost ROUNDS DEV MODERN LEGACY CONVERTED\n", stderr), 2;
	for (size_t i = 0; i < NR_VARIANTS; i++) {
		variants[i].us = calloc(rounds, sizeof(double));
		err = err ?: variants[i].us ? 0 : fail(argv[0], "no memory");
	}
	libbpf_set_print(be_silent); /* bpf_tc_hook_create() warns if the clsact exists */
	stay_on_one_cpu();
	mkdir(TC_DIR, 0700); /* libbpf makes only the last directory */
	mkdir(GLOBALS, 0700);
	if (!err)
		puts(" pins exist");
	err = err ?: measure(rounds, place, argv + 3, false);
	if (!err)
		puts(" pins are created");
	err = err ?: measure(rounds, place, argv + 3, true);
	for (size_t i = 0; i < NR_VARIANTS; i++)
		free(variants[i].us);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
