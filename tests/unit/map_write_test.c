// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Writing, deleting and clearing maps in the kernel: in batches, with threads, one by one, through shared memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "map/map_copy.h"
#include "map/map_write.h"

#define PIN "/sys/fs/bpf/map_write_test"
#define MANY 100000u

static struct elfmap_msg msg;
static uint32_t keys[MANY];
static uint64_t values[MANY];

static struct elfmap_reader open_map(enum bpf_map_type type, __u32 key_size, __u32 max,
				     const struct bpf_map_create_opts *opts)
{
	struct elfmap_reader map;
	int fd = bpf_map_create(type, "subject", key_size, opts && opts->btf_fd ? 16 : 8, max, opts);

	assert_true(fd >= 0);
	unlink(PIN);
	assert_int_equal(bpf_obj_pin(fd, PIN), 0);
	close(fd);
	if (elfmap_reader__open_for(PIN, ELFMAP_READ_WRITE, NULL, &map, &msg))
		fail_msg("%s", msg.text);
	return map;
}

static struct elfmap_reader open_simple(enum bpf_map_type type, __u32 max, __u32 flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	return open_map(type, 4, max, &opts);
}

static void number(uint64_t add)
{
	for (uint32_t i = 0; i < MANY; i++) {
		keys[i] = i;
		values[i] = i + add;
	}
}

struct sum {
	size_t count;
	uint64_t keys;
	uint64_t values;
};

static int add_up(void *context, const void *key, const void *value)
{
	struct sum *sum = context;
	uint32_t number;
	uint64_t word;

	memcpy(&number, key, sizeof(number));
	memcpy(&word, value, sizeof(word));
	sum->count++;
	sum->keys += number;
	sum->values += word;
	return 0;
}

/* The map has exactly the entries 0 to COUNT - 1, with these values plus ADD. */
static void assert_numbered(const struct elfmap_reader *map, uint64_t count, uint64_t add)
{
	struct sum sum = {};

	assert_int_equal(elfmap_reader__each(map, add_up, &sum, &msg), 0);
	assert_int_equal(sum.count, count);
	assert_int_equal(sum.keys, count * (count - 1) / 2);
	assert_int_equal(sum.values, count * (count - 1) / 2 + add * count);
}

static volatile sig_atomic_t stopped;

static void stop_after_some(void *context, size_t done)
{
	(void)context;
	stopped = done > 0;
}

static void an_interrupted_clear_knows_its_last_entry(void **state)
{
	static const enum bpf_map_type types[] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		struct elfmap_reader map = open_simple(types[i], MANY, 0);
		uint32_t last = UINT32_MAX;
		uint64_t value = 0;
		struct elfmap_job job = {.map = &map};

		number(1);
		assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), 0);
		job = (struct elfmap_job){
			.map = &map, .stop = &stopped, .progress = stop_after_some, .last_key = &last};
		stopped = 0;
		assert_int_equal(elfmap_job__clear(&job, &msg), -EINTR);
		assert_in_range(job.done, 1, MANY - 1);
		assert_in_range(last, 0, MANY - 1);
		if (types[i] == BPF_MAP_TYPE_ARRAY) {
			assert_int_equal(last, job.done - 1);
			assert_int_equal(elfmap_map__lookup(&map, &last, &value, &msg), 0);
			assert_int_equal(value, 0);
		} else {
			assert_int_equal(elfmap_map__lookup(&map, &last, &value, &msg), -ENOENT);
		}
		elfmap_reader__close(&map);
	}
}

static size_t stop_at; /* entries */

static void stop_later(void *context, size_t done)
{
	(void)context;
	stopped = done > stop_at;
}

static int count_them(void *context, const void *their_keys, const void *their_values, size_t count)
{
	(void)their_keys;
	(void)their_values;
	*(size_t *)context += count;
	return 0;
}

/* Two threads clear from both ends: the entries deleted and the entries left add up, wherever they stop. */
static void a_clear_by_two_counts_each_entry_once(void **state)
{
	(void)state;
	for (stop_at = 0; stop_at <= MANY; stop_at += MANY / 5) {
		struct elfmap_reader map = open_simple(BPF_MAP_TYPE_HASH, MANY, 0);
		struct elfmap_job job = {.map = &map};
		size_t left = 0;
		int err;

		number(1);
		assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), 0);
		job = (struct elfmap_job){.map = &map, .stop = &stopped, .progress = stop_later};
		stopped = 0;
		err = elfmap_job__clear(&job, &msg);
		assert_int_equal(elfmap_reader__each_batch(&map, count_them, &left, &msg), 0);
		assert_int_equal(job.done + left, MANY);
		assert_true(err == -EINTR || (!err && !left));
		assert_true(stop_at || left);
		assert_true(!err || stop_at < MANY);
		elfmap_reader__close(&map);
	}
}

