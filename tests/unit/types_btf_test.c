// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* BTF to types, and values of these types as text. The test builds the BTF type by type; the bytes are C values of
 * the same types. The text is read back and must give the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/types.h"
#include "text/values.h"

static struct btf *btf;
static int u8_id, u32_id, u64_id, s8_id, s32_id, char_id, bool_id;

static int setup(void **state)
{
	(void)state;
	btf = btf__new_empty();
	u8_id = btf__add_int(btf, "unsigned char", 1, 0);
	u32_id = btf__add_int(btf, "unsigned int", 4, 0);
	u64_id = btf__add_int(btf, "unsigned long long", 8, 0);
	s8_id = btf__add_int(btf, "signed char", 1, BTF_INT_SIGNED);
	s32_id = btf__add_int(btf, "int", 4, BTF_INT_SIGNED);
	char_id = btf__add_int(btf, "char", 1, BTF_INT_SIGNED);
	bool_id = btf__add_int(btf, "_Bool", 1, BTF_INT_BOOL);
	return bool_id > 0 ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	btf__free(btf);
	return 0;
}

static const char *device_name(struct elfmap_resolver *self, __u32 ifindex)
{
	(void)self;
	return ifindex == 5 ? "eth5" : ifindex == 7 ? "7" : NULL; /* the kernel allows both */
}

static int find_device(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg)
{
	(void)self;
	(void)msg;
	*ret_ifindex = !strcmp(name, "eth5") ? 5 : 7;
	return 0;
}

static struct elfmap_resolver devices = {.device_name = device_name, .device = find_device};

static void assert_reads(const struct elfmap_type *type, const char *words, const void *expected)
{
	struct elfmap_msg msg = {};
	struct elfmap_text text = elfmap_text__new(words, strlen(words), &devices, &msg);
	char *bytes = malloc(type->size + 1);

	memset(bytes, 0xaa, type->size + 1);
	if (elfmap_text__read(&text, type, bytes))
		fail_msg("%s: column %zu: %s", words, elfmap_text__column(&text), msg.text);
	assert_true(elfmap_text__is_at_end(&text));
	assert_memory_equal(bytes, expected, type->size);
	free(bytes);
}

static void assert_writes(const struct elfmap_type *type, const struct elfmap_value *value, const char *expected)
{
	struct elfmap_buffer text = {};

	elfmap_text__write(&text, type, value, &devices);
	elfmap_buffer__add(&text, "", 1);
	assert_int_equal(text.error, 0);
	assert_string_equal(text.bytes, expected);
	if (value->copies == 1 && !elfmap_type__hides(type, value->bytes))
		assert_reads(type, text.bytes, value->bytes);
	elfmap_buffer__free(&text);
}

static void assert_prints_copies(int id, const void *bytes, size_t size, size_t copies, const char *expected)
{
	struct elfmap_value value = {.bytes = bytes, .copies = copies, .stride = size};
	struct elfmap_type *type = NULL;
	struct elfmap_msg msg = {};

	if (elfmap_type__read(btf, (__u32)id, size, &type, &msg))
		fail_msg("%s", msg.text);
	assert_writes(type, &value, expected);
	elfmap_type__free(type);
}

static void assert_prints(int id, const void *bytes, size_t size, const char *expected)
{
	assert_prints_copies(id, bytes, size, 1, expected);
}

static void assert_refused(int id, size_t size, const char *why)
{
	struct elfmap_type *type = NULL;
	struct elfmap_msg msg = {};

	assert_int_equal(elfmap_type__read(btf, (__u32)id, size, &type, &msg), -EINVAL);
	assert_null(type);
	assert_non_null(strstr(msg.text, why));
}

static void test_integers(void **state)
{
	const __u64 most = ~0ull;
	const __u32 half = 0x80000000u;
	const __s8 minus = -1;
	int wide = btf__add_int(btf, "__int128", 16, BTF_INT_SIGNED);

	(void)state;
	assert_prints(u64_id, &most, 8, "18446744073709551615");
	assert_prints(u32_id, &half, 4, "2147483648");
	assert_prints(s32_id, &half, 4, "-2147483648");
	assert_prints(s8_id, &minus, 1, "-1");
	assert_prints(u8_id, &minus, 1, "255");
	assert_prints(u32_id, &(__u32){0}, 4, "0");
	assert_prints(wide, &(__int128){(__int128)most + 1}, 16, "18446744073709551616");
	assert_prints(wide, &(unsigned __int128){(unsigned __int128)1 << 127}, 16,
		      "-170141183460469231731687303715884105728");
}

