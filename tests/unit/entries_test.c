// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entries in memory: each is found with its line; a repeated key is a duplicate or a conflict. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map/entries.h"

#define FEW 9000
#define MANY 200000 /* enough for two threads */

struct conflicts {
	size_t count;
	struct elfmap_conflict last;
};

static void note(void *context, const struct elfmap_conflict *conflict)
{
	struct conflicts *conflicts = context;

	conflicts->count++;
	conflicts->last = *conflict;
}

static int add(struct elfmap_entries *entries, size_t line, const void *key, const void *value)
{
	void *to_key, *to_value;

	assert_int_equal(elfmap_entries__reserve(entries, &to_key, &to_value), 0);
	memcpy(to_key, key, entries->key_size);
	memcpy(to_value, value, entries->value_size);
	return elfmap_entries__add(entries, line);
}

static size_t find(const struct elfmap_entries *entries, const void *key)
{
	size_t index;

	elfmap_entries__find(entries, key, 1, &index);
	return index;
}

/* A key of SIZE bytes; only the last four differ. */
static void make_key(unsigned char *key, size_t size, uint32_t number)
{
	memset(key, 0x55, size);
	memcpy(key + size - sizeof(number), &number, sizeof(number));
}

static void finds_what_was_added(void **state)
{
	static const size_t sizes[] = {4, 5, 7, 8, 12, 16, 24, 40};

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct elfmap_entries entries;
		struct conflicts conflicts = {};
		unsigned char key[40];
		uint32_t count = (s % 2 ? MANY : FEW) + (uint32_t)s;

		elfmap_entries__init(&entries, sizes[s], sizeof(count));
		elfmap_entries__expect(&entries, s * 1500); /* too few, about right, too many */
		for (uint32_t i = 0; i < count; i++) {
			make_key(key, sizes[s], i * 7);
			assert_int_equal(add(&entries, i + 1 + (i > 4000) * 10, key, &i), 0);
		}
		assert_int_equal(elfmap_entries__finish(&entries, note, &conflicts), 0);
		assert_int_equal(entries.count, count);
		assert_int_equal(entries.nr_runs, 2);
		for (uint32_t i = 0; i < count; i++) {
			make_key(key, sizes[s], i * 7);
			assert_int_equal(find(&entries, key), i);
			assert_int_equal(elfmap_entries__line(&entries, i), i + 1 + (i > 4000) * 10);
			make_key(key, sizes[s], i * 7 + 1);
			assert_int_equal(find(&entries, key), ELFMAP_NO_ENTRY);
		}
		elfmap_entries__free(&entries);
	}
}

static void leave_out_every_second(uint32_t count)
{
	struct elfmap_entries entries;
	struct conflicts conflicts = {};

	elfmap_entries__init(&entries, sizeof(uint32_t), sizeof(uint32_t));
	for (uint32_t i = 0; i < 2 * count; i++) {
		uint32_t key = i / 2;

		assert_int_equal(add(&entries, i + 1, &key, &key), 0);
	}
	assert_int_equal(elfmap_entries__finish(&entries, note, &conflicts), 0);
	assert_int_equal(entries.count, count);
	assert_int_equal(conflicts.count, 0);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(find(&entries, &i), i);
		assert_memory_equal(entries.values + i * sizeof(i), &i, sizeof(i));
		assert_int_equal(elfmap_entries__line(&entries, i), 2 * i + 1);
	}
	elfmap_entries__free(&entries);
}

static void leaves_out_what_is_there(void **state)
{
	(void)state;
	leave_out_every_second(FEW);
	leave_out_every_second(MANY);
}

static void say_what_contradicts(uint32_t count)
{
	struct elfmap_entries entries;
	struct conflicts conflicts = {};
	uint32_t key = 3, value = 9;

	elfmap_entries__init(&entries, sizeof(uint32_t), sizeof(uint32_t));
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(add(&entries, i + 1, &i, &i), 0);
	assert_int_equal(add(&entries, count + 777, &key, &value), 0);
	assert_int_equal(elfmap_entries__finish(&entries, note, &conflicts), -EEXIST);
	assert_int_equal(conflicts.count, 1);
	assert_int_equal(conflicts.last.line, count + 777);
	assert_int_equal(conflicts.last.first_line, 4);
	assert_int_equal(entries.count, count);
	assert_memory_equal(entries.values + key * sizeof(key), &key, sizeof(key)); /* the first one stays */
	assert_int_equal(elfmap_entries__line(&entries, count - 1), count);
	elfmap_entries__free(&entries);
}

