// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures how fast entries are written and read, against bpftool and against this program itself, called as
 * `map_speed load PIN FILE`: the minimum, which maps a file, parses plain numbers and makes batch calls.
 *
 *   map_speed ELFMAP ROUNDS [TEXT]      the table, or its lines that contain TEXT; in a private bpf file
 *                                       system (tests/sandbox)
 *
 * Measures whole commands, from fork to exit, elfmap and its peer in turn. Ratios are taken within a round.
 * Prints the median of the factor by which elfmap is faster, and (CPU) of the factor of the CPU times. A
 * factor below its limit is marked UNDER, and is not a failure.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "map/map_copy.h"
#include "map/map_write.h"
#include "map/migrate.h"
#include "timing.h"

#define PINS "/sys/fs/bpf/tc/globals/"
#define BATCH 8192
#define MANY 1000000
#define FEW 100000
#define MAX_WORDS 24

static const char *only; /* lines whose names contain this; NULL: all */

static bool is_wanted(const char *name)
{
	return !only || strstr(name, only);
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "map_speed: %s: %s\n", what, strerror(err < 0 ? -err : err));
	return EXIT_FAILURE;
}

/* ---- the limit ------------------------------------------------------------------------------------ */

static __u64 take_number(const char **at)
{
	__u64 number = 0;

	while (**at >= '0' && **at <= '9')
		number = number * 10 + (__u64)(*(*at)++ - '0');
	++*at;
	return number;
}

static int limit_load(int fd, const char *file)
{
	static __u64 keys[BATCH], values[BATCH];
	int from = open(file, O_RDONLY);
	struct stat stat = {};
	const char *at, *end;

	fstat(from, &stat);
	at = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, from, 0);
	if (at == MAP_FAILED)
		return errno;
	for (end = at + stat.st_size; at < end;) {
		__u32 count = 0;

		for (; count < BATCH && at < end; count++) {
			keys[count] = take_number(&at);
			values[count] = take_number(&at);
		}
		if (bpf_map_update_batch(fd, keys, values, &count, NULL))
			return errno;
	}
	return 0;
}

static int limit_read(int fd)
{
	static __u64 keys[2 * BATCH], values[2 * BATCH], mark;
	bool first = true;
	int err = 0;

	for (; !err; first = false) {
		__u32 count = 2 * BATCH;

		err = bpf_map_lookup_batch(fd, first ? NULL : &mark, &mark, keys, values, &count, NULL);
	}
	return err == -ENOENT ? 0 : err;
}

static int run_limit(char **words)
{
	int fd = bpf_obj_get(words[1]);
	int err = fd < 0 ? fd : !strcmp(words[0], "load") ? limit_load(fd, words[2]) : limit_read(fd);

	return err ? fail(words[0], err) : EXIT_SUCCESS;
}

/* ---- maps and files ------------------------------------------------------------------------------- */

static const struct plan {
	const char *name;
	enum bpf_map_type type;
	__u32 key_size;
	__u32 entries;
	__u32 flags;
} plans[] = {
	{"few", BPF_MAP_TYPE_HASH, 8, FEW, 0},
	{"many", BPF_MAP_TYPE_HASH, 8, MANY, 0},
	{"lru", BPF_MAP_TYPE_LRU_HASH, 8, 2 * MANY, 0},
	{"array", BPF_MAP_TYPE_ARRAY, 4, MANY, 0},
	{"shared", BPF_MAP_TYPE_ARRAY, 4, MANY, BPF_F_MMAPABLE},
};
#define NR_PLANS (sizeof(plans) / sizeof(*plans))

static char scratch[] = "/tmp/map_speed.XXXXXX";
static int fds[NR_PLANS];
static int types_fd; /* of numbers of 4 and 8 bytes */

static int make_types(void)
{
	struct btf *btf = btf__new_empty();
	const void *raw;
	__u32 size;

	if (!btf || btf__add_int(btf, "u32", 4, 0) != 1 || btf__add_int(btf, "u64", 8, 0) != 2)
		return fail("types", errno);
	raw = btf__raw_data(btf, &size);
	types_fd = bpf_btf_load(raw, size, NULL);
	btf__free(btf);
	return types_fd < 0 ? fail("types", errno) : EXIT_SUCCESS;
}

