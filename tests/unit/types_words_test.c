// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Types in words: invalid ones are refused, and members have the offsets of a C compiler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "notation.h"

static void assert_no_type(const char *words, size_t size, const char *why)
{
	struct elfmap_type *type = NULL;
	struct elfmap_msg msg = {};
	const char *at = words;

	if (!elfmap_type__parse(&at, size, &type, &msg))
		fail_msg("%s: is a type", words);
	if (!strstr(msg.text, why))
		fail_msg("%s: %s", words, msg.text);
	assert_null(type);
}

static void test_invalid_types(void **state)
{
	(void)state;
	assert_no_type("", 4, "expected a type, but the type ends");
	assert_no_type("int", 4, "unknown type 'int'");
	assert_no_type("u33", 4, "unknown type 'u33'");
	assert_no_type("u32", 8, "'u32' has 4 bytes, the map's has 8");
	assert_no_type("u8[0]", 0, "invalid number of elements");
	assert_no_type("u8[]", 4, "expected a number of elements, not ']'");
	assert_no_type("u8[4", 4, "']'");
	assert_no_type("u8[99999999999999999999]", 4, "invalid number of elements");
	assert_no_type("u64[1000000][1000000]", 4, "too large");
	assert_no_type("struct { }", 4, "no field");
	assert_no_type("struct { u8 a", 4, "but the type ends");
	assert_no_type("struct { u8 }", 4, "expected a field's name, not '}'");
	assert_no_type("struct { u8 a u8 a }", 2, "duplicate field 'a'");
	assert_no_type("struct { u8 a\"b }", 1, "expected a field's name, not 'a\"b'");
	assert_no_type("enum { #A 0 }", 4, "a name and a number");
	assert_no_type("struct { bytes a }", 2, "[N], the number of bytes");
	assert_no_type("enum { A }", 4, "the number of a name");
	assert_no_type("enum { A 0 AB 1 A 2 }", 4, "duplicate name 'A'"); /* it would be read as another number */
	assert_no_type("enum8 { A 256 }", 1, "outside the range of the enum");
	assert_no_type(
		"struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { "
		"struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { "
		"struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { struct { ",
		4, "nested too deeply");
}

static void test_layout_is_that_of_c(void **state)
{
	struct sample {
		__u8 a;
		__u64 b;
		__u8 c[3];
		__u16 d;
		unsigned char mac[6];
		__u32 ipv4;
		unsigned char ip[16];
	};
	struct elfmap_type *type =
		type_of("struct { u8 a u64 b bytes[3] c u16 d mac mac ipv4 ipv4 ip ip }", sizeof(struct sample));

	(void)state;
	assert_int_equal(type->members[1].offset, offsetof(struct sample, b));
	assert_int_equal(type->members[2].offset, offsetof(struct sample, c));
	assert_int_equal(type->members[3].offset, offsetof(struct sample, d));
	assert_int_equal(type->members[4].offset, offsetof(struct sample, mac));
	assert_int_equal(type->members[5].offset, offsetof(struct sample, ipv4));
	assert_int_equal(type->members[6].offset, offsetof(struct sample, ip));
	elfmap_type__free(type);
	type = type_of("bytes", 7);
	assert_int_equal(type->notation, ELFMAP_HEX);
	elfmap_type__free(type);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_invalid_types),
		cmocka_unit_test(test_layout_is_that_of_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
