// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Values are read back as the bytes that were written: for random types, in words and in BTF (bit fields,
 * unions, padding), and for random bytes. Any line is either refused, or its value can be written and read back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/values.h"

#define ROUNDS 3000
#define MAX_COPIES 3

static uint64_t seed;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static unsigned int draw_below(unsigned int limit)
{
	return (unsigned int)(draw() >> 20) % limit;
}

/* ---- names: each number has one, and some look like another notation ------------------------------- */

static char name_text[64];

static const char *device_name(struct elfmap_resolver *self, __u32 ifindex)
{
	static const char *const odd[] = {"hex", "dev", "7up", "#1", "a\"b", "{x}", "-1", "eth\\0"};

	(void)self;
	if (ifindex % 3 == 0)
		return NULL;
	snprintf(name_text, sizeof(name_text), "%s~%x", odd[ifindex % 8], ifindex);
	if (ifindex % 3 == 1)
		snprintf(name_text, sizeof(name_text), "d~%x", ifindex);
	return name_text;
}

static int find_device(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg)
{
	const char *number = strrchr(name, '~');

	(void)self;
	snprintf(msg->text, sizeof(msg->text), "no such device");
	return number && sscanf(number + 1, "%x", ret_ifindex) == 1 ? 0 : -19;
}

static const char *cgroup_path(struct elfmap_resolver *self, __u64 id)
{
	(void)self;
	snprintf(name_text, sizeof(name_text), id % 2 ? "/a b#/%llx" : "/plain/%llx", (unsigned long long)id);
	return id % 5 ? name_text : NULL;
}

/* Ids are used as descriptors. */
static int find_object(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		       __u64 *ret_id, struct elfmap_msg *msg)
{
	unsigned long long id = reference->id;

	(void)self;
	snprintf(msg->text, sizeof(msg->text), "no such object");
	if (reference->path && sscanf(strrchr(reference->path, '/') ?: "", "/%llx", &id) != 1)
		return -2;
	if (ret_fd)
		*ret_fd = (int)id;
	*ret_id = id;
	return 0;
}

static struct elfmap_resolver names = {
	.device = find_device,
	.object = find_object,
	.device_name = device_name,
	.cgroup_path = cgroup_path,
};

/* ---- types ---------------------------------------------------------------------------------------------- */

/* A type in words, whose size is not known yet. */
static void draw_words(char *to, size_t room, unsigned int depth)
{
	static const char *const scalars[] = {
		"u8",
		"u16",
		"u32",
		"u64",
		"u128",
		"s8",
		"s16",
		"s32",
		"s64",
		"s128",
		"be16",
		"be32",
		"be64",
		"bool",
		"ipv4",
		"ipv6",
		"ip",
		"mac",
		"prefix4",
		"prefix6",
		"prefix",
		"ifindex",
		"cgroup",
		"prog",
		"map",
		"string[5]",
		"bytes[3]",
		"earliest_ns",
		"latest_ns",
		"enum { A 0 B 1 hex 2 _c 255 }",
		"enum8 { LOW -128 HIGH 127 }",
		"enum64 { BIG 18446744073709551615 }",
	};
	unsigned int kind = draw_below(depth ? 12 : 8);
	char inner[1024];

	if (depth > 3 || kind < 6 || room < 4096) {
		snprintf(to, room, "%s", scalars[draw_below(sizeof(scalars) / sizeof(*scalars))]);
	} else if (kind == 6) {
		draw_words(inner, sizeof(inner), depth + 1);
		snprintf(to, room, "%s[%u]", inner, 1 + draw_below(3));
	} else {
		size_t length = (size_t)snprintf(to, room, "struct %s{ ", draw_below(3) ? "" : "packed ");

		for (unsigned int i = 0, nr = 1 + draw_below(4); i < nr; i++) {
			draw_words(inner, sizeof(inner), depth + 1);
			length += (size_t)snprintf(to + length, room - length, "%s f%u ", inner, i);
		}
		snprintf(to + length, room - length, "}");
	}
}

/* The message of the refusal contains its size. */
static struct elfmap_type *draw_type(void)
{
	char text[8192];
	struct elfmap_type *type = NULL;
	struct elfmap_msg msg = {};
	const char *at = text, *has;
	size_t size = 0;

	draw_words(text, sizeof(text), 0);
	if (!elfmap_type__parse(&at, 1u << 20, &type, &msg))
		fail_msg("'%s' should not have a megabyte", text);
	has = strstr(msg.text, "' has ");
	if (!has || sscanf(has, "' has %zu bytes", &size) != 1)
		fail_msg("%s: %s", text, msg.text);
	at = text;
	if (elfmap_type__parse(&at, size, &type, &msg))
		fail_msg("%s: %s", text, msg.text);
	assert_int_equal(*at, '\0');
	return type;
}