static void says_what_contradicts(void **state)
{
	(void)state;
	say_what_contradicts(FEW);
	say_what_contradicts(MANY);
}

static void without_keys_all_stay(void **state)
{
	struct elfmap_entries entries;
	uint32_t value = 5;

	(void)state;
	elfmap_entries__init(&entries, 0, sizeof(value));
	for (size_t i = 0; i < 2500; i++)
		assert_int_equal(add(&entries, i + 1, "", &value), 0);
	assert_int_equal(elfmap_entries__finish(&entries, note, NULL), 0);
	assert_int_equal(entries.count, 2500);
	assert_int_equal(elfmap_entries__line(&entries, 2499), 2500);
	elfmap_entries__free(&entries);
}

static void nothing_is_in_nothing(void **state)
{
	struct elfmap_entries entries;
	uint32_t key = 0;

	(void)state;
	elfmap_entries__init(&entries, sizeof(key), sizeof(key));
	assert_int_equal(elfmap_entries__finish(&entries, note, NULL), 0);
	assert_int_equal(find(&entries, &key), ELFMAP_NO_ENTRY);
	assert_int_equal(elfmap_entries__line(&entries, 0), 0);
	elfmap_entries__free(&entries);
}

/* There is memory for a million entries, not for two million, and each look-up finds a free slot. */
static void the_table_is_no_larger_than_it_must_be(void **state)
{
	static const uint32_t counts[] = {1, 2, 1000, 1050000};

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct elfmap_entries wanted;

		elfmap_entries__init(&wanted, sizeof(uint32_t), sizeof(uint32_t));
		elfmap_entries__expect(&wanted, counts[i]);
		assert_true(wanted.room >= counts[i]);
		for (uint32_t key = 0; key < counts[i]; key++)
			assert_int_equal(add(&wanted, key, &key, &key), 0);
		assert_int_equal(elfmap_entries__finish(&wanted, note, NULL), 0);
		assert_in_range(wanted.nr_slots, counts[i] + 1, counts[i] + counts[i] / 3 + 1);
		assert_true(wanted.index_mask >= counts[i]);
		elfmap_entries__free(&wanted);
	}
}

static void keeps_what_is_to_stay(void **state)
{
	struct elfmap_entries entries;
	struct conflicts conflicts = {};
	unsigned char keep[3000];

	(void)state;
	elfmap_entries__init(&entries, 8, 4);
	elfmap_entries__keep(&entries, keep); /* an empty table stays empty */
	for (uint32_t i = 0; i < 3000; i++) {
		uint64_t key = i;

		assert_int_equal(add(&entries, i + 1, &key, &i), 0);
		keep[i] = i % 3 == 1;
	}
	assert_int_equal(elfmap_entries__finish(&entries, note, &conflicts), 0);
	elfmap_entries__keep(&entries, keep);
	assert_int_equal(entries.count, 1000);
	for (uint64_t key = 0; key < 3000; key++) {
		size_t index = find(&entries, &key);
		uint32_t value;

		assert_int_equal(index, keep[key] ? key / 3 : ELFMAP_NO_ENTRY);
		if (!keep[key])
			continue;
		memcpy(&value, entries.values + index * entries.value_size, sizeof(value));
		assert_int_equal(value, key);
	}
	assert_int_equal(add(&entries, 7, &(uint64_t){0}, &(uint32_t){5}), 0); /* and more can be added */
	assert_int_equal(elfmap_entries__finish(&entries, note, &conflicts), 0);
	assert_int_equal(find(&entries, &(uint64_t){0}), 1000);
	assert_int_equal(elfmap_entries__line(&entries, 1000), 7);
	elfmap_entries__free(&entries);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_is_to_stay),
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(leaves_out_what_is_there),
		cmocka_unit_test(says_what_contradicts),
		cmocka_unit_test(without_keys_all_stay),
		cmocka_unit_test(nothing_is_in_nothing),
		cmocka_unit_test(the_table_is_no_larger_than_it_must_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
