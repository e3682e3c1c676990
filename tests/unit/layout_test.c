// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Conversions between random pairs of structs, compared with a conversion that follows both trees bit by bit for each
 * value; and the cases that a random pair does not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "object/layout.h"

#define ROUNDS 20000
#define VALUES 4
#define MAX_MEMBERS 6
#define MAX_NODES 512

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

/* ---- random types --------------------------------------------------------------------------------------------------
 */

enum kind { NUMBER, ARRAY, STRUCT };

struct node {
	enum kind kind;
	char name[8];
	size_t bit; /* within its struct */
	size_t size;
	unsigned int bits; /* of a number */
	bool is_signed;
	unsigned int nr; /* members or elements */
	struct node *of; /* members, or the element */
	int id;
};

static struct node nodes[MAX_NODES];
static size_t nr_nodes;
static struct btf *btf[2];
static int numbers[2][4][2]; /* ids by size and sign */

static struct node *new_nodes(unsigned int nr)
{
	struct node *node = &nodes[nr_nodes];

	nr_nodes += nr;
	assert_true(nr_nodes <= MAX_NODES);
	memset(node, 0, nr * sizeof(*node));
	return node;
}

static void draw_number(int side, struct node *node)
{
	unsigned int log = draw_below(4);

	node->kind = NUMBER;
	node->size = 1u << log;
	node->bits = (unsigned int)node->size * 8;
	node->is_signed = draw_below(2);
	node->id = numbers[side][log][node->is_signed];
}

static void draw_type(int side, struct node *node, int depth);

static void draw_array(int side, struct node *node, int depth)
{
	node->kind = ARRAY;
	node->nr = draw_below(4);
	node->of = new_nodes(1);
	draw_type(side, node->of, depth + 1);
	node->size = node->nr * node->of->size;
	node->id = btf__add_array(btf[side], numbers[side][2][0], node->of->id, node->nr);
	assert_true(node->id > 0);
}

/* Members are padded to 8 bytes now and then; a bitfield has a unit of its own. */
static void place(struct node *parent, struct node *member, bool *ret_is_bits)
{
	*ret_is_bits = member->kind == NUMBER && draw_below(3) == 0;
	if (draw_below(3) == 0)
		parent->size = (parent->size + 7) / 8 * 8;
	member->bit = parent->size * 8;
	parent->size += member->size;
	if (*ret_is_bits) {
		member->bits = 1 + draw_below((unsigned int)member->size * 8);
		member->bit += draw_below((unsigned int)member->size * 8 - member->bits + 1);
	}
}

static void draw_struct(int side, struct node *node, int depth)
{
	static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	unsigned int first = draw_below(8);
	bool is_bits[MAX_MEMBERS] = {};

	node->kind = STRUCT;
	node->nr = 1 + draw_below(MAX_MEMBERS);
	node->of = new_nodes(node->nr);
	for (unsigned int i = 0; i < node->nr; i++) {
		draw_type(side, &node->of[i], depth + 1);
		strcpy(node->of[i].name, names[(first + i * 3) % 8]);
		place(node, &node->of[i], &is_bits[i]);
	}
	node->id = btf__add_struct(btf[side], "", (__u32)node->size);
	assert_true(node->id > 0);
	for (unsigned int i = 0; i < node->nr; i++)
		assert_int_equal(btf__add_field(btf[side], node->of[i].name, node->of[i].id, (__u32)node->of[i].bit,
						is_bits[i] ? node->of[i].bits : 0),
				 0);
}

static void draw_type(int side, struct node *node, int depth)
{
	unsigned int what = depth > 2 ? 0 : draw_below(6);

	if (what < 4)
		draw_number(side, node);
	else if (what == 4)
		draw_array(side, node, depth);
	else
		draw_struct(side, node, depth);
}

static void begin(void)
{
	for (int side = 0; side < 2; side++) {
		btf[side] = btf__new_empty();
		for (int log = 0; log < 4; log++)
			for (int sign = 0; sign < 2; sign++) {
				char name[16];

				snprintf(name, sizeof(name), "%c%d", sign ? 's' : 'u', 8 << log);
				numbers[side][log][sign] =
					btf__add_int(btf[side], name, 1u << log, sign ? BTF_INT_SIGNED : 0);
			}
	}
	nr_nodes = 0;
}

static void end(void)
{
	btf__free(btf[0]);
	btf__free(btf[1]);
}

/* ---- the reference
 * --------------------------------------------------------------------------------------------------- */

static uint64_t get_bits(const unsigned char *bytes, size_t bit, unsigned int bits)
{
	uint64_t number = 0;

	for (unsigned int i = 0; i < bits; i++)
		number |= (uint64_t)(bytes[(bit + i) / 8] >> (bit + i) % 8 & 1) << i;
	return number;
}