/* A new map, which replaces the previous one. Its free elements are on the lists of all CPUs. */
static void renew(unsigned int map)
{
	const struct plan *plan = &plans[map];
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = plan->flags, .btf_fd = (__u32)types_fd,
		    .btf_key_type_id = plan->key_size == 4 ? 1 : 2, .btf_value_type_id = 2);
	char pin[64];

	snprintf(pin, sizeof(pin), PINS "%s", plan->name);
	if (fds[map]) {
		unlink(pin);
		close(fds[map]);
	}
	fds[map] = bpf_map_create(plan->type, plan->name, plan->key_size, 8, plan->entries, &opts);
	if (fds[map] < 0 || bpf_obj_pin(fds[map], pin))
		exit(fail(pin, errno));
}

/* Keys that are spread, unlike counters and addresses: the worst case for caches. */
static __u64 key_of(__u32 i)
{
	return (i * 2654435761ull) & 0xffffffffffffull;
}

static void remove_scratch(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", scratch);
	if (system(command))
		fprintf(stderr, "map_speed: %s stays\n", scratch);
}

static FILE *new_file(const char *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	file = fopen(path, "w");
	if (!file)
		exit(fail(path, errno));
	return file;
}

static void write_bytes(FILE *file, __u64 number, int size)
{
	for (int i = 0; i < size; i++)
		fprintf(file, " %llu", (unsigned long long)(number >> 8 * i & 255));
}

/* COUNT entries for elfmap and the limit (NAME), for bpftool to add (NAME.add) and to delete (NAME.del). */
static void write_files(const char *name, const char *pin, __u32 count, bool is_array)
{
	char add[32], del[32];
	FILE *text, *adding, *deleting;

	snprintf(add, sizeof(add), "%s.add", name);
	snprintf(del, sizeof(del), "%s.del", name);
	text = new_file(name);
	adding = new_file(add);
	deleting = new_file(del);
	for (__u32 i = 0; i < count; i++) {
		__u64 key = is_array ? i : key_of(i);

		fprintf(text, "%llu %u\n", (unsigned long long)key, i);
		fprintf(adding, "map update pinned " PINS "%s key", pin);
		write_bytes(adding, key, is_array ? 4 : 8);
		fputs(" value", adding);
		write_bytes(adding, i, 8);
		fputc('\n', adding);
		fprintf(deleting, "map delete pinned " PINS "%s key", pin);
		write_bytes(deleting, key, 8);
		fputc('\n', deleting);
	}
	fclose(text);
	fclose(adding);
	fclose(deleting);
}

/* Like `many`, except for one entry of a hundred. */
static void write_changed(void)
{
	FILE *text = new_file("changed");

	for (__u32 i = 0; i < MANY; i++)
		fprintf(text, "%llu %u\n", (unsigned long long)key_of(i), i % 100 ? i : i + 1);
	fclose(text);
}

/* ---- before each run ------------------------------------------------------------------------------ */

/* On one CPU: all free elements are then on its list, and other CPUs must take them from there. */
static void empty(unsigned int map)
{
	static __u64 keys[2 * BATCH], values[2 * BATCH], mark;
	bool first = true;

	for (int err = 0; !err; first = false) {
		__u32 count = 2 * BATCH;

		err = bpf_map_lookup_and_delete_batch(fds[map], first ? NULL : &mark, &mark, keys, values, &count,
						      NULL);
	}
}

static void fill(unsigned int map)
{
	static __u64 keys[BATCH], values[BATCH];
	__u32 entries = map ? MANY : FEW;

	for (__u32 next = 0; next < entries;) {
		__u32 count = 0;

		for (; count < BATCH && next < entries; count++, next++) {
			keys[count] = key_of(next);
			values[count] = next;
		}
		bpf_map_update_batch(fds[map], keys, values, &count, NULL);
	}
}

/* ---- one run -------------------------------------------------------------------------------------- */

static long peak_kib; /* of the last command */

struct cost {
	double ms;
	double cpu_ms; /* user and system, of all threads */
};

static double to_ms(const struct timeval *time)
{
	return (double)time->tv_sec * 1e3 + (double)time->tv_usec / 1e3;
}

static struct cost time_command(char **words)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	double start;
	int status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	start = now_ms();
	if (posix_spawnp(&pid, words[0], &actions, NULL, words, environ) || wait4(pid, &status, 0, &usage) < 0)
		exit(fail(words[0], errno));
	start = now_ms() - start;
	posix_spawn_file_actions_destroy(&actions);
	if (status)
		exit(fail(words[0], ECHILD));
	peak_kib = usage.ru_maxrss;
	return (struct cost){.ms = start, .cpu_ms = to_ms(&usage.ru_utime) + to_ms(&usage.ru_stime)};
}

