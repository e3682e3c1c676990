// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* read, the programs: each kind of symbol that compilers have given them, and tail-call slots in each notation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/btf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

#define SMALL 16 /* bytes of a program that only returns */

static void add_prog_array(struct subject *subject, const char *name, __u32 id, __u32 slots)
{
	const struct bpf_elf_map def = {
		.type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = slots, .id = id};

	object__add_map(subject->object, name, &def, sizeof(def));
}

static size_t add_code(struct subject *subject, const char *section)
{
	object__add_code(subject->object, section, NULL, 0);
	return object__find_section(subject->object, section);
}

/* ---- symbols ------------------------------------------------------------------------------------------ */

static void test_global_function(void **state)
{
	struct subject *subject = *state;
	const struct elfmap_prog *prog;
	struct elfmap_object *obj;

	object__add_program(subject->object, "classifier", "entry", NULL, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	prog = &obj->progs[0];
	assert_string_equal(prog->name, "entry");
	assert_string_equal(prog->section, "classifier");
	assert_int_equal(prog->section_index, 1);
	assert_int_equal(prog->offset, 0);
	assert_int_equal(prog->size, SMALL);
	assert_int_equal(prog->symbol, 1);
	assert_false(prog->is_slot);
	assert_int_equal(prog->slot_map, -1);
	assert_int_equal(prog->type_hint, BPF_PROG_TYPE_SCHED_CLS);
}

/* Old compilers: NOTYPE, no size, and labels of basic blocks in the same section. */
static void test_old_function(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;
	size_t code = add_code(subject, "prog");

	object__add_symbol(subject->object, "LBB0_1", code, STB_LOCAL, STT_NOTYPE, 8, 0);
	object__add_symbol(subject->object, ".Ltmp0", code, STB_LOCAL, STT_NOTYPE, 0, 0);
	object__add_symbol(subject->object, "", code, STB_LOCAL, STT_SECTION, 0, 0);
	object__add_symbol(subject->object, "xdp_main", code, STB_GLOBAL, STT_NOTYPE, 0, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "xdp_main");
	assert_int_equal(obj->progs[0].size, SMALL);
	assert_int_equal(obj->progs[0].symbol, 4);
}

static void test_static_function(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	object__add_symbol(subject->object, "hidden", add_code(subject, "action"), STB_LOCAL, STT_FUNC, 0, SMALL);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "hidden");
	assert_int_equal(obj->progs[0].type_hint, BPF_PROG_TYPE_SCHED_ACT);
}

/* From an old compiler, without a type as well. */
static void test_old_static_function(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;
	size_t code = add_code(subject, "action");

	object__add_symbol(subject->object, "hidden", code, STB_LOCAL, STT_NOTYPE, 0, 0);
	object__add_symbol(subject->object, "label", code, STB_LOCAL, STT_NOTYPE, 8, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "hidden");
	assert_int_equal(obj->progs[0].size, SMALL);
}

static void test_no_symbol(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	add_code(subject, "0x2a/1 jump");
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "prog_0x2a_1_jump");
	assert_string_equal(obj->progs[0].section, "0x2a/1 jump");
	assert_int_equal(obj->progs[0].symbol, 0);
	assert_int_equal(obj->progs[0].size, SMALL);
}

static void test_order(void **state)
{
	static const char *const expected[] = {"first", "second", "prog_nameless", "last"};
	struct subject *subject = *state;
	struct elfmap_object *obj;
	size_t many = (add_code(subject, "many"), add_code(subject, "many"));

	add_code(subject, "nameless");
	object__add_program(subject->object, "xdp", "last", NULL, 0);
	object__add_symbol(subject->object, "second", many, STB_GLOBAL, STT_FUNC, SMALL, SMALL);
	object__add_symbol(subject->object, "first", many, STB_GLOBAL, STT_NOTYPE, 0, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(obj->progs[i].name, expected[i]);
	assert_int_equal(obj->progs[0].size, SMALL); /* up to the next symbol */
	assert_int_equal(obj->progs[1].offset, SMALL);
	assert_int_equal(obj->progs[3].type_hint, BPF_PROG_TYPE_XDP);
}

/* Of two names for one place, the global one. */
static void test_alias(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;
	size_t code = add_code(subject, "classifier");

	object__add_symbol(subject->object, "start", code, STB_LOCAL, STT_NOTYPE, 0, 0);
	object__add_symbol(subject->object, "inner_name", code, STB_LOCAL, STT_FUNC, 0, SMALL);
	object__add_symbol(subject->object, "weak_name", code, STB_WEAK, STT_FUNC, 0, SMALL);
	object__add_symbol(subject->object, "entry", code, STB_GLOBAL, STT_FUNC, 0, SMALL);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "entry");
}

