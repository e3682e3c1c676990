// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* read, the maps: each form of definition, and each breach of the contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

static const struct bpf_elf_map array = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 16};

/* ---- definitions ------------------------------------------------------------------------------------ */

static void test_all_nine_fields(void **state)
{
	const struct bpf_elf_map def = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct elfmap_object *obj;

	subject__add_map(*state, "first", array);
	subject__add_map(*state, "second", def);
	obj = subject__read(*state);
	assert_true(obj->has_legacy_maps);
	assert_false(obj->has_btf_maps);
	assert_false(obj->has_btf);
	assert_int_equal(obj->nr_maps, 2);
	assert_int_equal(obj->def_size, 36);
	assert_string_equal(obj->maps[0].name, "first");
	assert_memory_equal(&obj->maps[0].def, &array, sizeof(array));
	assert_string_equal(obj->maps[1].name, "second");
	assert_memory_equal(&obj->maps[1].def, &def, sizeof(def));
	assert_int_equal(obj->maps[1].offset, 36);
	assert_int_equal(obj->maps[1].symbol, 2);
	assert_int_equal(obj->maps[1].inner, -1);
	assert_false(obj->maps[1].is_inner);
}

/* Members that a shorter definition lacks are zero; words after the ninth must be zero. */
static void test_every_size(void **state)
{
	const struct bpf_elf_map def = {2, 4, 8, 16, 1, 42, 2, 7, 3};

	for (size_t size = 16; size <= 44; size += 4) {
		struct bpf_elf_map expected = {};
		struct elfmap_object *obj;
		void *subject = NULL;

		assert_int_equal(subject__setup(&subject), 0);
		object__add_map(((struct subject *)subject)->object, "one", &def, size);
		object__add_map(((struct subject *)subject)->object, "two", &def, size);
		memcpy(&expected, &def, size < sizeof(def) ? size : sizeof(def));
		obj = subject__read(subject);
		assert_int_equal(obj->def_size, size);
		assert_int_equal(obj->nr_maps, 2);
		assert_memory_equal(&obj->maps[0].def, &expected, sizeof(expected));
		assert_memory_equal(&obj->maps[1].def, &expected, sizeof(expected));
		assert_int_equal(obj->maps[1].offset, size);
		subject__teardown(&subject);
	}
	(void)state;
}

static void test_order_is_that_of_definitions(void **state)
{
	struct subject *subject = *state;
	struct bpf_elf_map defs[2] = {array, array};
	struct elfmap_object *obj;
	size_t section;

	defs[1].max_elem = 99;
	section = object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, defs, sizeof(defs));
	object__add_symbol(subject->object, "behind", section, STB_GLOBAL, STT_OBJECT, 36, 36);
	object__add_symbol(subject->object, "front", section, STB_GLOBAL, STT_NOTYPE, 0, 0); /* old compilers */
	obj = subject__read(subject);
	assert_string_equal(obj->maps[0].name, "front");
	assert_int_equal(obj->maps[0].symbol, 2);
	assert_string_equal(obj->maps[1].name, "behind");
	assert_int_equal(obj->maps[1].def.max_elem, 99);
}

static void test_names(void **state)
{
	char name[129];

	memset(name, 'n', sizeof(name));
	name[127] = '\0';
	subject__add_map(*state, name, array);
	assert_string_equal(subject__read(*state)->maps[0].name, name);
}

static void test_name_too_long(void **state)
{
	char name[129];

	memset(name, 'n', sizeof(name));
	name[128] = '\0';
	subject__add_map(*state, "short", array);
	subject__add_map(*state, name, array);
	subject__assert_problem(*state, "map 'nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn...': offset 36: a name of 128 "
					"bytes, at most 127");
}

static void test_no_name(void **state)
{
	subject__add_map(*state, "named", array);
	subject__add_map(*state, "", array);
	subject__assert_problem(*state, "section maps: offset 36: a map without a name");
}

static void test_one_name_twice(void **state)
{
	subject__add_map(*state, "twin", array);
	subject__add_map(*state, "other", array);
	subject__add_map(*state, "twin", array);
	subject__assert_problem(*state, "map 'twin': offset 72: there is a map of this name at offset 0");
}