/* A leading "@" of a word is the scratch directory. */
static struct cost run(const char *line, const char *elfmap, const char *self)
{
	char words[512], *argv[MAX_WORDS + 1], paths[MAX_WORDS][64], *rest = words;
	size_t nr = 0;

	snprintf(words, sizeof(words), "%s", line);
	for (char *word; nr < MAX_WORDS && (word = strtok_r(rest, " ", &rest)); nr++) {
		argv[nr] = word;
		if (*word == '@') {
			snprintf(paths[nr], sizeof(paths[nr]), "%s/%s", scratch, word + 1);
			argv[nr] = paths[nr];
		} else if (!strcmp(word, "elfmap")) {
			argv[nr] = (char *)elfmap;
		} else if (!strcmp(word, "limit")) {
			argv[nr] = (char *)self;
		}
	}
	if (!nr)
		exit(fail(line, EINVAL));
	argv[nr] = NULL;
	return time_command(argv);
}

/* ---- the table ------------------------------------------------------------------------------------ */

static const struct row {
	const char *name;
	double limit; /* of the peer's time to elfmap's */
	void (*before)(unsigned int map);
	unsigned int map;  /* in plans[] */
	unsigned int part; /* of the rounds: fewer for slow commands; 0: many times more, for fast ones */
	const char *ours;
	const char *other;
} rows[] = {
	{"load 100,000, hash: raw batches", 0.95, renew, 0, 1, "elfmap map load few @few",
	 "limit load " PINS "few @few"},
	{"load 1,000,000, hash: raw batches", 0.95, renew, 1, 2, "elfmap map load many @many",
	 "limit load " PINS "many @many"},
	{"load 1,000,000, hash emptied: raw batches", 0.95, empty, 1, 2, "elfmap map load many @many",
	 "limit load " PINS "many @many"},
	{"load 1,000,000, lru_hash: raw batches", 0.95, renew, 2, 2, "elfmap map load lru @many",
	 "limit load " PINS "lru @many"},
	{"load 100,000, hash: bpftool batch", 15, renew, 0, 4, "elfmap map load few @few",
	 "bpftool batch file @few.add"},
	{"load 1,000,000, hash: bpftool batch", 12, renew, 1, 20, "elfmap map load many @many",
	 "bpftool batch file @many.add"},
	{"dump 1,000,000 as text: raw look-ups", 0.90, fill, 1, 2, "elfmap map dump many", "limit read " PINS "many"},
	{"dump 1,000,000 as text: bpftool", 6, fill, 1, 8, "elfmap map dump many",
	 "bpftool map dump pinned " PINS "many"},
	{"dump 1,000,000 as JSON: bpftool", 5, fill, 1, 8, "elfmap -j map dump many",
	 "bpftool -j map dump pinned " PINS "many"},
	{"delete 100,000: bpftool batch", 18, fill, 0, 4, "elfmap map clear few", "bpftool batch file @few.del"},
	{"delete 1,000,000: bpftool batch", 18, fill, 1, 20, "elfmap map clear many", "bpftool batch file @many.del"},
	{"replace 1 % of 1,000,000: our dump", 1 / 1.3, fill, 1, 2, "elfmap map replace many @changed",
	 "elfmap map dump many"},
	{"get: bpftool", 1 / 0.75, NULL, 3, 0, "elfmap map get array 7",
	 "bpftool map lookup pinned " PINS "array key 7 0 0 0"},
	{"set: bpftool", 1 / 0.75, NULL, 3, 0, "elfmap map set array 7 9",
	 "bpftool map update pinned " PINS "array key 7 0 0 0 value 9 0 0 0 0 0 0 0"},
};

static void print_row(const char *name, double ours, double other, double ratio, double cpu, double limit)
{
	/* Compared as printed, with two decimals. */
	printf("  %-44s %9.1f ms %9.1f ms %7.2f ", name, ours, other, ratio);
	if (cpu > 0)
		printf("%7.2f", cpu);
	printf("%*s   %5.2f %s\n", cpu > 0 ? 0 : 7, "", limit, ratio > limit - 0.005 ? "ok" : "UNDER");
	fflush(stdout);
}