static void test_no_code(void **state)
{
	struct subject *subject = *state;

	object__add_section(subject->object, "empty", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, NULL, 0);
	object__add_section(subject->object, "data", SHT_PROGBITS, SHF_ALLOC, NULL, 16);
	object__add_section(subject->object, "later", SHT_NOBITS, SHF_ALLOC | SHF_EXECINSTR, NULL, 16);
	assert_int_equal(subject__read(subject)->nr_progs, 0);
}

static void test_function_too_long(void **state)
{
	struct subject *subject = *state;

	object__add_symbol(subject->object, "entry", add_code(subject, "cls"), STB_GLOBAL, STT_FUNC, 0, 24);
	subject__assert_problem(subject,
				"section 'cls': function 'entry' at offset 0 ends past the section (16 bytes)");
}

static void test_function_outside(void **state)
{
	struct subject *subject = *state;

	object__add_symbol(subject->object, "entry", add_code(subject, "cls"), STB_GLOBAL, STT_FUNC, 1 << 20, 0);
	subject__assert_problem(subject,
				"section 'cls': function 'entry' at offset 1048576 ends past the section (16 bytes)");
}

/* Of a function in .text, which is not a program; libbpf would trust the size. */
static void test_called_function_too_long(void **state)
{
	struct subject *subject = *state;
	size_t code = add_code(subject, ".text");

	object__add_symbol(subject->object, "called", code, STB_LOCAL, STT_FUNC, 8, (uint64_t)-8);
	subject__assert_problem(subject,
				"section '.text': function 'called' at offset 8 ends past the section (16 bytes)");
}

static void test_part_of_an_instruction(void **state)
{
	struct subject *subject = *state;

	object__add_symbol(subject->object, "entry", add_code(subject, "cls"), STB_GLOBAL, STT_FUNC, 0, 12);
	subject__assert_problem(subject,
				"section 'cls': function 'entry' at offset 0: 12 bytes are not whole instructions");
}

static void test_between_instructions(void **state)
{
	struct subject *subject = *state;

	object__add_symbol(subject->object, "entry", add_code(subject, "cls"), STB_GLOBAL, STT_FUNC, 4, 8);
	subject__assert_problem(subject,
				"section 'cls': function 'entry' at offset 4: 8 bytes are not whole instructions");
}

static void test_section_without_whole_instructions(void **state)
{
	struct subject *subject = *state;

	object__add_program(subject->object, "cls", "entry", NULL, 0);
	object__append(subject->object, 1, "1234", 4);
	subject__assert_problem(subject, "section 'cls': 20 bytes are not whole instructions");
}

/* ---- .text ---------------------------------------------------------------------------------------------- */

static void test_entry_in_text(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	object__add_program(subject->object, ".text", "entry", NULL, 0);
	object__add_program(subject->object, ".text", "behind", NULL, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "entry");
	assert_string_equal(obj->progs[0].section, ".text");
	assert_int_equal(obj->progs[0].size, SMALL);
}

static void test_old_entry_in_text(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	object__add_symbol(subject->object, "entry", add_code(subject, ".text"), STB_GLOBAL, STT_NOTYPE, 0, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_int_equal(obj->progs[0].size, SMALL);
}

static void test_text_is_called(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;
	size_t called, caller;

	called = object__add_program(subject->object, ".text", "helper", NULL, 0);
	object__add_program(subject->object, "cls", "entry", NULL, 0);
	caller = object__find_section(subject->object, "cls");
	object__add_relocation(subject->object, caller, 0, called);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "entry");
}

/* An entry that calls a later function of .text is still an entry. */
static void test_text_calls_itself(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;
	size_t called;

	object__add_program(subject->object, ".text", "entry", NULL, 0);
	called = object__add_program(subject->object, ".text", "helper", NULL, 0);
	object__add_relocation(subject->object, object__find_section(subject->object, ".text"), 0, called);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "entry");
}