static void add_many(struct subject *subject, size_t nr)
{
	char name[32];

	for (size_t i = 0; i < nr; i++) {
		snprintf(name, sizeof(name), "map%zu", i);
		subject__add_map(subject, name, array);
	}
}

static void test_64_maps(void **state)
{
	struct elfmap_object *obj;

	add_many(*state, 64);
	obj = subject__read(*state);
	assert_int_equal(obj->nr_maps, 64);
	assert_string_equal(obj->maps[63].name, "map63");
}

static void test_65_maps(void **state)
{
	add_many(*state, 65);
	subject__assert_problem(*state, "section maps: 65 maps, at most 64");
}

static void test_no_maps(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	object__add_program(subject->object, "classifier", "entry", NULL, 0);
	obj = subject__read(subject);
	assert_false(obj->has_legacy_maps);
	assert_int_equal(obj->nr_maps, 0);
	assert_int_equal(obj->def_size, 0);
	assert_int_equal(obj->nr_progs, 1);
}

static void test_empty_section(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC, NULL, 0);
	obj = subject__read(subject);
	assert_true(obj->has_legacy_maps);
	assert_int_equal(obj->nr_maps, 0);
}

/* Only BTF describes the maps in `.maps`; without BTF there are none. (For maps with BTF see test_both_kinds_of_maps in
 * transcode_btf_test.c.) */
static void test_modern_maps_without_btf(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "old", array);
	object__add_section(subject->object, ".maps", SHT_PROGBITS, SHF_ALLOC, NULL, 32);
	assert_true(subject__read(subject)->has_legacy_maps);
	assert_false(subject->obj->has_btf_maps);
}

static void test_license(void **state)
{
	struct subject *subject = *state;

	assert_string_equal(subject__read(subject)->license, "");
	object__add_section(subject->object, "license", SHT_PROGBITS, SHF_ALLOC, "Dual BSD/GPL", 13);
	subject__write(subject);
	assert_string_equal(subject__read(subject)->license, "Dual BSD/GPL");
}

static void test_license_without_end(void **state)
{
	struct subject *subject = *state;

	object__add_section(subject->object, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 3);
	object__add_section(subject->object, "behind", SHT_PROGBITS, SHF_ALLOC, "and more", 8);
	assert_string_equal(subject__read(subject)->license, "GPL");
}

/* ---- definitions that break the contract ------------------------------------------------------------- */

static void test_static_map(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "lonely", array);
	bytes__symbol(subject__write(subject), "lonely")->st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
	subject__assert_problem(subject,
				"map 'lonely': offset 0: is not global; a map must be neither static nor weak");
}

static void test_static_map_among_others(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "shown", array);
	subject__add_map(subject, "hidden", array);
	bytes__symbol(subject__write(subject), "hidden")->st_info = ELF64_ST_INFO(STB_LOCAL, STT_OBJECT);
	subject__assert_problem(subject,
				"map 'hidden': offset 36: is not global; a map must be neither static nor weak");
}

static void test_weak_map(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "weak", array);
	subject__add_map(subject, "strong", array);
	bytes__symbol(subject__write(subject), "weak")->st_info = ELF64_ST_INFO(STB_WEAK, STT_OBJECT);
	subject__assert_problem(subject, "map 'weak': offset 0: is not global; a map must be neither static nor weak");
}

static void test_no_symbol_at_all(void **state)
{
	struct subject *subject = *state;

	object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC, &array, sizeof(array));
	subject__assert_problem(subject, "section maps: no global symbol marks a map");
}

static void test_local_alias_is_not_a_map(void **state)
{
	struct subject *subject = *state;
	size_t section;

	subject__add_map(subject, "real", array);
	section = object__find_section(subject->object, "maps");
	object__add_symbol(subject->object, "label", section, STB_LOCAL, STT_NOTYPE, 0, 0);
	object__add_symbol(subject->object, "", section, STB_LOCAL, STT_SECTION, 0, 0);
	assert_int_equal(subject__read(subject)->nr_maps, 1);
}

static void test_alias(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "one", array);
	subject__add_map(subject, "two", array);
	object__add_symbol(subject->object, "uno", object__find_section(subject->object, "maps"), STB_GLOBAL,
			   STT_OBJECT, 0, 36);
	/* Three of 24 bytes. */
	subject__assert_problem(subject, "map 'uno': offset 0: is map 'one' too");
}

