// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* read, references between maps and to types: inner templates and annotations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

static const struct bpf_elf_map array = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 16};

static struct bpf_elf_map inner(__u32 id, __u32 idx)
{
	return (struct bpf_elf_map){
		.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 1, .id = id, .inner_idx = idx};
}

static struct bpf_elf_map outer(__u32 type, __u32 key_size, __u32 inner_id)
{
	return (struct bpf_elf_map){
		.type = type, .size_key = key_size, .size_value = 4, .max_elem = 3, .inner_id = inner_id};
}

static void test_templates(void **state)
{
	struct elfmap_object *obj;

	subject__add_map(*state, "outer", outer(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 7));
	subject__add_map(*state, "plain", array);
	subject__add_map(*state, "inner0", inner(7, 0));
	subject__add_map(*state, "hashed", outer(BPF_MAP_TYPE_HASH_OF_MAPS, 4, 7));
	subject__add_map(*state, "inner2", inner(7, 2));
	obj = subject__read(*state);
	assert_int_equal(obj->maps[0].inner, 2);
	assert_int_equal(obj->maps[3].inner, 2);
	assert_int_equal(obj->maps[1].inner, -1);
	assert_true(obj->maps[2].is_inner && obj->maps[4].is_inner);
	assert_false(obj->maps[0].is_inner || obj->maps[1].is_inner || obj->maps[3].is_inner);
}

static void test_order_for_libbpf(void **state)
{
	static const char *const expected[] = {"plain", "inner", "last", "outer", "hashed"};
	struct elfmap_object *obj;

	subject__add_map(*state, "outer", outer(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 7));
	subject__add_map(*state, "plain", array);
	subject__add_map(*state, "hashed", outer(BPF_MAP_TYPE_HASH_OF_MAPS, 4, 7));
	subject__add_map(*state, "inner", inner(7, 0));
	subject__add_map(*state, "last", array);
	obj = subject__read(*state);
	for (size_t nth = 0; nth < 5; nth++)
		assert_string_equal(obj->maps[elfmap_object__map_order(obj, nth)].name, expected[nth]);
	assert_int_equal(elfmap_object__map_order(obj, 5), 5);
	assert_int_equal(elfmap_object__map_order(obj, 500), 5);
}

static void test_outer_without_template(void **state)
{
	subject__add_map(*state, "given", outer(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 0));
	assert_int_equal(subject__read(*state)->maps[0].inner, -1); /* may have a pin */
}

static void test_missing_template(void **state)
{
	subject__add_map(*state, "plain", inner(6, 0));
	subject__add_map(*state, "outer", outer(BPF_MAP_TYPE_HASH_OF_MAPS, 4, 7));
	subject__assert_problem(*state, "map 'outer': inner_id 7: no map has this id");
}

static void test_key_of_other_size(void **state)
{
	subject__add_map(*state, "inner", inner(7, 1));
	subject__add_map(*state, "outer", outer(BPF_MAP_TYPE_HASH_OF_MAPS, 8, 7));
	subject__assert_problem(*state, "map 'inner': inner_idx 1 cannot be a key of map 'outer', whose keys have 8 "
					"bytes; set it to -1 and insert the inner map from user space");
}

static void test_not_inserted(void **state)
{
	subject__add_map(*state, "inner", inner(7, -1u));
	subject__add_map(*state, "outer", outer(BPF_MAP_TYPE_HASH_OF_MAPS, 8, 7));
	assert_int_equal(subject__read(*state)->maps[1].inner, 0);
}

static void test_inner_past_the_end(void **state)
{
	subject__add_map(*state, "inner", inner(7, 3));
	subject__add_map(*state, "outer", outer(BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 7));
	subject__assert_problem(*state, "map 'inner': inner_idx 3 is past the end of map 'outer' (3 entries)");
}

static void test_inner_too_far(void **state)
{
	subject__add_map(*state, "inner", inner(7, 65536));
	subject__add_map(*state, "outer", outer(BPF_MAP_TYPE_HASH_OF_MAPS, 4, 7));
	subject__assert_problem(*state, "map 'inner': inner_idx 65536 for map 'outer': at most 65535");
}

static void test_annotated(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	subject__take_testdata(subject, "annotated");
	obj = subject__read(subject);
	assert_true(obj->has_btf);
	assert_string_equal(obj->maps[0].name, "flows");
	assert_int_not_equal(obj->maps[0].key_type, 0);
	assert_int_not_equal(obj->maps[0].value_type, 0);
	assert_int_equal(obj->maps[1].key_type, 0);
	assert_int_equal(obj->maps[1].value_type, 0);
	subject__take_testdata(subject, "annotated.nobtf");
	obj = subject__read(subject);
	assert_false(obj->has_btf);
	assert_int_equal(obj->maps[0].key_type, 0);
}

/* The definition has precedence: types of another size are not used for key and value. */
static void test_annotation_of_other_size(void **state)
{
	struct subject *subject = *state;
	struct bpf_elf_map *defs;

	subject__take_testdata(subject, "annotated");
	defs = (void *)((char *)subject->bytes + bytes__section(subject->bytes, "maps")->sh_offset);
	defs[0].size_value++;
	assert_int_equal(subject__read(subject)->maps[0].key_type, 0);
}

/* The kernel refuses these maps with BTF. */
static void test_annotation_for_a_type_without_btf(void **state)
{
	struct subject *subject = *state;
	struct bpf_elf_map *defs;

	subject__take_testdata(subject, "annotated");
	defs = (void *)((char *)subject->bytes + bytes__section(subject->bytes, "maps")->sh_offset);
	defs[0].type = BPF_MAP_TYPE_STACK;
	assert_int_equal(subject__read(subject)->maps[0].key_type, 0);
}

/* A header with parts past the end of the section, or of another byte order: handled as if there were no BTF. */
static void test_damaged_btf(void **state)
{
	static const struct {
		size_t at;
		unsigned char with;
	} damages[] = {{0, 0}, {4, 0}, {4, 26}, {7, 0x7f}, {11, 0x7f}, {15, 0x7f}, {19, 0x7f}, {23, 0x7f}};
	struct subject *subject = *state;

	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		unsigned char *btf;

		subject__take_testdata(subject, "annotated");
		btf = (unsigned char *)subject->bytes + bytes__section(subject->bytes, ".BTF")->sh_offset;
		btf[damages[i].at] = damages[i].with;
		assert_false(subject__read(subject)->has_btf);
		assert_int_equal(subject->obj->nr_maps, 2);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_templates),
		TEST(test_order_for_libbpf),
		TEST(test_outer_without_template),
		TEST(test_missing_template),
		TEST(test_key_of_other_size),
		TEST(test_not_inserted),
		TEST(test_inner_past_the_end),
		TEST(test_inner_too_far),
		TEST(test_annotated),
		TEST(test_annotation_of_other_size),
		TEST(test_annotation_for_a_type_without_btf),
		TEST(test_damaged_btf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