static void test_text_and_programs(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	subject__take_testdata(subject, "globals.nobtf");
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "count");
}

/* ---- tail-call slots -------------------------------------------------------------------------------------- */

static void test_slot_spellings(void **state)
{
	static const struct {
		const char *section;
		__u32 id, key;
		int map;
	} slots[] = {
		{"1/0", 1, 0, 1},     {"0x1/01", 1, 1, 1},  {"01/2", 1, 2, 1},	   {"1/0x3", 1, 3, 1},
		{"0X2A/0", 42, 0, 0}, {"052/07", 42, 7, 0}, {"42/10", 42, 10, 0},  {"+42/11", 42, 11, 0},
		{"3/0", 3, 0, -1},    {"-1/0", -1u, 0, -1}, {"42/12x", 42, 12, 0},
	};
	struct subject *subject = *state;
	struct elfmap_object *obj;

	add_prog_array(subject, "forty_two", 42, 20);
	add_prog_array(subject, "one", 1, 4);
	add_prog_array(subject, "one_too", 1, 4); /* tc uses the first */
	for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
		object__add_program(subject->object, slots[i].section, "f", NULL, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, sizeof(slots) / sizeof(*slots));
	for (size_t i = 0; i < obj->nr_progs; i++) {
		assert_string_equal(obj->progs[i].section, slots[i].section);
		assert_true(obj->progs[i].is_slot);
		assert_int_equal(obj->progs[i].slot_id, slots[i].id);
		assert_int_equal(obj->progs[i].slot_key, slots[i].key);
		assert_int_equal(obj->progs[i].slot_map, slots[i].map);
	}
}

static void test_no_slots(void **state)
{
	static const char *const sections[] = {"1", "1/", "/1", "a/1", "1/b", "socket/3", "08/x", "1-1"};
	struct subject *subject = *state;
	struct elfmap_object *obj;

	add_prog_array(subject, "one", 1, 4);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		object__add_program(subject->object, sections[i], "f", NULL, 0);
	obj = subject__read(subject);
	for (size_t i = 0; i < obj->nr_progs; i++) {
		assert_false(obj->progs[i].is_slot);
		assert_int_equal(obj->progs[i].slot_map, -1);
	}
}

/* A map of another type with this id has no slots. */
static void test_slot_of_other_kind(void **state)
{
	const struct bpf_elf_map array = {1, 4, 4, 4, 0, 7, 0, 0, 0};
	struct subject *subject = *state;

	object__add_map(subject->object, "array", &array, sizeof(array));
	object__add_program(subject->object, "7/0", "f", NULL, 0);
	assert_int_equal(subject__read(subject)->progs[0].slot_map, -1);
}

static void test_slot_past_the_end(void **state)
{
	struct subject *subject = *state;

	add_prog_array(subject, "jumps", 1, 4);
	object__add_program(subject->object, "1/4", "f", NULL, 0);
	subject__assert_problem(subject, "section '1/4': slot 4 of map 'jumps', which has 4 slots");
}

static void test_negative_slot(void **state)
{
	struct subject *subject = *state;

	add_prog_array(subject, "jumps", 1, 4);
	object__add_program(subject->object, "1/-1", "f", NULL, 0);
	subject__assert_problem(subject, "section '1/-1': slot -1 of map 'jumps', which has 4 slots");
}

static void test_slot_too_far(void **state)
{
	struct subject *subject = *state;

	add_prog_array(subject, "jumps", 1, 100000);
	object__add_program(subject->object, "1/65536", "f", NULL, 0);
	subject__assert_problem(subject, "section '1/65536': slot 65536 of map 'jumps': at most 65535");
}

static void test_one_slot_twice(void **state)
{
	struct subject *subject = *state;

	add_prog_array(subject, "jumps", 1, 4);
	object__add_program(subject->object, "1/2", "f", NULL, 0);
	object__add_program(subject->object, "1/1", "g", NULL, 0);
	object__add_program(subject->object, "0x1/02", "h", NULL, 0);
	subject__assert_problem(subject, "sections '1/2' and '0x1/02': both are slot 2 of map 'jumps'");
}

static void test_two_functions_in_a_slot(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;

	add_prog_array(subject, "jumps", 1, 4);
	object__add_program(subject->object, "1/2", "f", NULL, 0);
	object__add_program(subject->object, "1/2", "g", NULL, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 2);
	assert_int_equal(obj->progs[1].slot_map, 0);
}