/* 36 and 20 bytes are not two definitions of 28, although the sum is the same. */
static void test_mixed_sizes(void **state)
{
	struct subject *subject = *state;

	object__add_map(subject->object, "long", &array, 36);
	object__add_map(subject->object, "short", &array, 20);
	subject__assert_problem(subject, "map 'short': offset 36, 28 expected: definitions of different sizes");
}

static void test_sum_does_not_divide(void **state)
{
	struct subject *subject = *state;

	object__add_map(subject->object, "long", &array, 36);
	object__add_map(subject->object, "short", &array, 20);
	object__add_map(subject->object, "third", &array, 20);
	subject__assert_problem(subject, "section maps: 76 bytes for 3 maps: definitions of different sizes");
}

static void test_too_short(void **state)
{
	struct subject *subject = *state;

	object__add_map(subject->object, "tiny", &array, 12);
	subject__assert_problem(subject, "section maps: definitions of 12 bytes, at least 16");
}

static void test_size_without_whole_words(void **state)
{
	struct subject *subject = *state;

	object__add_map(subject->object, "odd", &array, 18);
	subject__assert_problem(subject, "section maps: 18 bytes for 1 maps: definitions of different sizes");
}

static void test_unknown_fields(void **state)
{
	struct subject *subject = *state;
	char *bytes;

	object__add_map(subject->object, "first", &array, 40);
	object__add_map(subject->object, "second", &array, 40);
	bytes = subject__write(subject);
	bytes[bytes__section(bytes, "maps")->sh_offset + 40 + 38] = 1;
	subject__assert_problem(
		subject, "map 'second': offset 78: byte 38 of its definition is not zero, and only 36 are known");
}

static void test_type_zero(void **state)
{
	subject__add_map(*state, "good", array);
	subject__add_map(*state, "void", (struct bpf_elf_map){});
	subject__assert_problem(*state, "map 'void': offset 36: type 0 (unspec)");
}

static void test_maps_without_bytes(void **state)
{
	struct subject *subject = *state;
	size_t section = object__add_section(subject->object, "maps", SHT_NOBITS, SHF_ALLOC, NULL, 36);

	object__add_symbol(subject->object, "ghost", section, STB_GLOBAL, STT_OBJECT, 0, 36);
	subject__assert_problem(subject, "section maps: ELF type 8 holds no definitions");
}

static void test_two_sections(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "first", array);
	object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC, &array, sizeof(array));
	subject__assert_problem(subject, "section maps: there are two of this name, 1 and 2");
}

/* It contains maps, with any section flags. */
static void test_code_in_maps(void **state)
{
	struct subject *subject = *state;
	size_t section = object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, &array,
					     sizeof(array));

	object__add_symbol(subject->object, "entry", section, STB_GLOBAL, STT_FUNC, 0, 16);
	subject__assert_problem(subject, "section maps: no global symbol marks a map");
	object__add_symbol(subject->object, "hits", section, STB_GLOBAL, STT_OBJECT, 0, 36);
	subject__write(subject);
	assert_int_equal(subject__read(subject)->nr_maps, 1);
	assert_int_equal(subject->obj->nr_progs, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_all_nine_fields),
		TEST(test_every_size),
		TEST(test_order_is_that_of_definitions),
		TEST(test_names),
		TEST(test_name_too_long),
		TEST(test_no_name),
		TEST(test_one_name_twice),
		TEST(test_64_maps),
		TEST(test_65_maps),
		TEST(test_no_maps),
		TEST(test_empty_section),
		TEST(test_modern_maps_without_btf),
		TEST(test_license),
		TEST(test_license_without_end),
		TEST(test_static_map),
		TEST(test_static_map_among_others),
		TEST(test_weak_map),
		TEST(test_no_symbol_at_all),
		TEST(test_local_alias_is_not_a_map),
		TEST(test_alias),
		TEST(test_mixed_sizes),
		TEST(test_sum_does_not_divide),
		TEST(test_too_short),
		TEST(test_size_without_whole_words),
		TEST(test_unknown_fields),
		TEST(test_type_zero),
		TEST(test_maps_without_bytes),
		TEST(test_two_sections),
		TEST(test_code_in_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