static void test_bool(void **state)
{
	(void)state;
	assert_prints(bool_id, "\1", 1, "true");
	assert_prints(bool_id, "\0", 1, "false");
	assert_prints(bool_id, "\2", 1, "2"); /* not a valid bool: print the number */
}

static void test_struct_with_padding(void **state)
{
	struct entry {
		__u32 count;
		__u64 bytes;
		__u8 flag;
	} entry = {3, 4, 5};
	struct elfmap_type *type;
	int id = btf__add_struct(btf, "entry", sizeof(entry));

	(void)state;
	btf__add_field(btf, "count", u32_id, 0, 0);
	btf__add_field(btf, "bytes", u64_id, 64, 0);
	btf__add_field(btf, "flag", u8_id, 128, 0);
	assert_prints(id, &entry, sizeof(entry), "{ count 3 bytes 4 flag 5 }");

	assert_int_equal(elfmap_type__read(btf, (__u32)id, sizeof(entry), &type, NULL), 0);
	assert_false(elfmap_type__hides(type, &(struct entry){.count = ~0u, .flag = 255}));
	((unsigned char *)&entry)[sizeof(entry) - 1] = 1;
	assert_true(elfmap_type__hides(type, &entry));
	elfmap_type__free(type);
}

static void test_bit_fields(void **state)
{
	struct fields {
		__u32 a : 3;
		__s32 b : 5;
		__u32 c : 20;
	} fields = {.a = 5, .b = -7, .c = 0xabcde};
	struct elfmap_type *type;
	int id = btf__add_struct(btf, "fields", sizeof(fields));

	(void)state;
	btf__add_field(btf, "a", u32_id, 0, 3);
	btf__add_field(btf, "b", s32_id, 3, 5);
	btf__add_field(btf, "c", u32_id, 8, 20);
	assert_prints(id, &fields, sizeof(fields), "{ a 5 b -7 c 703710 }");

	assert_int_equal(elfmap_type__read(btf, (__u32)id, sizeof(fields), &type, NULL), 0);
	assert_false(elfmap_type__hides(type, "\xff\xff\xff\x0f"));
	assert_true(elfmap_type__hides(type, "\0\0\0\x10"));
	elfmap_type__free(type);
}

/* Its only values are 0 and -1. */
static void test_signed_bit(void **state)
{
	struct one_bit {
		__s32 flag : 1;
	} set = {.flag = -1};
	int id = btf__add_struct(btf, "one_bit", sizeof(set));
	struct elfmap_type *type;
	struct elfmap_msg msg;
	struct elfmap_text text;
	__u32 word;

	(void)state;
	btf__add_field(btf, "flag", s32_id, 0, 1);
	assert_prints(id, &set, sizeof(set), "{ flag -1 }");
	assert_int_equal(elfmap_type__read(btf, (__u32)id, sizeof(set), &type, NULL), 0);
	text = elfmap_text__new("{ flag 1 }", 10, NULL, &msg);
	assert_int_equal(elfmap_text__read(&text, type, &word), -EINVAL);
	assert_string_equal(msg.text, "1 is not between -1 and 0");
	elfmap_type__free(type);
}

static void test_members_of_anonymous_structs(void **state)
{
	int inner = btf__add_union(btf, NULL, 4), id;

	(void)state;
	btf__add_field(btf, "word", u32_id, 0, 0);
	btf__add_field(btf, "byte", u8_id, 0, 0);
	id = btf__add_struct(btf, "outer", 8);
	btf__add_field(btf, "first", u32_id, 0, 0);
	btf__add_field(btf, NULL, inner, 32, 0);
	assert_prints(id, ((__u8[]){1, 0, 0, 0, 2, 0, 0, 0}), 8, "{ first 1 word 2 byte 2 }");
}

static void test_arrays(void **state)
{
	int pair = btf__add_array(btf, s32_id, u32_id, 2);
	int matrix = btf__add_array(btf, s32_id, pair, 2);

	(void)state;
	assert_prints(pair, ((__u32[]){1, 2}), 8, "[ 1 2 ]");
	assert_prints(matrix, ((__u32[]){1, 2, 3, 4}), 16, "[ [ 1 2 ] [ 3 4 ] ]");
	assert_prints(btf__add_array(btf, s32_id, u8_id, 3), "\1\2\xff", 3, "[ 1 2 255 ]");
}