static void measure(const struct row *row, unsigned int rounds, const char *elfmap, const char *self)
{
	double *ours, *others, *ratios, *cpu;

	rounds = row->part ? rounds / row->part + 1 : 20 * rounds;
	ours = calloc(4 * rounds, sizeof(*ours));
	if (!ours)
		exit(fail(row->name, ENOMEM));
	others = ours + rounds;
	ratios = others + rounds;
	cpu = ratios + rounds;
	for (unsigned int i = 0; i < rounds; i++) {
		struct cost costs[2];

		for (unsigned int turn = 0; turn < 2; turn++) {
			bool is_ours = turn ^ (i & 1);

			if (row->before)
				row->before(row->map);
			costs[is_ours] = run(is_ours ? row->ours : row->other, elfmap, self);
		}
		ours[i] = costs[1].ms;
		others[i] = costs[0].ms;
		ratios[i] = costs[0].ms / costs[1].ms;
		cpu[i] = costs[0].cpu_ms / costs[1].cpu_ms;
	}
	print_row(row->name, median(ours, rounds), median(others, rounds), median(ratios, rounds), median(cpu, rounds),
		  row->limit);
	free(ours);
}

/* ---- within one process, without parsing of text ------------------------------------------------ */

static __u64 wide_keys[MANY], values[MANY];
static __u32 narrow_keys[MANY];

static double time_update(unsigned int map, unsigned int threads)
{
	struct elfmap_reader reader;
	struct elfmap_job job = {.map = &reader, .max_threads = threads};
	struct elfmap_msg msg;
	char pin[64];
	double start;

	renew(map);
	snprintf(pin, sizeof(pin), PINS "%s", plans[map].name);
	if (elfmap_reader__open_for(pin, ELFMAP_READ_WRITE, NULL, &reader, &msg))
		exit(fail(pin, EINVAL));
	start = now_ms();
	if (elfmap_job__update(&job, plans[map].key_size == 4 ? (const void *)narrow_keys : wide_keys, values, MANY,
			       &msg)) {
		fprintf(stderr, "map_speed: %s\n", msg.text);
		exit(EXIT_FAILURE);
	}
	start = now_ms() - start;
	elfmap_reader__close(&reader);
	return start;
}

static double time_batches(unsigned int map)
{
	double start;

	renew(map);
	start = now_ms();
	for (__u32 next = 0, count; next < MANY; next += count) {
		count = MANY - next < BATCH ? MANY - next : BATCH;
		if (bpf_map_update_batch(fds[map], narrow_keys + next, values + next, &count, NULL))
			exit(fail("batch", errno));
	}
	return now_ms() - start;
}

#define MOST_ROUNDS 255

/* Two threads compared with one; or shared memory compared with batches. */
static void measure_update(const char *name, unsigned int map, bool is_shared, unsigned int rounds, double limit)
{
	double ours[MOST_ROUNDS], others[MOST_ROUNDS], ratios[MOST_ROUNDS];

	if (!is_wanted(name))
		return;
	for (unsigned int i = 0; i < rounds; i++) {
		ours[i] = time_update(map, 0);
		others[i] = is_shared ? time_batches(map) : time_update(map, 1);
		ratios[i] = others[i] / ours[i];
	}
	print_row(name, median(ours, rounds), median(others, rounds), median(ratios, rounds), 0, limit);
}

static void measure_updates(unsigned int rounds)
{
	for (__u32 i = 0; i < MANY; i++) {
		wide_keys[i] = key_of(i);
		narrow_keys[i] = i;
		values[i] = i;
	}
	rounds = rounds < MOST_ROUNDS ? rounds : MOST_ROUNDS;
	measure_update("write 1,000,000, hash: one thread", 1, false, rounds, 1.7);
	measure_update("write 1,000,000, lru_hash: one thread", 2, false, rounds, 1.7);
	measure_update("write 1,000,000, array: one thread", 3, false, rounds, 1.7);
	measure_update("write 1,000,000, shared array: raw batches", 4, true, rounds, 4);
}

/* ---- conversion of entries, compared with a copy ----------------------------------------------------------------- */

/* struct old { u64 a; u32 b, gone; }, struct new { u64 fresh, b, a; } */
static int make_structs(__u32 *ret_old, __u32 *ret_new)
{
	struct btf *btf = btf__new_empty();
	int u32_type = btf__add_int(btf, "u32", 4, 0), u64_type = btf__add_int(btf, "u64", 8, 0), fd;
	const void *raw;
	__u32 size;

	*ret_old = (__u32)btf__add_struct(btf, "old", 16);
	btf__add_field(btf, "a", u64_type, 0, 0);
	btf__add_field(btf, "b", u32_type, 64, 0);
	btf__add_field(btf, "gone", u32_type, 96, 0);
	*ret_new = (__u32)btf__add_struct(btf, "new", 24);
	btf__add_field(btf, "fresh", u64_type, 0, 0);
	btf__add_field(btf, "b", u64_type, 64, 0);
	btf__add_field(btf, "a", u64_type, 128, 0);
	raw = btf__raw_data(btf, &size);
	fd = raw ? bpf_btf_load(raw, size, NULL) : -ENOMEM;
	btf__free(btf);
	if (fd < 0)
		exit(fail("types", fd));
	return fd;
}