static void put_bits(unsigned char *bytes, size_t bit, unsigned int bits, uint64_t number)
{
	for (unsigned int i = 0; i < bits; i++) {
		unsigned char mask = (unsigned char)(1u << (bit + i) % 8);

		bytes[(bit + i) / 8] = (unsigned char)((bytes[(bit + i) / 8] & ~mask) | (number >> i & 1 ? mask : 0));
	}
}

static __int128 value_of(const struct node *node, uint64_t bits)
{
	return node->is_signed && bits >> (node->bits - 1) ? (__int128)bits - ((__int128)1 << node->bits)
							   : (__int128)bits;
}

static bool convert_number(const struct node *from, const unsigned char *bytes, size_t from_bit, const struct node *to,
			   unsigned char *out, size_t to_bit)
{
	uint64_t bits = get_bits(bytes, from_bit, from->bits);
	__int128 value = value_of(from, bits), one = 1;
	__int128 least = to->is_signed ? -(one << (to->bits - 1)) : 0;
	__int128 most = to->is_signed ? (one << (to->bits - 1)) - 1 : (one << to->bits) - 1;

	if (from->bits != to->bits && (value < least || value > most))
		return false;
	put_bits(out, to_bit, to->bits, (uint64_t)value);
	return true;
}

static bool reference(const struct node *from, const unsigned char *bytes, size_t from_bit, const struct node *to,
		      unsigned char *out, size_t to_bit)
{
	bool fits = true;

	if (from->kind != to->kind)
		return true;
	if (from->kind == NUMBER)
		return convert_number(from, bytes, from_bit, to, out, to_bit);
	for (unsigned int i = 0; from->kind == ARRAY && i < from->nr; i++) {
		size_t at = from_bit + i * from->of->size * 8;

		if (i < to->nr)
			fits &= reference(from->of, bytes, at, to->of, out, to_bit + i * to->of->size * 8);
		for (size_t k = 0; i >= to->nr && k < from->of->size; k++)
			fits &= !bytes[at / 8 + k];
	}
	for (unsigned int i = 0; from->kind == STRUCT && i < from->nr; i++)
		for (unsigned int k = 0; k < to->nr; k++)
			if (!strcmp(from->of[i].name, to->of[k].name))
				fits &= reference(&from->of[i], bytes, from_bit + from->of[i].bit, &to->of[k], out,
						  to_bit + to->of[k].bit);
	return fits;
}

/* Sets the bits of all numbers in BYTES, to those of MAKE. */
static void fill(const struct node *node, unsigned char *bytes, size_t bit, uint64_t (*make)(void))
{
	if (node->kind == NUMBER)
		put_bits(bytes, bit, node->bits, make());
	for (unsigned int i = 0; node->kind != NUMBER && i < node->nr; i++)
		if (node->kind == ARRAY)
			fill(node->of, bytes, bit + i * node->of->size * 8, make);
		else
			fill(&node->of[i], bytes, bit + node->of[i].bit, make);
}

static uint64_t small_number(void)
{
	return draw_below(40) ? draw_below(2) : draw();
}

static uint64_t all_ones(void)
{
	return ~0ull;
}

/* ---- random pairs
 * ------------------------------------------------------------------------------------------------------ */

static size_t nr_converted, nr_refused, nr_same;

static void compare(const struct elfmap_layout *layout, const struct node *from, const struct node *to)
{
	unsigned char *bytes = calloc(1, from->size), *expected = calloc(1, to->size), *mask = calloc(1, to->size);
	unsigned char *out = malloc(to->size);
	const char *name = NULL;
	bool fits;
	int err;

	for (size_t i = 0; i < from->size && draw_below(2); i++)
		bytes[i] = (unsigned char)draw(); /* padding */
	fill(from, bytes, 0, small_number);
	fill(to, mask, 0, all_ones);
	memset(out, 0xa5, to->size);
	fits = reference(from, bytes, 0, to, expected, 0);
	err = elfmap_layout__convert(layout, bytes, out, &name);
	assert_int_equal(err, fits ? 0 : -ERANGE);
	if (err)
		assert_int_equal(strncmp(name, "value", 5), 0);
	for (size_t i = 0; !err && i < to->size; i++)
		assert_int_equal(out[i] & mask[i], expected[i] & mask[i]);
	if (layout->is_same)
		assert_memory_equal(out, bytes, to->size);
	nr_converted += !err;
	nr_refused += err != 0;
	free(bytes);
	free(expected);
	free(mask);
	free(out);
}

static void try_pair(const struct node *from, const struct node *to)
{
	const struct elfmap_layout_type old = {btf[0], (__u32)from->id, from->size};
	const struct elfmap_layout_type new = {btf[1], (__u32)to->id, to->size};
	struct elfmap_layout layout;
	struct elfmap_msg msg;

	if (elfmap_layout__plan(&old, &new, "value", &layout, &msg))
		fail_msg("seed %llu: %s", (unsigned long long)seed, msg.text);
	nr_same += layout.is_same;
	for (int i = 0; i < VALUES; i++)
		compare(&layout, from, to);
	elfmap_layout__free(&layout);
}

