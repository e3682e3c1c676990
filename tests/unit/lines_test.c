// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines of a file: entries, per-CPU values, bytes in bpftool's notation, padding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "notation.h"

static void test_lines(void **state)
{
	static const char file[] = "# a comment\n\n 1 2\r\n\t3 4 # five\nx 6\n7 8 9\n10\n11 12";
	struct elfmap_format format = {.key = type_of("u8", 1), .value = type_of("u8", 1), .copies = 1, .stride = 1};
	struct elfmap_msg msg = {};
	struct elfmap_text text = elfmap_text__new(file, strlen(file), &names, &msg);
	unsigned char key, value;

	(void)state;
	assert_int_equal(elfmap_text__read_entry(&text, &format, &key, &value), 1);
	assert_int_equal(key * 10 + value, 12);
	assert_int_equal(text.line_number, 3);
	assert_int_equal(elfmap_text__read_entry(&text, &format, &key, &value), 1);
	assert_int_equal(key * 10 + value, 34);
	assert_int_equal(elfmap_text__read_entry(&text, &format, &key, &value), -EINVAL);
	assert_int_equal(text.line_number, 5);
	assert_int_equal(elfmap_text__column(&text), 1);
	assert_int_equal(elfmap_text__read_entry(&text, &format, &key, &value), -EINVAL);
	assert_int_equal(elfmap_text__column(&text), 5);
	assert_string_equal(msg.text, "unexpected '9' after the value");
	assert_int_equal(elfmap_text__read_entry(&text, &format, &key, &value), -EINVAL);
	assert_string_equal(msg.text, "expected a number, but the line ends");
	assert_int_equal(elfmap_text__read_entry(&text, &format, &key, &value), 1);
	assert_int_equal(key + value, 23);
	assert_int_equal(elfmap_text__read_entry(&text, &format, &key, &value), 0);
	elfmap_type__free((struct elfmap_type *)format.key);
	elfmap_type__free((struct elfmap_type *)format.value);
}

static int read_cpus(const char *words, const char *line, unsigned char value[16])
{
	struct elfmap_type *type = type_of(words, 2);
	struct elfmap_format format = {.value = type, .per_cpu = true, .copies = 2, .stride = 8};
	struct elfmap_msg msg = {};
	struct elfmap_text text = elfmap_text__new(line, strlen(line), &names, &msg);
	int err;

	memset(value, 0xa5, 16);
	err = elfmap_text__read_value(&text, &format, value);
	err = err ?: !elfmap_text__is_at_end(&text);
	elfmap_type__free(type);
	return err;
}

static void test_cpus(void **state)
{
	static const unsigned char each[16] = {[0] = 1, [1] = 2, [8] = 3, [9] = 4};
	static const unsigned char same[16] = {[0] = 1, [1] = 2, [8] = 1, [9] = 2};
	unsigned char value[16];

	(void)state;
	assert_int_equal(read_cpus("be16", "[ 0x102 0x304 ]", value), 0);
	assert_memory_equal(value, each, 16);
	assert_int_equal(read_cpus("be16", "0x102", value), 0);
	assert_memory_equal(value, same, 16);
	assert_int_equal(read_cpus("u8[2]", "[ [ 1 2 ] [ 3 4 ] ]", value), 0);
	assert_memory_equal(value, each, 16);
	assert_int_equal(read_cpus("u8[2]", "[ 1 2 ]", value), 0);
	assert_memory_equal(value, same, 16);
	assert_int_equal(read_cpus("u8[2]", "[ hex 01 02 hex 03 04 ]", value), 0);
	assert_memory_equal(value, each, 16);
	assert_int_equal(read_cpus("u8[2]", "[ hex 01 hex 02 ]", value), 0);
	assert_memory_equal(value, same, 16);
	assert_int_equal(read_cpus("u8[2]", "hex 01 02", value), 0);
	assert_memory_equal(value, same, 16);
	assert_int_not_equal(read_cpus("be16", "[ 1 ]", value), 0);
	assert_int_not_equal(read_cpus("be16", "[ 1 2 3 ]", value), 0);
	assert_int_not_equal(read_cpus("be16", "[ 1 2", value), 0);
}

static void test_bpftools_notation(void **state)
{
	static const struct {
		const char *line;
		bool is_good;
	} lines[] = {
		{"10 0 0x0 1", true},	 {"hex 0a 0 00 01", true}, {"10.0.0.1", true},
		{"10 0 0 256", false},	 {"10 0 0", false},	   {"10 0 0 1 2", false},
		{"hex 0a 00 00", false}, {"10 0 0 1 # x", true},   {"10.0.0.1 1", false},
	};
	struct elfmap_format format = {.value = type_of("ipv4", 4), .copies = 1, .stride = 4};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct elfmap_msg msg = {};
		struct elfmap_text text = elfmap_text__new(lines[i].line, strlen(lines[i].line), NULL, &msg);
		unsigned char value[4];
		int err = elfmap_text__read_data(&text, &format, value);

		if (lines[i].is_good != !err)
			fail_msg("%s: %s", lines[i].line, msg.text);
		if (!err)
			assert_memory_equal(value, "\x0a\0\0\1", 4);
	}
	elfmap_type__free((struct elfmap_type *)format.value);
}

static void test_padding_is_written(void **state)
{
	struct elfmap_type *type = type_of("struct { u8 a u16 b }", 4), *byte = type_of("u8", 1);
	struct elfmap_format format = {.key = type, .value = byte, .copies = 1, .stride = 1};
	struct elfmap_buffer line = {};
	struct elfmap_json json = {.to = &line};

	(void)state;
	elfmap_text__write_entry(&line, &format, ((__u8[]){1, 0, 2, 0}), "\5", false, NULL);
	elfmap_text__write_entry(&line, &format, ((__u8[]){1, 9, 2, 0}), "\5", false, NULL);
	elfmap_json__entry(&json, &format, ((__u8[]){1, 9, 2, 0}), "\5", false);
	elfmap_buffer__add(&line, "", 1);
	assert_string_equal(line.bytes,
			    "{ a 1 b 2 } 5\n"
			    "hex 01 09 02 00 5 # { a 1 b 2 }\n"
			    "{\"key\":{\"a\":1,\"b\":2},\"key_bytes\":[\"0x01\",\"0x09\",\"0x02\",\"0x00\"],"
			    "\"value\":5}");
	elfmap_buffer__free(&line);
	elfmap_type__free(type);
	elfmap_type__free(byte);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_bpftools_notation),
		cmocka_unit_test(test_padding_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
