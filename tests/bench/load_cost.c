// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures complete commands relative to the first of them.
 *
 *   load_cost ROUNDS [-r PATH]... {-- NAME TARGET [VARIABLE=VALUE]... COMMAND [ARGUMENT]...}...
 *
 * Each round runs every command once, in random order, on one CPU. Ratios are taken within a round, so
 * that a change of the machine's speed affects both sides. Prints the medians of the times from start to
 * end, of their ratios, and of the ratios of the CPU times, which are less disturbed by other work.
 * TARGET is the limit of the first ratio; "-": no limit. A ratio above it is reported, and is not a
 * failure. -r removes PATH before each command, such as a pin that is to be created. If a command fails,
 * the program prints its stderr and exits.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "timing.h"

#define WARM_UP 5
#define MAX_VARIANTS 8
#define MAX_REMOVED 8
#define MAX_VARIABLES 4

/* The cost of one run of a command. */
struct cost {
	double ms;
	double cpu_ms; /* user and system */
};

struct variant {
	const char *name;
	double target; /* 0: no limit */
	char **argv;
	char **env;
	struct cost *costs; /* by round */
};

struct bench {
	unsigned int rounds;
	const char *removed[MAX_REMOVED];
	size_t nr_removed;
	struct variant variants[MAX_VARIANTS];
	size_t nr_variants;
	int sink;   /* /dev/null */
	int errors; /* stderr of the last command */
};

/* ---- one command ----------------------------------------------------------------------------------------- */

static double to_ms(const struct timeval *time)
{
	return (double)time->tv_sec * 1e3 + (double)time->tv_usec / 1e3;
}

/* From the start of the process to its end. Returns its wait status, or a negative errno. */
static int time_command(const struct bench *bench, const struct variant *variant, struct cost *ret_cost)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage = {};
	int err, status = 0;
	double start;
	pid_t pid;

	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return -err;
	err = posix_spawn_file_actions_adddup2(&actions, bench->sink, STDOUT_FILENO);
	err = err ?: posix_spawn_file_actions_adddup2(&actions, bench->errors, STDERR_FILENO);
	start = now_ms();
	err = err ?: posix_spawnp(&pid, variant->argv[0], &actions, NULL, variant->argv, variant->env);
	if (!err && wait4(pid, &status, 0, &usage) < 0)
		err = errno;
	ret_cost->ms = now_ms() - start;
	ret_cost->cpu_ms = to_ms(&usage.ru_utime) + to_ms(&usage.ru_stime);
	posix_spawn_file_actions_destroy(&actions);
	return err ? -err : status;
}

static int complain(const struct bench *bench, const struct variant *variant, int status)
{
	char text[4096];
	ssize_t length = pread(bench->errors, text, sizeof(text), 0);

	if (status < 0)
		fprintf(stderr, "load_cost: %s: %s: %s\n", variant->name, variant->argv[0], strerror(-status));
	else
		fprintf(stderr, "load_cost: %s: %s failed (wait status 0x%x):\n", variant->name, variant->argv[0],
			(unsigned int)status);
	fwrite(text, 1, length > 0 ? (size_t)length : 0, stderr);
	return -ECHILD;
}

static int run_variant(struct bench *bench, struct variant *variant, struct cost *ret_cost)
{
	int status;

	for (size_t i = 0; i < bench->nr_removed; i++)
		if (unlink(bench->removed[i]) && errno != ENOENT) {
			fprintf(stderr, "load_cost: %s: %s\n", bench->removed[i], strerror(errno));
			return -errno;
		}
	if (ftruncate(bench->errors, 0) || lseek(bench->errors, 0, SEEK_SET))
		return -errno;
	status = time_command(bench, variant, ret_cost);
	return status ? complain(bench, variant, status) : 0;
}

/* ---- all commands ------------------------------------------------------------------------------------------ */

static int run_rounds(struct bench *bench)
{
	size_t order[MAX_VARIANTS] = {};
	int err;

	for (size_t i = 0; i < bench->nr_variants; i++)
		order[i] = i;
	for (unsigned int round = 0; round < WARM_UP + bench->rounds; round++) {
		shuffle(order, bench->nr_variants);
		for (size_t i = 0; i < bench->nr_variants; i++) {
			struct variant *variant = &bench->variants[order[i]];
			struct cost cost;

			err = run_variant(bench, variant, &cost);
			if (err)
				return err;
			if (round >= WARM_UP)
				variant->costs[round - WARM_UP] = cost;
		}
	}
	return 0;
}

/* The median over all rounds of VARIANT's cost, divided by PEER's of the same round if PEER is given. */
static double summarize(const struct bench *bench, const struct variant *variant, const struct variant *peer,
			double (*of)(const struct cost *), double *scratch)
{
	for (size_t round = 0; round < bench->rounds; round++)
		scratch[round] = of(&variant->costs[round]) / (peer ? of(&peer->costs[round]) : 1);
	return median(scratch, bench->rounds);
}

