// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Slots of a jump table by name and number. */
#include <errno.h>
#include <string.h>

#include "../prog/test.h"
#include "hook/graft.h"

static struct elfmap_msg msg;

/* The slot that WORD names in a table of SLOTS with keys of type WORDS; else the error. */
static int find(const char *words, const char *word, __u32 slots)
{
	struct elfmap_type *key = NULL;
	__u32 slot = 0xdead;
	int err;

	if (words)
		assert_int_equal(elfmap_type__parse(&words, 4, &key, &msg), 0);
	err = elfmap_slots__find(key, word, slots, &slot, &msg);
	elfmap_type__free(key);
	if (err)
		assert_int_equal(slot, 0xdead);
	return err ?: (int)slot;
}

#define STAGES "enum { STAGE_IN 0 STAGE_IPV4 3 STAGE_IPV6 4 STAGE_MAX 5 }"

static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(find(NULL, "0", 4), 0);
	assert_int_equal(find(NULL, "3", 4), 3);
	assert_int_equal(find(NULL, "0x3", 4), 3);
	assert_int_equal(find(STAGES, "1", 5), 1); /* a slot without a name */
	assert_int_equal(find(NULL, "4", 4), -ERANGE);
	assert_string_equal(msg.text, "slot 4: the table has slots 0 to 3");
	assert_int_equal(find(NULL, "18446744073709551616", 4), -ERANGE);
	assert_int_equal(find(NULL, "3x", 4), -ENOENT);
	assert_int_equal(find(NULL, "0x", 4), -ENOENT);
}

static void test_names(void **state)
{
	(void)state;
	assert_int_equal(find(STAGES, "STAGE_IPV4", 5), 3);
	assert_int_equal(find(STAGES, "ipv6", 5), 4);
	assert_int_equal(find(STAGES, "In", 5), 0);
	assert_int_equal(find(STAGES, "IPV", 5), -ENOENT);
	assert_string_equal(msg.text, "no slot 'IPV'; there are: in, ipv4, ipv6");
	assert_int_equal(find(STAGES, "", 5), -ENOENT);
	assert_int_equal(find(STAGES, "-1", 5), -ENOENT);
}

/* The enumerator that counts the slots is a name like the others, but not a slot. */
static void test_names_beyond_the_table(void **state)
{
	(void)state;
	assert_int_equal(find(STAGES, "STAGE_MAX", 5), -ENOENT);
	assert_int_equal(find(STAGES, "max", 6), 5);
	assert_int_equal(find("enum { A_ONE 7 }", "A_ONE", 5), -ENOENT);
}

/* Only complete words are a common prefix; a single name is not shortened. */
static void test_common_prefix(void **state)
{
	(void)state;
	assert_int_equal(find("enum { A_ONE 1 A_OTHER 2 }", "other", 5), 2);
	assert_int_equal(find("enum { A_ONE 1 A_OTHER 2 }", "ther", 5), -ENOENT);
	assert_int_equal(find("enum { ONE 1 OTHER 2 }", "one", 5), 1);
	assert_int_equal(find("enum { A_ONE 1 }", "a_one", 5), 1);
	assert_int_equal(find("enum { A_ONE 1 }", "one", 5), -ENOENT);
	/* An exact match has precedence over any other. */
	assert_int_equal(find("enum { A_one 1 A_ONE 2 }", "A_ONE", 5), 2);
}

static void test_no_names(void **state)
{
	(void)state;
	assert_int_equal(find(NULL, "ipv4", 5), -ENOENT);
	assert_non_null(strstr(msg.text, "have no names"));
	assert_int_equal(find("u32", "ipv4", 5), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_beyond_the_table),
		cmocka_unit_test(test_common_prefix),
		cmocka_unit_test(test_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