static void open_struct_map(int btf, __u32 type, __u32 value_size, struct elfmap_reader *ret_reader)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_fd = (__u32)btf, .btf_key_type_id = 2, .btf_value_type_id = type);
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "structs", 8, value_size, MANY, &opts);
	struct elfmap_msg msg;

	if (fd < 0 || elfmap_reader__open_fd(fd, "structs", NULL, ret_reader, &msg))
		exit(fail("structs", fd < 0 ? fd : EINVAL));
	close(fd);
}

static double time_carry(const struct elfmap_reader *from, int btf, __u32 type, __u32 value_size)
{
	struct elfmap_migration migration;
	struct elfmap_reader to;
	struct elfmap_msg msg;
	double start;
	int err;

	open_struct_map(btf, type, value_size, &to);
	start = now_ms();
	err = elfmap_migration__plan(from, &to, &migration, &msg) ?: elfmap_migration__run(&migration, &msg);
	if (err)
		exit(fail(msg.text, err));
	start = now_ms() - start;
	elfmap_migration__free(&migration);
	elfmap_reader__close(&to);
	return start;
}

static void measure_migration(unsigned int rounds)
{
	double ours[MOST_ROUNDS], others[MOST_ROUNDS], ratios[MOST_ROUNDS];
	const char *name = "migrate 1,000,000, hash: plain copy";
	__u32 old, new;
	struct elfmap_reader from;
	struct elfmap_job job = {.map = &from};
	struct elfmap_msg msg;
	__u64 *structs;
	int btf;

	if (!is_wanted(name))
		return;
	btf = make_structs(&old, &new);
	open_struct_map(btf, old, 16, &from);
	structs = calloc(MANY, 16);
	if (!structs || elfmap_job__update(&job, wide_keys, structs, MANY, &msg))
		exit(fail(name, ENOMEM));
	free(structs);
	rounds = rounds / 2 + 1 < MOST_ROUNDS ? rounds / 2 + 1 : MOST_ROUNDS;
	for (unsigned int i = 0; i < rounds; i++) {
		ours[i] = time_carry(&from, btf, new, 24);
		others[i] = time_carry(&from, btf, old, 16);
		ratios[i] = others[i] / ours[i];
	}
	print_row(name, median(ours, rounds), median(others, rounds), median(ratios, rounds), 0, 0.5);
	elfmap_reader__close(&from);
	close(btf);
}

static void measure_memory(const char *elfmap, const char *self)
{
	static const char *const lines[] = {"elfmap map load many @many", "elfmap map dump many",
					    "elfmap map replace many @changed"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		run(lines[i], elfmap, self);
		printf("  %-44s %9ld KiB of %d   %s\n", lines[i], peak_kib, 64 << 10,
		       peak_kib < 64 << 10 ? "ok" : "OVER");
	}
}

int main(int argc, char **argv)
{
	unsigned int rounds;

	if (argc > 2 && (!strcmp(argv[1], "load") || !strcmp(argv[1], "read")))
		return run_limit(argv + 1);
	only = argc > 3 ? argv[3] : NULL;
	rounds = argc >= 3 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;
	if (!rounds) {
		fputs("usage: map_speed ELFMAP ROUNDS [TEXT]\n", stderr);
		return 2;
	}
	setpriority(PRIO_PROCESS, 0, -20); /* so that other processes do not run in between */
	if (!mkdtemp(scratch))
		return fail(scratch, errno);
	atexit(remove_scratch);
	mkdir("/sys/fs/bpf/tc", 0700);
	mkdir("/sys/fs/bpf/tc/globals", 0700);
	if (make_types())
		return EXIT_FAILURE;
	for (unsigned int i = 0; i < NR_PLANS; i++)
		renew(i);
	write_files("few", "few", FEW, false);
	write_files("many", "many", MANY, false);
	write_files("array", "array", MANY, true);
	write_changed();
	printf("  %-44s %12s %12s %7s %7s   %5s\n", "", "ours", "other", "times", "(CPU)", "limit");
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (is_wanted(rows[i].name))
			measure(&rows[i], rounds, argv[1], argv[0]);
	if (!only)
		measure_memory(argv[1],
			       argv[0]); /* first, with little memory: a child's peak is at least its parent's size */
	measure_updates(rounds);
	measure_migration(rounds);
	return EXIT_SUCCESS;
}