static double whole(const struct cost *cost)
{
	return cost->ms;
}

static double cpu(const struct cost *cost)
{
	return cost->cpu_ms;
}

static int report(const struct bench *bench)
{
	double *scratch = calloc(bench->rounds, sizeof(*scratch));
	const struct variant *peer = &bench->variants[0];

	if (!scratch)
		return -ENOMEM;
	for (size_t i = 0; i < bench->nr_variants; i++) {
		const struct variant *variant = &bench->variants[i];
		double ratio = summarize(bench, variant, peer, whole, scratch);

		printf("  %-44s %7.3f ms %6.2f %6.2f", variant->name, summarize(bench, variant, NULL, whole, scratch),
		       ratio, summarize(bench, variant, peer, cpu, scratch));
		/* Compared as printed, with two decimals. */
		if (variant->target > 0)
			printf("   %.2f %s", variant->target, ratio < variant->target + 0.005 ? "ok" : "OVER");
		putchar('\n');
	}
	free(scratch);
	return 0;
}

/* ---- the command line ---------------------------------------------------------------------------------------- */

/* The environment, preceded by the variables at the start of ARGV: the first of a name counts. */
static int take_variables(struct variant *variant)
{
	size_t nr = 0, kept = 0;

	while (environ[nr])
		nr++;
	variant->env = calloc(nr + MAX_VARIABLES + 1, sizeof(*variant->env));
	if (!variant->env)
		return -ENOMEM;
	while (variant->argv[0] && strchr(variant->argv[0], '=') && kept < MAX_VARIABLES)
		variant->env[kept++] = *variant->argv++;
	memcpy(variant->env + kept, environ, nr * sizeof(*variant->env));
	return variant->argv[0] ? 0 : -EINVAL;
}

/* Parses "-- NAME TARGET COMMAND ..." at *WORDS, and moves it to the next "--" or the end. */
static int take_variant(struct bench *bench, char ***words)
{
	struct variant *variant = &bench->variants[bench->nr_variants];
	char **word = *words;

	if (bench->nr_variants == MAX_VARIANTS || strcmp(word[0], "--") != 0 || !word[1] || !word[2])
		return -EINVAL;
	variant->name = word[1];
	variant->target = strtod(word[2], NULL);
	variant->argv = word + 3;
	word[0] = NULL; /* ends the previous command */
	for (word += 3; *word && strcmp(*word, "--") != 0;)
		word++;
	*words = word;
	variant->costs = calloc(bench->rounds, sizeof(*variant->costs));
	bench->nr_variants++;
	return variant->costs ? 0 : -ENOMEM;
}

static int take_arguments(struct bench *bench, char **words)
{
	int err = 0;

	bench->rounds = words[0] ? (unsigned int)strtoul(words[0], NULL, 10) : 0;
	if (!bench->rounds)
		return -EINVAL;
	for (words++; words[0] && !strcmp(words[0], "-r") && words[1]; words += 2) {
		if (bench->nr_removed == MAX_REMOVED)
			return -EINVAL;
		bench->removed[bench->nr_removed++] = words[1];
	}
	while (!err && *words)
		err = take_variant(bench, &words);
	for (size_t i = 0; !err && i < bench->nr_variants; i++)
		err = take_variables(&bench->variants[i]);
	return err || bench->nr_variants ? err : -EINVAL;
}

/* Uses the last allowed CPU, since the first one serves more interrupts, with high priority if permitted:
 * a time slice of another process is longer than any measured command. */
static int stay_on_one_cpu(void)
{
	cpu_set_t set, one;

	if (sched_getaffinity(0, sizeof(set), &set))
		return -errno;
	CPU_ZERO(&one);
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0 && !CPU_COUNT(&one); cpu--)
		if (CPU_ISSET(cpu, &set))
			CPU_SET(cpu, &one);
	setpriority(PRIO_PROCESS, 0, -20);
	return sched_setaffinity(0, sizeof(one), &one) ? -errno : 0;
}

static int measure(struct bench *bench)
{
	int err;

	bench->sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
	bench->errors = memfd_create("stderr", MFD_CLOEXEC);
	err = bench->sink < 0 || bench->errors < 0 ? -errno : stay_on_one_cpu();
	err = err ?: run_rounds(bench);
	err = err ?: report(bench);
	if (err && err != -ECHILD)
		fprintf(stderr, "load_cost: %s\n", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct bench bench = {};
	int err = take_arguments(&bench, argv + (argc > 0)), status = 2;

	if (err)
		fputs("usage: load_cost ROUNDS [-r PATH]... {-- NAME TARGET|- [VARIABLE=VALUE]... COMMAND...}...\n",
		      stderr);
	else
		status = measure(&bench);
	for (size_t i = 0; i < bench.nr_variants; i++) {
		free(bench.variants[i].costs);
		free(bench.variants[i].env);
	}
	return status;
}