static void test_random_pairs(void **state)
{
	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct node from = {}, to = {};

		seed = 0x9e3779b97f4a7c15ull * (round + 1);
		begin();
		draw_struct(0, &from, 0);
		if (round % 8 == 0) /* the same again: nothing to convert */
			seed = 0x9e3779b97f4a7c15ull * (round + 1);
		draw_struct(1, &to, 0);
		if (from.size && to.size)
			try_pair(&from, &to);
		end();
	}
	assert_true(nr_converted > ROUNDS);
	assert_true(nr_refused > ROUNDS / 100);
	assert_true(nr_same > ROUNDS / 16);
}

/* ---- single cases
 * ------------------------------------------------------------------------------------------------------ */

static int add_struct(int side, const char *name, __u32 size, const char *member, int type)
{
	int id = btf__add_struct(btf[side], name, size);

	assert_int_equal(btf__add_field(btf[side], member, type, 0, 0), 0);
	return id;
}

static int plan(int from, size_t from_size, int to, size_t to_size, struct elfmap_layout *layout)
{
	const struct elfmap_layout_type old = {btf[0], (__u32)from, from_size};
	const struct elfmap_layout_type new = {btf[1], (__u32)to, to_size};
	struct elfmap_msg msg;

	return elfmap_layout__plan(&old, &new, "value", layout, &msg);
}

static void test_refused(void **state)
{
	struct elfmap_layout layout;

	(void)state;
	begin();
	assert_int_equal(plan(numbers[0][2][0], 4, add_struct(1, "s", 4, "a", numbers[1][2][0]), 4, &layout), -EINVAL);
	assert_int_equal(plan(numbers[0][2][0], 8, numbers[1][3][0], 8, &layout), -EINVAL); /* 4 bytes, the map has 8 */
	assert_int_equal(plan(99, 4, numbers[1][3][0], 8, &layout), -EINVAL);		    /* no such type */
	end();
}

/* Each union has the one before twice, and the last has 2^30 members in all. */
static int nested_unions(int side)
{
	int id = numbers[side][2][0];
	char name[16];

	for (int i = 0; i < 30; i++) {
		int inner = id;

		snprintf(name, sizeof(name), "u%d", i);
		id = btf__add_union(btf[side], name, 4);
		assert_int_equal(btf__add_field(btf[side], "a", inner, 0, 0), 0);
		assert_int_equal(btf__add_field(btf[side], "b", inner, 0, 0), 0);
	}
	return id;
}

static void test_many_members(void **state)
{
	struct elfmap_layout layout;

	(void)state;
	begin();
	assert_int_equal(plan(nested_unions(0), 4, nested_unions(1), 4, &layout), -E2BIG);
	end();
}

static void test_plain_numbers(void **state)
{
	struct elfmap_layout layout;
	int32_t from = -5;
	int64_t to;

	(void)state;
	begin();
	assert_int_equal(plan(numbers[0][2][1], 4, numbers[1][3][1], 8, &layout), 0);
	assert_int_equal(elfmap_layout__convert(&layout, &from, &to, NULL), 0);
	assert_int_equal(to, -5);
	assert_int_equal(layout.nr_changes, 0);
	elfmap_layout__free(&layout);
	assert_int_equal(plan(numbers[0][2][1], 4, numbers[1][2][0], 4, &layout), 0);
	assert_true(layout.is_same);
	elfmap_layout__free(&layout);
	end();
}

static int prefix(int side, __u32 data, const char *name)
{
	int array = btf__add_array(btf[side], numbers[side][2][0], numbers[side][0][0], data);
	int id = btf__add_struct(btf[side], "key", 4 + data);

	assert_int_equal(btf__add_field(btf[side], "prefixlen", numbers[side][2][0], 0, 0), 0);
	assert_int_equal(btf__add_field(btf[side], name, array, 32, 0), 0);
	return id;
}

static void test_prefixes(void **state)
{
	struct elfmap_layout layout;
	unsigned char from[8] = {16, 0, 0, 0, 10, 9, 0, 0}, to[20];
	struct elfmap_msg msg;

	(void)state;
	begin();
	assert_int_equal(plan(prefix(0, 4, "data"), 8, prefix(1, 16, "data"), 20, &layout), 0);
	assert_int_equal(elfmap_layout__make_prefix(&layout, &msg), 0);
	assert_int_equal(elfmap_layout__convert(&layout, from, to, NULL), 0);
	assert_memory_equal(from, to, 8);
	elfmap_layout__free(&layout);
	assert_int_equal(plan(prefix(0, 4, "data"), 8, prefix(1, 16, "other"), 20, &layout), 0);
	assert_int_equal(elfmap_layout__make_prefix(&layout, &msg), -EINVAL);
	elfmap_layout__free(&layout);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_pairs), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_many_members), cmocka_unit_test(test_plain_numbers),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
