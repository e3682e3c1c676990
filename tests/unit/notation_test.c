// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of notations: each row is complete, and each name in it is a type whose values are written, read back
 * and refused as the row defines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notation.h"
#include "text/notation.h"

#define MOST 32 /* bytes of a value in these tests */

static void test_every_column_is_decided(void **state)
{
	(void)state;
	for (int i = 0; i < ELFMAP_NR_NOTATIONS; i++)
		if (notation__undecided(&notations[i]))
			fail_msg("notation %d: nothing is decided for '%s'", i, notation__undecided(&notations[i]));
}

static void test_a_missing_decision_is_found(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
		size_t size;
	} columns[] = {
#define COLUMN(name) {#name, offsetof(struct notation, name), sizeof(((struct notation *)NULL)->name)}
		COLUMN(names),	   COLUMN(parse), COLUMN(describe), COLUMN(number), COLUMN(sum),
		COLUMN(alignment), COLUMN(read),  COLUMN(expected), COLUMN(write),  COLUMN(json),
	};

	(void)state;
	/* A new column is added to this list, or after `json`, if its default is valid. */
	assert_int_equal(offsetof(struct notation, put), offsetof(struct notation, json) + sizeof(notation_json *));
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		struct notation row = notations[ELFMAP_INTEGER];

		memset((char *)&row + columns[i].offset, 0, columns[i].size);
		assert_non_null(notation__undecided(&row));
		assert_string_equal(notation__undecided(&row), columns[i].name);
	}
}

static void test_names_are_unique(void **state)
{
	const struct elfmap_type_name *name;

	(void)state;
	for (int i = 0; i < ELFMAP_NR_NOTATIONS; i++)
		for (name = notations[i].names; name->name; name++) {
			enum elfmap_notation notation = ELFMAP_NR_NOTATIONS;

			assert_ptr_equal(notation__find(name->name, strlen(name->name), &notation), name);
			assert_int_equal(notation, i);
		}
}

static void test_names_are_listed(void **state)
{
	static const char *const some[] = {"u8",     "be16",   "enum",	 "enum64",
					   "prefix", "string", "struct", "struct packed"};
	const struct elfmap_type_name *name;
	size_t found = 0;

	(void)state;
	for (size_t i = 0; (name = elfmap_type__name(i)); i++) {
		assert_true(name->summary && *name->summary);
		for (size_t j = 0; j < sizeof(some) / sizeof(*some); j++)
			found += !strcmp(name->name, some[j]);
		assert_string_not_equal(name->name, "__be16");
	}
	assert_int_equal(found, sizeof(some) / sizeof(*some));
}

/* The rest of a type whose name alone is not a type. */
static struct elfmap_type *make_type(const struct elfmap_type_name *name)
{
	const char *rest = !strncmp(name->name, "enum", 4)     ? " { A 1 B 100 }"
			   : !strncmp(name->name, "struct", 6) ? " { u8 a u32 b }"
			   : !name->size		       ? "[5]"
							       : "";
	char words[64];

	snprintf(words, sizeof(words), "%s%s", name->name, rest);
	return type_of(words, name->size ? name->size : *rest == '[' ? 5 : strchr(words, 'k') ? 5 : 8);
}

/* Types are printed as they were given, and values are read back as the same bytes. */
static void check_type(const struct elfmap_type *type, const unsigned char *bytes)
{
	const struct elfmap_value value = {.bytes = bytes, .copies = 1};
	struct elfmap_buffer line = {}, words = {}, object = {};
	struct elfmap_json json = {.to = &object};
	struct elfmap_type *again;

	assert_true(elfmap_type__write(&words, type));
	elfmap_buffer__add(&words, "", 1);
	again = type_of(words.bytes, type->size);
	assert_int_equal(again->notation, type->notation);
	assert_int_equal(again->is_signed, type->is_signed);
	elfmap_text__write(&line, type, &value, NULL);
	elfmap_buffer__add(&line, "", 1);
	assert_reads_as(again, line.bytes, bytes);
	elfmap_json__value(&json, type, &value);
	assert_true(object.length > 0 && !object.error);
	elfmap_type__free(again);
	elfmap_buffer__free(&line);
	elfmap_buffer__free(&words);
	elfmap_buffer__free(&object);
}

static void test_each_name_is_a_type(void **state)
{
	const struct elfmap_type_name *name;

	(void)state;
	for (size_t i = 0; (name = elfmap_type__name(i)); i++) {
		struct elfmap_type *type = make_type(name);
		const struct notation *row = notation_of(type);
		unsigned char bytes[MOST] = {1};

		if (name->size)
			assert_int_equal(type->size, name->size);
		assert_true(type->size <= MOST);
		assert_int_equal(type__alignment(type) > 0 && type->size % type__alignment(type), 0);
		check_type(type, bytes);
		assert_refuses(type, "}", 1, row->expected);
		elfmap_type__free(type);
	}
}

/* The sum of per-CPU values 3, 5 and 0, as the row defines it. */
static void test_sum_of_copies(void **state)
{
	static const __u64 copies[] = {5, 0, 3};
	const struct elfmap_value value = {.bytes = copies, .copies = 3, .stride = 8};
	static const struct {
		const char *words;
		__u64 sum; /* 0: no sum */
		bool counts;
	} sums[] = {
		{"u64", 8, true},	 {"be64", 8ull << 56, false}, {"earliest_ns", 3, false},
		{"latest_ns", 5, false}, {"cgroup", 0, false},	      {"enum64 { A 5 }", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sums) / sizeof(*sums); i++) {
		struct elfmap_type *type = type_of(sums[i].words, 8);
		const char *culprit = NULL;

		assert_int_equal(elfmap_type__can_sum(type, &culprit), sums[i].sum != 0);
		assert_int_equal(elfmap_type__is_counter(type), sums[i].counts);
		if (sums[i].sum)
			assert_true(elfmap_type__number(type, &value) == (__int128)sums[i].sum);
		else
			assert_string_equal(culprit, "");
		elfmap_type__free(type);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_column_is_decided), cmocka_unit_test(test_a_missing_decision_is_found),
		cmocka_unit_test(test_names_are_unique),	cmocka_unit_test(test_names_are_listed),
		cmocka_unit_test(test_each_name_is_a_type),	cmocka_unit_test(test_sum_of_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