static int draw_struct(struct btf *btf, const int *scalars, unsigned int depth)
{
	bool is_union = draw_below(3) == 0;
	unsigned int nr = 1 + draw_below(4);
	int types[4], id;
	__u32 bit = 0, most = 0;

	for (unsigned int i = 0; i < nr; i++) {
		unsigned int kind = draw_below(6);

		types[i] = scalars[draw_below(4)];
		if (kind == 4 && depth < 3)
			types[i] = draw_struct(btf, scalars, depth + 1);
		else if (kind == 5)
			types[i] = btf__add_array(btf, scalars[0], types[i], draw_below(4) + 1);
	}
	id = is_union ? btf__add_union(btf, "u", 0) : btf__add_struct(btf, "s", 0);
	for (unsigned int i = 0; i < nr; i++) {
		const struct btf_type *type = btf__type_by_id(btf, (__u32)types[i]);
		bool is_field = btf_is_int(type) && type->size == 4 && !is_union && draw_below(2);
		__u32 bits = is_field ? 1 + draw_below(24) : 8 * (__u32)btf__resolve_size(btf, types[i]);
		bool nameless = btf_is_composite(type) && draw_below(2);
		char name[16];

		if (is_field && bit % 32 + bits > 32)
			bit = (bit + 31) / 32 * 32;
		else if (!is_field)
			bit = (bit + 7) / 8 * 8 + 8 * draw_below(3);
		snprintf(name, sizeof(name), "m%u_%d", i, id);
		btf__add_field(btf, nameless ? NULL : name, types[i], is_union ? 0 : bit, is_field ? (int)bits : 0);
		most = bit + bits > most ? bit + bits : most;
		bit = is_union ? 0 : bit + bits;
	}
	((struct btf_type *)btf__type_by_id(btf, (__u32)id))->size = (most + 31) / 32 * 4 + 4 * draw_below(2);
	return id;
}

static struct elfmap_type *draw_btf(struct btf **ret_btf)
{
	struct btf *btf = btf__new_empty();
	const int scalars[] = {
		btf__add_int(btf, "unsigned int", 4, 0),
		btf__add_int(btf, "long", 8, BTF_INT_SIGNED),
		btf__add_int(btf, "char", 1, BTF_INT_SIGNED),
		btf__add_int(btf, "short", 2, BTF_INT_SIGNED),
	};
	int id = draw_struct(btf, scalars, 0);
	struct elfmap_type *type = NULL;
	struct elfmap_msg msg = {};

	if (elfmap_type__read(btf, (__u32)id, (size_t)btf__resolve_size(btf, (__u32)id), &type, &msg))
		fail_msg("%s", msg.text);
	*ret_btf = btf;
	return type;
}

/* ---- values ---------------------------------------------------------------------------------------------- */

static void draw_bytes(unsigned char *to, size_t size)
{
	unsigned int kind = draw_below(4);

	for (size_t i = 0; i < size; i++)
		to[i] = kind == 0 ? 0 : kind == 1 ? (unsigned char)draw_below(3) : (unsigned char)(draw() >> 9);
	/* Mapped addresses, and valid prefix lengths. */
	if (draw_below(4) == 0 && size >= 20)
		memcpy(to + draw_below((unsigned int)size - 19), "\x68\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff", 16);
	if (draw_below(4) == 0 && size >= 8)
		memcpy(to, "\x14\0\0\0", 4);
}

/* Clears the bytes after each copy, which are not part of the value. */
static void clear_gaps(const struct elfmap_format *format, unsigned char *value)
{
	for (size_t i = 0; i < format->copies; i++)
		memset(value + i * format->stride + format->value->size, 0, format->stride - format->value->size);
}

static void assert_same(const struct elfmap_format *format, const char *line, size_t length, const void *key,
			const void *value)
{
	size_t size = format->copies * format->stride;
	struct elfmap_msg msg = {};
	struct elfmap_text text = elfmap_text__new(line, length, &names, &msg);
	unsigned char *key_again = malloc(format->key->size), *again = malloc(size);

	memset(key_again, 0xa5, format->key->size);
	memset(again, 0xa5, size);
	if (elfmap_text__read_entry(&text, format, key_again, again) != 1)
		fail_msg("%.*s: column %zu: %s", (int)length, line, elfmap_text__column(&text), msg.text);
	if (memcmp(key_again, key, format->key->size) != 0 || memcmp(again, value, size) != 0)
		fail_msg("other bytes: %.*s", (int)length, line);
	assert_int_equal(elfmap_text__read_entry(&text, format, key_again, again), 0);
	free(key_again);
	free(again);
}

