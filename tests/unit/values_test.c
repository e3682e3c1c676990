// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Values as users write them: each notation in all forms, and each mistake with its place and reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "notation.h"

/* ---- scalars --------------------------------------------------------------------------------------------- */

static void test_integers(void **state)
{
	static const struct reading readings[] = {
		READS("u8", "255", 255),
		READS("u8", "0xfF", 255),
		READS("u8", "-0", 0),
		READS("s8", "-128", 0x80),
		READS("s8", "-0x80", 0x80),
		READS("be16", "80", 0, 80),
		READS("be32", "0x01020304", 1, 2, 3, 4),
		READS("be64", "258", 0, 0, 0, 0, 0, 0, 1, 2),
		READS("u64", "18446744073709551615", 255, 255, 255, 255, 255, 255, 255, 255),
		READS("u128", "340282366920938463463374607431768211455", 255, 255, 255, 255, 255, 255, 255, 255, 255,
		      255, 255, 255, 255, 255, 255, 255),
		READS("u16", "  7 # 8", 7, 0),
		READS("u16", "hex 01 02", 1, 2),
		READS("bool", "true", 1),
		READS("bool", "2", 2),
	};
	static const struct refusal refusals[] = {
		REFUSES("u8", 1, " 256", 2, "256 is not between 0 and 255"),
		REFUSES("u8", 1, "-1", 1, "-1 is not between 0 and 255"),
		REFUSES("s8", 1, "128", 1, "not between -128 and 127"),
		REFUSES("s8", 1, "-129", 1, "not between -128 and 127"),
		REFUSES("u64", 8, "18446744073709551616", 1, "not between 0 and 18446744073709551615"),
		REFUSES("u128", 16, "340282366920938463463374607431768211456", 1, "not between 0 and 3402823669"),
		REFUSES("u8", 1, "010", 1, "octal"),
		REFUSES("u8", 1, "12x", 1, "expected a number, not '12x'"),
		REFUSES("u8", 1, "0x", 1, "expected a number"),
		REFUSES("u8", 1, "", 1, "expected a number, but the line ends"),
		REFUSES("u8", 1, "# 5", 1, "the line ends"),
		REFUSES("u8", 1, "\n5", 1, "the line ends"),
		REFUSES("u16", 2, "hex 1", 6, "1 of 2 bytes"),
		REFUSES("u16", 2, "hex 1 234", 7, "expected a byte in hexadecimal, not '234'"),
		REFUSES("bool", 1, "yes", 1, "expected true or false"),
	};

	(void)state;
	CHECK(readings, refusals);
}

static void test_enums(void **state)
{
	static const struct reading readings[] = {
		READS("enum { PASS 0 DROP 2 }", "DROP", 2, 0, 0, 0),
		READS("enum { PASS 0 DROP 2 }", "7", 7, 0, 0, 0),
		READS("enum8 { NONE -1 }", "NONE", 255),
	};
	static const struct refusal refusals[] = {
		REFUSES("enum { PASS 0 }", 4, "PAS", 1, "the enum has no 'PAS'; there are: pass"),
		REFUSES("enum { PASS 0 }", 4, "-1", 1, "not between 0 and"),
	};

	(void)state;
	CHECK(readings, refusals);
}