static void writes_and_clears(void **state)
{
	static const struct {
		enum bpf_map_type type;
		__u32 flags;
	} maps[] = {
		{BPF_MAP_TYPE_HASH, 0},
		{BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC},
		{BPF_MAP_TYPE_ARRAY, 0},
		{BPF_MAP_TYPE_ARRAY, BPF_F_MMAPABLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++) {
		struct elfmap_reader map = open_simple(maps[i].type, MANY, maps[i].flags);

		for (unsigned int threads = 0; threads < 3; threads++) {
			struct elfmap_job job = {.map = &map, .max_threads = threads};

			number(threads);
			assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), 0);
			assert_int_equal(job.done, MANY);
			assert_numbered(&map, MANY, threads);
			assert_int_equal(elfmap_job__clear(&job, &msg), 0);
			assert_int_equal(job.done, MANY);
			if (maps[i].type == BPF_MAP_TYPE_HASH)
				assert_numbered(&map, 0, 0);
		}
		elfmap_reader__close(&map);
	}
}

static void the_refused_entry_is_named(void **state)
{
	struct elfmap_reader hash = open_simple(BPF_MAP_TYPE_HASH, 50000, 0);
	struct elfmap_reader array = open_simple(BPF_MAP_TYPE_ARRAY, 50000, 0);
	struct elfmap_reader shared = open_simple(BPF_MAP_TYPE_ARRAY, 50000, BPF_F_MMAPABLE);
	struct elfmap_reader *maps[] = {&hash, &array, &shared};

	(void)state;
	number(0);
	for (size_t i = 0; i < 3; i++) {
		struct elfmap_job job = {.map = maps[i], .max_threads = 1};

		assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), -E2BIG);
		assert_string_equal(msg.text, i ? "there is no slot 50000: the map has 50000, 0 to 49999"
						: "map full: 50000 of 50000 entries");
		assert_int_equal(job.done, 50000);
		assert_int_equal(job.refused, 50000);
		elfmap_reader__close(maps[i]);
	}
}

static void deletes(void **state)
{
	struct elfmap_reader map = open_simple(BPF_MAP_TYPE_HASH, MANY, 0);
	struct elfmap_job job = {.map = &map};

	(void)state;
	number(0);
	assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), 0);
	/* First every second key, then all keys, of which every second does not exist. */
	for (uint32_t i = 0; i < MANY / 2; i++)
		keys[i] = 2 * i;
	assert_int_equal(elfmap_job__delete(&job, keys, MANY / 2, &msg), 0);
	assert_int_equal(job.done, MANY / 2);
	number(0);
	job.max_threads = 1;
	assert_int_equal(elfmap_job__delete(&job, keys + 1, MANY - 1, &msg), -ENOENT);
	assert_string_equal(msg.text, "no such key");
	assert_int_equal(job.done, 1);
	assert_int_equal(job.refused, 1);
	job.skip_absent = true;
	assert_int_equal(elfmap_job__delete(&job, keys, MANY, &msg), 0);
	assert_int_equal(job.done, MANY);
	assert_numbered(&map, 0, 0);
	elfmap_reader__close(&map);
}

static void count_written(void *context, const void *key, const void *value)
{
	struct sum *sum = context;

	if (value)
		add_up(sum, key, value);
	else
		sum->keys++;
}

static void flags_and_hook_go_one_by_one(void **state)
{
	struct elfmap_reader map = open_simple(BPF_MAP_TYPE_HASH, 100, 0);
	struct sum sum = {};
	struct elfmap_job job = {.map = &map, .flags = BPF_EXIST, .wrote = count_written, .notes = &sum};

	(void)state;
	number(5);
	assert_int_equal(elfmap_job__update(&job, keys, values, 10, &msg), -ENOENT);
	assert_int_equal(sum.count, 0);
	job.flags = BPF_NOEXIST;
	assert_int_equal(elfmap_job__update(&job, keys, values, 10, &msg), 0);
	assert_int_equal(sum.count, 10);
	assert_int_equal(sum.values, 45 + 50);
	assert_int_equal(elfmap_job__update(&job, keys, values, 11, &msg), -EEXIST);
	assert_string_equal(msg.text, "the key is there already");
	assert_int_equal(job.refused, 0);
	assert_int_equal(elfmap_job__update(&job, keys + 10, values + 10, 2, &msg), 0);
	sum.keys = 0;
	assert_int_equal(elfmap_job__delete(&job, keys, 3, &msg), 0);
	assert_int_equal(sum.keys, 3);
	elfmap_reader__close(&map);
}

static volatile sig_atomic_t stop;

static void stop_after(void *context, size_t done)
{
	if (done >= *(size_t *)context)
		stop = 1;
}

static void what_is_written_has_no_holes(void **state)
{
	size_t after = 30000;

	(void)state;
	for (unsigned int threads = 1; threads < 3; threads++) {
		struct elfmap_reader map = open_simple(BPF_MAP_TYPE_HASH, MANY, 0);
		struct elfmap_job job = {
			.map = &map, .max_threads = threads, .stop = &stop, .progress = stop_after, .context = &after};

		number(0);
		stop = 0;
		assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), -EINTR);
		assert_true(job.done >= after && job.done < MANY);
		assert_numbered(&map, job.done, 0);
		elfmap_reader__close(&map);
	}
}