static void test_strings(void **state)
{
	int id = btf__add_array(btf, s32_id, char_id, 8);

	(void)state;
	assert_prints(id, "eth0\0\0\0", 8, "\"eth0\"");
	assert_prints(id, "\0\0\0\0\0\0\0", 8, "\"\"");
	assert_prints(id, "a\"b\\c\n1\0", 8, "\"a\\\"b\\\\c\\0121\"");
	assert_prints(id, "a\0b\0\0\0\0", 8, "\"a\\000b\"");
	assert_prints(id, "12345678", 8, "\"12345678\"");
}

static void test_enums(void **state)
{
	int id = btf__add_enum(btf, "verdict", 4), wide;

	(void)state;
	btf__add_enum_value(btf, "FAILED", -1);
	btf__add_enum_value(btf, "PASS", 0);
	btf__add_enum_value(btf, "DROP", 2);
	wide = btf__add_enum64(btf, "wide", 8, false);
	btf__add_enum64_value(btf, "HUGE", 1ull << 40);
	assert_prints(id, &(__u32){2}, 4, "DROP");
	assert_prints(id, &(__s32){-1}, 4, "FAILED");
	assert_prints(id, &(__s32){-9}, 4, "-9");
	assert_prints(wide, &(__u64){1ull << 40}, 8, "HUGE");
	assert_prints(wide, &(__u64){7}, 8, "7");
}

static void test_typedef_names_decide(void **state)
{
	int bytes16 = btf__add_array(btf, s32_id, u8_id, 16), bytes6 = btf__add_array(btf, s32_id, u8_id, 6);
	int ip = btf__add_typedef(btf, "ip", bytes16), ipv4 = btf__add_typedef(btf, "ipv4", u32_id);
	const char mapped[16] = "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1";
	const char v6[16] = "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1";

	(void)state;
	assert_prints(ip, mapped, 16, "192.0.2.1");
	assert_prints(ip, v6, 16, "2001:db8::1");
	assert_prints(btf__add_typedef(btf, "ipv6", bytes16), mapped, 16, "::ffff:192.0.2.1");
	assert_prints(ipv4, "\xc0\0\2\1", 4, "192.0.2.1");
	assert_prints(btf__add_const(btf, btf__add_typedef(btf, "alias", ipv4)), "\xc0\0\2\1", 4, "192.0.2.1");
	assert_prints(btf__add_typedef(btf, "mac", bytes6), "\2\0\0\0\xab\1", 6, "02:00:00:00:ab:01");
	assert_prints(btf__add_typedef(btf, "be32", u32_id), &(__u32){htonl(80)}, 4, "80");
	assert_prints(btf__add_typedef(btf, "__be64", u64_id), "\0\0\0\0\0\0\1\0", 8, "256");
	/* The name alone does not decide. */
	assert_prints(btf__add_typedef(btf, "ipv4", u64_id), &(__u64){1}, 8, "1");
	assert_prints(btf__add_typedef(btf, "other", u32_id), &(__u32){80}, 4, "80");
}

static void test_devices(void **state)
{
	int id = btf__add_typedef(btf, "ifindex", u32_id);

	(void)state;
	assert_prints(id, &(__u32){5}, 4, "eth5");
	assert_prints(id, &(__u32){6}, 4, "6");
	assert_prints(id, &(__u32){7}, 4, "dev 7");
	assert_prints(id, &(__u32){0}, 4, "0");
}

static void test_data_section(void **state)
{
	int variable = btf__add_var(btf, "limit", BTF_VAR_GLOBAL_ALLOCATED, u32_id), id;

	(void)state;
	id = btf__add_datasec(btf, ".data", 8);
	btf__add_datasec_var_info(btf, variable, 4, 4);
	assert_prints(id, ((__u32[]){1, 2}), 8, "{ limit 2 }");
}