/* If a modified line is accepted, its value must be written as text that is read as the same value. */
static void tamper(const struct elfmap_format *format, const char *line, size_t length)
{
	static const char marks[] = "{}[]\"#\\ \n\t0x-:/.hex";
	unsigned char *key = malloc(format->key->size), *value = malloc(format->copies * format->stride);
	char *copy = malloc(length); /* without a byte after the end, to detect reads past it */
	struct elfmap_buffer buffer = {};
	struct elfmap_msg msg = {};
	struct elfmap_text text;

	memcpy(copy, line, length);
	for (unsigned int i = draw_below(4); i < 4; i++)
		copy[draw_below((unsigned int)length)] =
			draw_below(4) ? marks[draw_below(sizeof(marks) - 1)] : (char)draw();
	length -= draw_below((unsigned int)length);
	text = elfmap_text__new(copy, length, &names, &msg);
	for (int err = 1; err;) {
		err = elfmap_text__read_entry(&text, format, key, value);
		if (err < 0) {
			assert_true(msg.text[0] && text.wrong >= text.line && text.wrong <= copy + length);
			continue;
		}
		if (!err)
			break;
		buffer.length = 0;
		elfmap_text__write_entry(&buffer, format, key, value, false, &names);
		assert_same(format, buffer.bytes, buffer.length, key, value);
	}
	elfmap_buffer__free(&buffer);
	free(key);
	free(value);
	free(copy);
}

static void try_format(const struct elfmap_format *format)
{
	size_t size = format->copies * format->stride;
	unsigned char *key = malloc(format->key->size), *value = malloc(size);
	struct elfmap_buffer line = {};
	struct elfmap_json json;

	for (int i = 0; i < 4; i++) {
		draw_bytes(key, format->key->size);
		draw_bytes(value, size);
		clear_gaps(format, value);
		line.length = 0;
		elfmap_text__write_entry(&line, format, key, value, false, &names);
		assert_int_equal(line.error, 0);
		assert_ptr_equal(memchr(line.bytes, '\n', line.length), line.bytes + line.length - 1);
		assert_same(format, line.bytes, line.length, key, value);
		for (int j = 0; j < 4; j++)
			tamper(format, line.bytes, line.length);
		line.length = 0;
		json = (struct elfmap_json){.to = &line, .pretty = draw_below(2)};
		elfmap_json__entry(&json, format, key, value, false);
		assert_int_equal(line.error, 0);
	}
	elfmap_buffer__free(&line);
	free(key);
	free(value);
}

static void try_types(const struct elfmap_type *key, const struct elfmap_type *value)
{
	struct elfmap_format format = {.key = key, .value = value, .copies = 1, .stride = value->size};

	if (draw_below(2)) {
		format.per_cpu = true;
		format.copies = 1 + draw_below(MAX_COPIES);
		format.stride = (value->size + 7) / 8 * 8;
	}
	try_format(&format);
}

/* ------------------------------------------------------------------------------------------------------------ */

static int setup(void **state)
{
	const char *given = getenv("ELFMAP_SEED");

	(void)state;
	seed = given ? strtoull(given, NULL, 0) : 0x9e3779b97f4a7c15;
	return 0;
}

static void test_types_in_words(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct elfmap_type *key = draw_type(), *value = draw_type();

		try_types(key, value);
		elfmap_type__free(key);
		elfmap_type__free(value);
	}
}

static void test_types_of_btf(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct btf *key_btf, *value_btf;
		struct elfmap_type *key = draw_btf(&key_btf), *value = draw_btf(&value_btf);

		try_types(key, value);
		elfmap_type__free(key);
		elfmap_type__free(value);
		btf__free(key_btf);
		btf__free(value_btf);
	}
}

/* The name of a type is parsed as an equal type. */
static void test_types_are_written(void **state)
{
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct elfmap_type *type = draw_type(), *again = NULL;
		struct elfmap_buffer words = {}, second = {};
		struct elfmap_msg msg = {};
		const char *at;

		assert_true(elfmap_type__write(&words, type));
		elfmap_buffer__add(&words, "", 1);
		at = words.bytes;
		if (elfmap_type__parse(&at, type->size, &again, &msg))
			fail_msg("%s: %s", words.bytes, msg.text);
		assert_true(elfmap_type__write(&second, again));
		elfmap_buffer__add(&second, "", 1);
		assert_string_equal(words.bytes, second.bytes);
		elfmap_buffer__free(&words);
		elfmap_buffer__free(&second);
		elfmap_type__free(type);
		elfmap_type__free(again);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_types_in_words, setup),
		cmocka_unit_test_setup(test_types_of_btf, setup),
		cmocka_unit_test_setup(test_types_are_written, setup),
	};

	libbpf_set_print(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
