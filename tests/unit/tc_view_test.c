// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The view that tc's own parser of `maps` gets, read here with elfmap's parser, which requires the same contract. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

/* Replaces the object with the view that is made from it. */
static struct elfmap_object *see(struct subject *view, struct subject *subject)
{
	struct elfmap_msg msg;
	void *again = NULL;
	size_t size = 0;

	subject__read(subject);
	*view = (struct subject){.object = subject->object};
	if (elfmap_object__tc_view(subject->obj, &view->bytes, &view->size, &msg) ||
	    elfmap_object__tc_view(subject->obj, &again, &size, &msg))
		fail_msg("%s", msg.text);
	assert_int_equal(size, view->size);
	assert_memory_equal(again, view->bytes, size);
	free(again);
	return subject__read(view);
}

static void forget(struct subject *view)
{
	elfmap_object__free(view->obj);
	free(view->bytes);
}

static void test_ids_of_prog_arrays_only(void **state)
{
	const struct bpf_elf_map jumps = {BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 5, 0, 42, PIN_GLOBAL_NS, 0, 0};
	const struct bpf_elf_map outer = {BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 5, 0, 0, PIN_OBJECT_NS, 7, 0};
	const struct bpf_elf_map inner = {BPF_MAP_TYPE_HASH, 8, 16, 5, 1, 7, 99, 0, 3};
	struct subject *subject = *state, view;
	struct elfmap_object *obj;

	object__add_map(subject->object, "jumps", &jumps, 36);
	object__add_map(subject->object, "outer", &outer, 36);
	object__add_map(subject->object, "inner", &inner, 36);
	object__add_program(subject->object, "42/3", "f", NULL, 0);
	obj = see(&view, subject);
	assert_int_equal(obj->nr_maps, 3);
	assert_int_equal(obj->nr_progs, 0);
	assert_memory_equal(&obj->maps[0].def,
			    (&(struct bpf_elf_map){BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 5, 0, 42, 0, 0, 0}), 36);
	assert_memory_equal(&obj->maps[1].def,
			    (&(struct bpf_elf_map){BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 5, 0, 0, 0, 0, 0}), 36);
	assert_memory_equal(&obj->maps[2].def, (&(struct bpf_elf_map){BPF_MAP_TYPE_HASH, 8, 16, 5, 1, 0, 0, 0, 0}), 36);
	assert_string_equal(obj->maps[0].name, "jumps");
	assert_string_equal(obj->maps[1].name, "outer");
	assert_string_equal(obj->maps[2].name, "inner");
	forget(&view);
}

/* tc refuses any other size, and confuses its maps if symbols and definitions differ in order. */
static void test_sizes_and_order(void **state)
{
	const struct bpf_elf_map defs[2] = {{1, 4, 8, 10, 0, 0, 0, 0, 0}, {2, 4, 4, 20, 0, 0, 0, 0, 0}};
	struct subject *subject, view;
	struct elfmap_object *obj;

	for (size_t size = 16; size <= 44; size += 4) {
		void *fresh = NULL;
		size_t section;

		assert_int_equal(subject__setup(&fresh), 0);
		subject = fresh;
		section = object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC | SHF_WRITE, NULL, 0);
		for (size_t i = 0; i < 2; i++) {
			object__append(subject->object, section, &defs[i], size < 36 ? size : 36);
			object__append(subject->object, section, NULL, size < 36 ? 0 : size - 36);
		}
		object__add_symbol(subject->object, "two", section, STB_GLOBAL, STT_OBJECT, size, size);
		object__add_symbol(subject->object, "one", section, STB_GLOBAL, STT_NOTYPE, 0, 0);
		obj = see(&view, subject);
		assert_int_equal(obj->def_size, 36);
		assert_int_equal(obj->nr_maps, 2);
		assert_string_equal(obj->maps[0].name, "one");
		assert_int_equal(obj->maps[0].symbol, 1);
		assert_memory_equal(&obj->maps[0].def, &defs[0], 36);
		assert_memory_equal(&obj->maps[1].def, &defs[1], 36);
		forget(&view);
		subject__teardown(&fresh);
	}
	(void)state;
}

static void test_most_maps_and_longest_names(void **state)
{
	const struct bpf_elf_map def = {1, 4, 8, 10, 0, 0, 0, 0, 0};
	struct subject *subject = *state, view;
	struct elfmap_object *obj;
	char name[128];

	for (size_t i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "%0127zu", i);
		object__add_map(subject->object, name, &def, 36);
	}
	obj = see(&view, subject);
	assert_int_equal(obj->nr_maps, 64);
	assert_string_equal(obj->maps[63].name, name);
	forget(&view);
}

/* tc sees a section table without `maps`. */
static void test_no_maps(void **state)
{
	struct subject *subject = *state;
	struct elfmap_msg msg;
	const Elf64_Ehdr *header;
	void *bytes;
	size_t size;

	object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC, NULL, 0);
	subject__read(subject);
	assert_int_equal(elfmap_object__tc_view(subject->obj, &bytes, &size, &msg), 0);
	header = bytes;
	assert_int_equal(header->e_shnum, 2);
	assert_int_equal(bytes__section_index(bytes, ".strtab"), 1);
	assert_int_equal(header->e_machine, EM_BPF);
	free(bytes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_ids_of_prog_arrays_only),
		TEST(test_sizes_and_order),
		TEST(test_most_maps_and_longest_names),
		TEST(test_no_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