static void test_sums_do_not_wrap(void **state)
{
	struct elfmap_type *type;
	const char *culprit = NULL;
	int id = btf__add_struct(btf, "counter", 8);

	(void)state;
	btf__add_field(btf, "packets", u32_id, 0, 0);
	btf__add_field(btf, "drops", s32_id, 32, 0);
	assert_prints_copies(id, ((__u32[]){~0u, ~0u, 2, 5}), 8, 2, "{ packets 4294967297 drops 4 }");
	assert_prints_copies(u64_id, ((__u64[]){~0ull, 1}), 8, 2, "18446744073709551616");
	assert_int_equal(elfmap_type__read(btf, (__u32)id, 8, &type, NULL), 0);
	assert_true(elfmap_type__can_sum(type, &culprit));
	elfmap_type__free(type);
}

static void test_times_are_compared(void **state)
{
	int first = btf__add_typedef(btf, "earliest_ns", u64_id), last = btf__add_typedef(btf, "latest_ns", u64_id);

	(void)state;
	assert_prints_copies(first, ((__u64[]){0, 900, 700, 0}), 8, 4, "700");
	assert_prints_copies(last, ((__u64[]){0, 900, 700, 0}), 8, 4, "900");
	assert_prints_copies(first, ((__u64[]){0, 0}), 8, 2, "0");
	assert_prints(first, &(__u64){5}, 8, "5");
}

static void test_what_cannot_be_summed(void **state)
{
	int address = btf__add_typedef(btf, "ipv4", u32_id);
	int addresses = btf__add_array(btf, s32_id, address, 1);
	int id = btf__add_struct(btf, "entry", 8);
	struct elfmap_type *type;
	const char *culprit = NULL;

	(void)state;
	btf__add_field(btf, "packets", u32_id, 0, 0);
	btf__add_field(btf, "seen", addresses, 32, 0);
	assert_int_equal(elfmap_type__read(btf, (__u32)id, 8, &type, NULL), 0);
	assert_false(elfmap_type__can_sum(type, &culprit));
	assert_string_equal(culprit, "seen");
	elfmap_type__free(type);
}

static void test_without_btf(void **state)
{
	struct elfmap_type *type = elfmap_type__new(ELFMAP_STRUCT, 6);
	struct elfmap_value value = {.bytes = "\x18\0\0\0\x0a\xff", .copies = 1};

	(void)state;
	assert_int_equal(elfmap_type__add_member(type, "prefixlen", 0, ELFMAP_INTEGER, 4), 0);
	assert_int_equal(elfmap_type__add_member(type, "data", 4, ELFMAP_HEX, 2), 0);
	assert_writes(type, &value, "{ prefixlen 24 data hex 0a ff }");
	elfmap_type__free(type);
}

static void test_contradictions_are_refused(void **state)
{
	int beyond = btf__add_struct(btf, "beyond", 4), function, itself, nothing, pair, fields;

	(void)state;
	btf__add_field(btf, "late", u64_id, 0, 0);
	function = btf__add_func_proto(btf, u32_id);
	itself = btf__add_struct(btf, "itself", 8);
	btf__add_field(btf, "again", itself, 0, 0);
	nothing = btf__add_array(btf, s32_id, btf__add_struct(btf, "empty", 0), 1000000000);
	pair = btf__add_array(btf, s32_id, u8_id, 2);
	fields = btf__add_struct(btf, "fields", 8);
	btf__add_field(btf, "odd", pair, 0, 3);
	assert_refused(u32_id, 8, "has 4 bytes where the map has 8");
	assert_refused(0, 0, "not the type of a value");
	assert_refused(123456, 4, "missing");
	assert_refused(beyond, 4, "beyond its struct");
	assert_refused(function, 4, "not the type of a value");
	assert_refused(itself, 8, "nested too deeply");
	assert_refused(nothing, 0, "an array of elements without size");
	assert_refused(fields, 8, "a bit field that is not a number");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_integers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bool, setup, teardown),
		cmocka_unit_test_setup_teardown(test_struct_with_padding, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bit_fields, setup, teardown),
		cmocka_unit_test_setup_teardown(test_signed_bit, setup, teardown),
		cmocka_unit_test_setup_teardown(test_members_of_anonymous_structs, setup, teardown),
		cmocka_unit_test_setup_teardown(test_arrays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_enums, setup, teardown),
		cmocka_unit_test_setup_teardown(test_typedef_names_decide, setup, teardown),
		cmocka_unit_test_setup_teardown(test_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(test_data_section, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sums_do_not_wrap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_times_are_compared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_summed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_without_btf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_contradictions_are_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