/* ---- undefined symbols ------------------------------------------------------------------------------- */

static void test_undefined(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;
	size_t symbol, maps = 0;

	symbol = object__add_symbol(subject->object, "nowhere", 0, STB_GLOBAL, STT_NOTYPE, 0, 0);
	object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC, NULL, 0);
	object__add_program(subject->object, "broken", "first", &symbol, 1);
	object__add_program(subject->object, "broken", "second", &maps, 0);
	object__add_program(subject->object, "whole", "third", &maps, 1); /* relocated against symbol 0: none */
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 3);
	assert_string_equal(obj->progs[0].undefined, "nowhere");
	assert_string_equal(obj->progs[1].undefined, "nowhere");
	assert_null(obj->progs[2].undefined);
}

static void test_undefined_in_a_slot(void **state)
{
	struct subject *subject = *state;
	size_t symbol;

	add_prog_array(subject, "jumps", 1, 4);
	symbol = object__add_symbol(subject->object, "nowhere", 0, STB_GLOBAL, STT_NOTYPE, 0, 0);
	object__add_program(subject->object, "1/2", "f", &symbol, 1);
	subject__assert_problem(subject,
				"section '1/2': uses 'nowhere', which the object does not define; its own loader "
				"would write a value there");
}

/* The BTF declares that the kernel defines it. */
static void test_kernel_symbols(void **state)
{
	struct subject *subject = *state;
	struct elfmap_object *obj;
	struct btf *btf = btf__new_empty();
	size_t symbols[2];
	const void *raw;
	__u32 size;
	int var;

	var = btf__add_var(btf, "jiffies", BTF_VAR_GLOBAL_EXTERN, btf__add_int(btf, "int", 4, BTF_INT_SIGNED));
	btf__add_datasec(btf, ".ksyms", 0);
	btf__add_datasec_var_info(btf, var, 0, 4);
	raw = btf__raw_data(btf, &size);
	object__add_section(subject->object, ".BTF", SHT_PROGBITS, 0, raw, size);
	btf__free(btf);
	object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC, NULL, 0);
	symbols[0] = object__add_symbol(subject->object, "jiffies", 0, STB_GLOBAL, STT_NOTYPE, 0, 0);
	symbols[1] = object__add_symbol(subject->object, "nowhere", 0, STB_GLOBAL, STT_NOTYPE, 0, 0);
	object__add_program(subject->object, "one", "one", symbols, 1);
	object__add_program(subject->object, "both", "both", symbols, 2);
	obj = subject__read(subject);
	assert_null(obj->progs[0].undefined);
	assert_string_equal(obj->progs[1].undefined, "nowhere");
}

/* ---- many ------------------------------------------------------------------------------------------------- */

static void test_number_of_problems_is_limited(void **state)
{
	struct subject *subject = *state;
	char name[32];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "prog%d", i);
		object__add_symbol(subject->object, name, add_code(subject, name), STB_GLOBAL, STT_FUNC, 0, 999);
	}
	subject__assert_problem(subject,
				"section 'prog0': function 'prog0' at offset 0 ends past the section (16 bytes)");
	assert_int_equal(subject->obj->nr_problems, 32);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_global_function),
		TEST(test_old_function),
		TEST(test_static_function),
		TEST(test_old_static_function),
		TEST(test_no_symbol),
		TEST(test_order),
		TEST(test_alias),
		TEST(test_no_code),
		TEST(test_function_too_long),
		TEST(test_function_outside),
		TEST(test_called_function_too_long),
		TEST(test_part_of_an_instruction),
		TEST(test_between_instructions),
		TEST(test_section_without_whole_instructions),
		TEST(test_entry_in_text),
		TEST(test_old_entry_in_text),
		TEST(test_text_is_called),
		TEST(test_text_calls_itself),
		TEST(test_text_and_programs),
		TEST(test_slot_spellings),
		TEST(test_no_slots),
		TEST(test_slot_of_other_kind),
		TEST(test_slot_past_the_end),
		TEST(test_negative_slot),
		TEST(test_slot_too_far),
		TEST(test_one_slot_twice),
		TEST(test_two_functions_in_a_slot),
		TEST(test_undefined),
		TEST(test_undefined_in_a_slot),
		TEST(test_kernel_symbols),
		TEST(test_number_of_problems_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