static void test_addresses(void **state)
{
	static const struct reading readings[] = {
		READS("ipv4", "10.0.2.255", 10, 0, 2, 255),
		READS("mac", "02:00:00:0a:Bc:ff", 2, 0, 0, 10, 0xbc, 255),
		READS("ip", "10.0.0.1", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1),
		READS("ip", "2001:db8::1", 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
		READS("ipv6", "::", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		READS("ipv6", "::ffff:1.2.3.4", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 1, 2, 3, 4),
	};
	static const struct refusal refusals[] = {
		REFUSES("ipv4", 4, "10.0.0", 1, "expected an IPv4 address, not '10.0.0'"),
		REFUSES("ipv4", 4, "10.0.0.256", 1, "expected an IPv4 address"),
		REFUSES("ipv4", 4, "10.0.0.01", 1, "expected an IPv4 address"),
		REFUSES("ipv4", 4, "10.0.0.1/8", 1, "expected an IPv4 address"),
		REFUSES("ipv6", 16, "10.0.0.1", 1, "expected an IPv6 address"),
		REFUSES("mac", 6, "02:00:00:00:00", 1, "expected an address like"),
	};

	(void)state;
	CHECK(readings, refusals);
}

/* Compared with inet_pton() for every string that looks like an address. */
static void test_ipv6_as_inet_pton(void **state)
{
	static const char *const groups[] = {"0", "1", "a0", "ffff", "", ":", "00", "12345", "1.2.3.4", "::", "g"};
	unsigned int seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		unsigned char wanted[16], bytes[16];
		struct elfmap_msg msg;
		char word[128] = "";
		struct elfmap_type *type;
		struct elfmap_text text;
		bool is_address;

		for (int j = 0, nr = 1 + rand_r(&seed) % 9; j < nr; j++) {
			strcat(word, j && rand_r(&seed) % 8 ? ":" : "");
			strcat(word,
			       groups[rand_r(&seed) % (rand_r(&seed) % 3 ? 4 : sizeof(groups) / sizeof(*groups))]);
		}
		if (!*word)
			continue;
		type = elfmap_type__new(ELFMAP_IPV6, 16);
		text = elfmap_text__new(word, strlen(word), NULL, &msg);
		is_address = inet_pton(AF_INET6, word, wanted) == 1;
		if (!elfmap_text__read(&text, type, bytes) != is_address)
			fail_msg("%s: inet_pton says %d", word, is_address);
		if (is_address) {
			struct elfmap_value value = {.bytes = bytes, .copies = 1};
			struct elfmap_buffer buffer = {};
			char shown[64];

			assert_memory_equal(bytes, wanted, 16);
			elfmap_text__write(&buffer, type, &value, NULL);
			elfmap_buffer__add(&buffer, "", 1);
			assert_string_equal(buffer.bytes, inet_ntop(AF_INET6, wanted, shown, sizeof(shown)));
			elfmap_buffer__free(&buffer);
		}
		elfmap_type__free(type);
	}
}

static void test_prefixes(void **state)
{
	static const struct reading readings[] = {
		READS("prefix4", "10.0.0.0/8", 8, 0, 0, 0, 10, 0, 0, 0),
		READS("prefix4", "10.1.2.3/8", 8, 0, 0, 0, 10, 1, 2, 3), /* host bits are not cleared */
		READS("prefix4", "10.0.0.1", 32, 0, 0, 0, 10, 0, 0, 1),
		READS("prefix4", "0.0.0.0/0", 0, 0, 0, 0, 0, 0, 0, 0),
		READS("prefix4", "hex 0a 01 00 00/12", 12, 0, 0, 0, 10, 1, 0, 0),
		READS("prefix4", "hex 0c 00 00 00 0a 01 00 00", 12, 0, 0, 0, 10, 1, 0, 0),
		READS("prefix4", "{ data 10.0.0.0 prefixlen 8 }", 8, 0, 0, 0, 10, 0, 0, 0),
		READS("prefix", "10.0.0.0/8", 104, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 0),
		READS("prefix", "2001:db8::/32", 32, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
	};
	static const struct refusal refusals[] = {
		REFUSES("prefix4", 8, "10.0.0.0/33", 10, "/33 is longer than the address, which has 32 bits"),
		REFUSES("prefix", 20, "10.0.0.0/33", 10, "32 bits"),
		REFUSES("prefix4", 8, "10.0.0.0/", 10, "the prefix's length"),
		REFUSES("prefix4", 8, "10.0.0.0/8/8", 10, "the prefix's length"),
		REFUSES("prefix4", 8, "2001:db8::/32", 1, "expected a prefix"),
		REFUSES("prefix4", 8, "hex 0a 01 00 00/33", 17, "longer"),
	};

	(void)state;
	CHECK(readings, refusals);
}

static void test_strings(void **state)
{
	static const struct reading readings[] = {
		READS("string[4]", "\"ab\"", 'a', 'b', 0, 0),
		READS("string[4]", "ab", 'a', 'b', 0, 0),
		READS("string[4]", "\"abcd\"", 'a', 'b', 'c', 'd'),
		READS("string[4]", "\"\\n\\x41\\101\\\"\"", '\n', 'A', 'A', '"'),
		READS("string[4]", "\"a b#\"", 'a', ' ', 'b', '#'),
		READS("string[4]", "\"\"", 0, 0, 0, 0),
		READS("string[2]", "hex 68 69", 'h', 'i'),
	};
	static const struct refusal refusals[] = {
		REFUSES("string[4]", 4, "\"abcde\"", 1, "more than 4 characters"),
		REFUSES("string[4]", 4, "abcde", 1, "more than 4 characters"),
		REFUSES("string[4]", 4, "\"ab", 4, "the closing '\"' is missing"),
		REFUSES("string[4]", 4, "\"a\\q\"", 3, "unknown escape"),
		REFUSES("string[4]", 4, "\"a\\400\"", 3, "unknown escape"),
		REFUSES("string[4]", 4, "\"a\"b", 4, "a blank is required"),
		REFUSES("string[4]", 4, "{", 1, "expected \"text\""),
	};

	(void)state;
	CHECK(readings, refusals);
}

static void test_names_from_outside(void **state)
{
	static const struct reading readings[] = {
		READS("ifindex", "eth0", 7, 0, 0, 0),
		READS("ifindex", "dev eth0", 7, 0, 0, 0),
		READS("ifindex", "dev 7up", 8, 0, 0, 0),
		READS("ifindex", "dev \"a b\"", 9, 0, 0, 0),
		READS("ifindex", "3", 3, 0, 0, 0),
		READS("cgroup", "\"/web one\"", 3, 0, 0, 0, 0, 1, 0, 0),
		READS("cgroup", "12", 12, 0, 0, 0, 0, 0, 0, 0),
		READS("prog", "pinned jmp/a", 5, 0, 0, 0),
		READS("prog", "id 9", 9, 0, 0, 0),
		READS("prog", "9", 9, 0, 0, 0),
		READS("prog", "obj x.o sec 1/0", 6, 0, 0, 0),
		READS("map", "id 9", 9, 0, 0, 0),
	};
	static const struct refusal refusals[] = {
		REFUSES("ifindex", 4, " eth9", 2, "'eth9': no such device"),
		REFUSES("ifindex", 4, "7up", 1, "expected a number"),
		REFUSES("ifindex", 4, "a_name_of_sixteen", 1, "this is not a device"),
		REFUSES("map", 4, "obj x.o sec 1/0", 1, "expected a map: id N or pinned PIN"),
		REFUSES("prog", 4, "jmp/a", 1, "expected a program: id N, pinned PIN or obj"),
		REFUSES("prog", 4, "pinned nowhere", 1, "no such thing"),
		REFUSES("prog", 4, "obj x.o", 8, "'sec' and the program's section"),
	};

	(void)state;
	CHECK(readings, refusals);
}

/* Slots in the kernel: descriptors are written, ids are read. */
static void test_objects(void **state)
{
	struct elfmap_type *slot = elfmap_type__new(ELFMAP_PROG, 4), *group = elfmap_type__new(ELFMAP_CGROUP, 4);
	struct elfmap_type *handle = elfmap_type__new(ELFMAP_HANDLE, 8);
	struct elfmap_msg msg = {};
	const char *word = "id 9";
	struct elfmap_text text = elfmap_text__new(word, strlen(word), &names, &msg);
	__u32 id = 0;

	(void)state;
	assert_true(slot->has_objects);
	assert_reads_as(slot, "id 9", ((__u32[]){109}));
	assert_reads_as(slot, "pinned jmp/a", ((__u32[]){105}));
	assert_reads_as(slot, "obj \"a b.o\" sec \"1/0\"", ((__u32[]){106}));
	assert_reads_as(slot, "0", ((__u32[]){0}));		  /* empty */
	assert_refuses(slot, "9", 1, "expected a program: id N"); /* id or descriptor? */
	assert_refuses(slot, "id 404", 1, "no such thing");
	assert_reads_as(group, "\"/web one\"", ((__u32[]){(1ull << 40 | 3) % 1000 + 100}));
	assert_reads_as(handle, "fd 5", ((__u64[]){5}));
	assert_refuses(handle, "5", 1, "expected fd N");

	text.ids = true;
	assert_int_equal(elfmap_text__read(&text, slot, &id), 0);
	assert_int_equal(id, 9);
	assert_int_equal(elfmap_type__open_objects(slot, &names, &id, &msg), 0);
	assert_int_equal(id, 109);
	id = 404;
	assert_int_equal(elfmap_type__open_objects(slot, &names, &id, &msg), -ENOENT);
	elfmap_type__free(slot);
	elfmap_type__free(group);
	elfmap_type__free(handle);
}

static void test_names_without_resolver_are_refused(void **state)
{
	const char *const lines[] = {"eth0", "dev 7"};
	struct elfmap_type *type = type_of("ifindex", 4);
	__u32 ifindex;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct elfmap_msg msg = {};
		struct elfmap_text text = elfmap_text__new(lines[i], strlen(lines[i]), NULL, &msg);

		assert_int_equal(elfmap_text__read(&text, type, &ifindex), -EINVAL);
		assert_non_null(strstr(msg.text, "cannot be resolved here"));
	}
	elfmap_type__free(type);
}

/* ---- composed types ---------------------------------------------------------------------------------- */

static void test_structs(void **state)
{
	static const struct reading readings[] = {
		READS("struct { u8 a u16 b }", "{ a 1 b 2 }", 1, 0, 2, 0),
		READS("struct { u8 a u16 b }", "{b 2 a 1}", 1, 0, 2, 0),
		READS("struct packed { u8 a u16 b }", "{ a 1 b 2 }", 1, 2, 0),
		READS("struct { struct { u8 x } in u8 y }", "{ y 2 in { x 1 } }", 1, 2),
		READS("struct { u8 a u16 b }", "hex 01 02 03 04", 1, 2, 3, 4),
	};
	static const struct refusal refusals[] = {
		REFUSES("struct { u8 a u16 b }", 4, "{ a 1 }", 7, "field 'b' is missing"),
		REFUSES("struct { u8 a u16 b }", 4, "{ a 1 b 2 a 1 }", 11, "field 'a' is given twice"),
		REFUSES("struct { u8 a u16 b }", 4, "{ a 1 c 2 }", 7, "there is no field 'c' here"),
		REFUSES("struct { u8 a u16 b }", 4, "{ a 1 b 2", 10, "expected a field"),
		REFUSES("struct { u8 a u16 b }", 4, "a 1 b 2", 1, "expected '{', not 'a'"),
		REFUSES("struct { u8 a u16 b }", 4, "{ a 1 b 65536 }", 9, "not between"),
	};

	(void)state;
	CHECK(readings, refusals);
}

static void test_unions(void **state)
{
	struct elfmap_type *type = elfmap_type__new(ELFMAP_STRUCT, 4);

	(void)state;
	assert_int_equal(elfmap_type__add_member(type, "word", 0, ELFMAP_INTEGER, 4), 0);
	assert_int_equal(elfmap_type__add_member(type, "low", 0, ELFMAP_INTEGER, 2), 0);
	assert_int_equal(elfmap_type__add_member(type, "high", 2, ELFMAP_INTEGER, 2), 0);
	assert_true(type->overlaps);
	assert_reads_as(type, "{ word 0x20001 low 1 high 2 }", ((__u16[]){htole16(1), htole16(2)}));
	assert_reads_as(type, "{ word 0x20001 }", ((__u16[]){htole16(1), htole16(2)}));
	assert_reads_as(type, "{ high 2 low 1 }", ((__u16[]){htole16(1), htole16(2)}));
	assert_refuses(type, "{ low 1 }", 9, "field 'word' is missing");
	assert_refuses(type, "{ word 0x20001 low 2 }", 8, "contradicts another field");
	elfmap_type__free(type);
}

static void test_arrays(void **state)
{
	static const struct reading readings[] = {
		READS("u8[2][2]", "[ [ 1 2 ] [ 3 4 ] ]", 1, 2, 3, 4),
		READS("u8[3]", "[1 2 3]", 1, 2, 3),
	};
	static const struct refusal refusals[] = {
		REFUSES("u8[3]", 3, "[ 1 2 ]", 7, "the array ends after 2 of 3 values"),
		REFUSES("u8[3]", 3, "[ 1 2 3 4 ]", 9, "too many values: the array has 3"),
		REFUSES("u8[3]", 3, "[ 1 2 3", 8, "expected ']', but the line ends"),
		REFUSES("u8[3]", 3, "1 2 3", 1, "expected '['"),
	};

	(void)state;
	CHECK(readings, refusals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_ipv6_as_inet_pton),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_names_from_outside),
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_names_without_resolver_are_refused),
		cmocka_unit_test(test_structs),
		cmocka_unit_test(test_unions),
		cmocka_unit_test(test_arrays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