/* struct { struct bpf_spin_lock lock; u32 hits; u64 bytes; } */
static int load_locked_type(void)
{
	struct btf *btf = btf__new_empty();
	const void *raw;
	__u32 size;
	int fd;

	assert_non_null(btf);
	assert_int_equal(btf__add_int(btf, "u32", 4, 0), 1);
	assert_int_equal(btf__add_int(btf, "u64", 8, 0), 2);
	assert_int_equal(btf__add_struct(btf, "bpf_spin_lock", 4), 3);
	assert_int_equal(btf__add_field(btf, "val", 1, 0, 0), 0);
	assert_int_equal(btf__add_struct(btf, "counter", 16), 4);
	assert_int_equal(btf__add_field(btf, "lock", 3, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "hits", 1, 32, 0), 0);
	assert_int_equal(btf__add_field(btf, "bytes", 2, 64, 0), 0);
	raw = btf__raw_data(btf, &size);
	fd = bpf_btf_load(raw, size, NULL);
	assert_true(fd >= 0);
	btf__free(btf);
	return fd;
}

static void spin_locks_are_taken(void **state)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_fd = (__u32)load_locked_type(), .btf_key_type_id = 1,
		    .btf_value_type_id = 4);
	uint32_t counters[3][4] = {{7, 1, 10, 0}, {7, 2, 20, 0}, {7, 3, 30, 0}}, back[4];
	struct elfmap_reader map = open_map(BPF_MAP_TYPE_HASH, 4, 10, &opts);
	struct elfmap_job job = {.map = &map};

	(void)state;
	assert_int_equal(map.lock, BPF_F_LOCK);
	number(0);
	assert_int_equal(elfmap_job__update(&job, keys, counters, 3, &msg), 0);
	job.flags = BPF_EXIST;
	assert_int_equal(elfmap_job__update(&job, keys, counters, 1, &msg), 0);
	assert_int_equal(elfmap_map__lookup(&map, &keys[1], back, &msg), 0);
	assert_int_equal(back[0], 0); /* the kernel does not copy the lock */
	assert_memory_equal(back + 1, counters[1] + 1, 12);
	assert_int_equal(elfmap_job__clear(&job, &msg), 0);
	assert_int_equal(job.done, 3);
	elfmap_reader__close(&map);
	close((int)opts.btf_fd);
	map = open_simple(BPF_MAP_TYPE_HASH, 10, 0);
	assert_int_equal(map.lock, 0);
	elfmap_reader__close(&map);
}

static void a_comparison_lists_what_is_too_much(void **state)
{
	struct elfmap_reader map = open_simple(BPF_MAP_TYPE_HASH, MANY, 0);
	struct elfmap_job job = {.map = &map};
	struct elfmap_entries wanted;
	struct elfmap_comparison comparison = {.map = &map, .wanted = &wanted};

	(void)state;
	number(1);
	assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), 0);
	elfmap_entries__init(&wanted, 4, 8);
	assert_int_equal(elfmap_entries__finish(&wanted, NULL, NULL), 0);
	assert_int_equal(elfmap_comparison__make(&comparison, &msg), 0);
	assert_int_equal(comparison.nr_leftover, MANY);
	assert_int_equal(comparison.nr_equal + comparison.nr_changed, 0);
	elfmap_comparison__free(&comparison);
	elfmap_entries__free(&wanted);
	elfmap_reader__close(&map);
}

static int give_up(void *context, const void *entry_keys, const void *entry_values, size_t count)
{
	size_t *batches = context;

	(void)entry_keys;
	(void)entry_values;
	(void)count;
	return ++*batches == 2 ? -ECANCELED : 0;
}

static void whoever_reads_may_give_up(void **state)
{
	struct elfmap_reader map = open_simple(BPF_MAP_TYPE_HASH, MANY, 0);
	struct elfmap_job job = {.map = &map};
	size_t batches = 0;

	(void)state;
	number(1);
	assert_int_equal(elfmap_job__update(&job, keys, values, MANY, &msg), 0);
	assert_int_equal(elfmap_reader__each_batch(&map, give_up, &batches, &msg), -ECANCELED);
	assert_int_equal(batches, 2);
	elfmap_reader__close(&map);
}

static int remove_pin(void **state)
{
	(void)state;
	unlink(PIN);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_and_clears),
		cmocka_unit_test(an_interrupted_clear_knows_its_last_entry),
		cmocka_unit_test(a_clear_by_two_counts_each_entry_once),
		cmocka_unit_test(the_refused_entry_is_named),
		cmocka_unit_test(deletes),
		cmocka_unit_test(flags_and_hook_go_one_by_one),
		cmocka_unit_test(what_is_written_has_no_holes),
		cmocka_unit_test(spin_locks_are_taken),
		cmocka_unit_test(a_comparison_lists_what_is_too_much),
		cmocka_unit_test(whoever_reads_may_give_up),
	};

	return cmocka_run_group_tests(tests, NULL, remove_pin);
}
