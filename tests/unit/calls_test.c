// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Called functions in the sections of programs: read finds them, transcode moves them into .text, and the kernel
 * loads them with the maps of both. */
#include <bpf/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "modern.h"

#define INSN sizeof(struct bpf_insn)

static const struct bpf_elf_map array = {
	.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 1, .pinning = PIN_NONE};
static const struct elfmap_transcode_opts joined = {.sz = sizeof(joined), .prog_section = "tc"};
static const struct elfmap_transcode_opts slots = {.sz = sizeof(slots), .rename_slots = true};

/* Appends "call DISTANCE; r1 = MAP; return 0" to SECTION. Returns its offset. */
static size_t add_caller(struct subject *subject, const char *section, int distance, size_t map)
{
	const struct bpf_insn call = {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = distance};
	size_t code = object__find_section(subject->object, section), at;

	if (code)
		object__append(subject->object, code, &call, sizeof(call));
	else
		object__add_section(subject->object, section, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, &call,
				    sizeof(call));
	at = object__add_code(subject->object, section, &map, 1);
	return at - sizeof(call);
}

static size_t add_function(struct subject *subject, const char *section, const char *name, unsigned int bind,
			   unsigned int type, size_t at, size_t size)
{
	return object__add_symbol(subject->object, name, object__find_section(subject->object, section), bind, type, at,
				  size);
}

/* Every program must load, and use both maps. */
static void assert_loads(struct subject *subject, const struct elfmap_transcode_opts *opts, size_t nr_progs)
{
	struct modern modern;

	modern__open(&modern, subject, opts);
	assert_int_equal(modern.nr_progs, nr_progs);
	modern__load(&modern, BPF_PROG_TYPE_SCHED_CLS);
	for (size_t i = 0; i < nr_progs; i++) {
		__u32 maps[4], size = sizeof(struct bpf_prog_info);
		struct bpf_prog_info info = {.nr_map_ids = 4, .map_ids = (__u64)(uintptr_t)maps};

		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(modern.progs[i]), &info, &size), 0);
		assert_int_equal(info.nr_map_ids, 2);
	}
	modern__close(&modern);
}

static void assert_loads_in_every_way(struct subject *subject, size_t nr_progs)
{
	assert_loads(subject, NULL, nr_progs);
	assert_loads(subject, &joined, nr_progs);
	assert_loads(subject, &slots, nr_progs);
}

/* Old compilers leave only the distance of a call to a static function. */
static void test_no_symbol(void **state)
{
	struct subject *subject = *state;
	size_t one = subject__add_map(subject, "one", array), two = subject__add_map(subject, "two", array);
	const struct elfmap_object *obj;

	add_caller(subject, "classifier", 4, one);
	object__add_code(subject->object, "classifier", &two, 1);
	add_function(subject, "classifier", "entry", STB_GLOBAL, STT_NOTYPE, 0, 0);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_int_equal(obj->progs[0].size, 5 * INSN);
	assert_int_equal(obj->nr_subprogs, 1);
	assert_string_equal(obj->subprogs[0].name, "func5_classifier");
	assert_int_equal(obj->subprogs[0].offset, 5 * INSN);
	assert_loads_in_every_way(subject, 1);
}

/* The function that is not called is the entry, at any offset. */
static void test_function_before_entry(void **state)
{
	struct subject *subject = *state;
	size_t one = subject__add_map(subject, "one", array), two = subject__add_map(subject, "two", array), at;
	const struct elfmap_object *obj;

	object__add_code(subject->object, "classifier", &two, 1);
	at = add_caller(subject, "classifier", -5, one);
	add_function(subject, "classifier", "first", STB_LOCAL, STT_FUNC, 0, 4 * INSN);
	add_function(subject, "classifier", "entry", STB_GLOBAL, STT_FUNC, at, 5 * INSN);
	obj = subject__read(subject);
	assert_int_equal(obj->nr_progs, 1);
	assert_string_equal(obj->progs[0].name, "entry");
	assert_loads_in_every_way(subject, 1);
}

/* Both forms of a relocation: against the function's symbol, and against the section's. */
static void assert_linked(struct subject *subject, bool by_section)
{
	size_t one = subject__add_map(subject, "one", array), two = subject__add_map(subject, "two", array);
	size_t function, section;

	add_caller(subject, "classifier", by_section ? 4 : -1, one);
	object__add_code(subject->object, "classifier", &two, 1);
	section = add_function(subject, "classifier", "", STB_LOCAL, STT_SECTION, 0, 0);
	add_function(subject, "classifier", "entry", STB_GLOBAL, STT_FUNC, 0, 5 * INSN);
	function = add_function(subject, "classifier", "linked", STB_GLOBAL, STT_FUNC, 5 * INSN, 4 * INSN);
	object__add_relocation(subject->object, object__find_section(subject->object, "classifier"), 0,
			       by_section ? section : function);
	assert_int_equal(subject__read(subject)->nr_progs, 1);
	assert_loads_in_every_way(subject, 1);
}

static void test_relocated(void **state)
{
	assert_linked(*state, false);
}

static void test_relocated_by_section(void **state)
{
	assert_linked(*state, true);
}

/* In another section: it is a program as well, since a command line may name the section. */
static void test_other_section(void **state)
{
	struct subject *subject = *state;
	size_t one = subject__add_map(subject, "one", array), two = subject__add_map(subject, "two", array), other;
	const size_t both[] = {one, two};

	other = object__add_program(subject->object, "other", "shared", both, 2);
	add_caller(subject, "classifier", -1, one);
	add_function(subject, "classifier", "entry", STB_GLOBAL, STT_FUNC, 0, 5 * INSN);
	object__add_relocation(subject->object, object__find_section(subject->object, "classifier"), 0, other);
	assert_int_equal(subject__read(subject)->nr_subprogs, 1);
	assert_int_equal(subject->obj->nr_progs, 2);
	assert_loads_in_every_way(subject, 2);
}

static void add_call_from_text(struct subject *subject)
{
	size_t one = subject__add_map(subject, "one", array), two = subject__add_map(subject, "two", array), code;
	size_t library, last;

	add_caller(subject, ".text", -1, one);
	library = add_function(subject, ".text", "library", STB_GLOBAL, STT_FUNC, 0, 5 * INSN);
	add_caller(subject, "classifier", -1, one);
	object__add_code(subject->object, "classifier", &two, 1);
	add_function(subject, "classifier", "entry", STB_GLOBAL, STT_FUNC, 0, 5 * INSN);
	last = add_function(subject, "classifier", "last", STB_GLOBAL, STT_FUNC, 5 * INSN, 4 * INSN);
	code = object__find_section(subject->object, "classifier");
	object__add_relocation(subject->object, code, 0, library);
	object__add_relocation(subject->object, object__find_section(subject->object, ".text"), 0, last);
}

/* From a function of .text that is called from another section. */
static void test_called_from_text(void **state)
{
	add_call_from_text(*state);
	assert_loads_in_every_way(*state, 1);
}

/* No byte after the symbol table is read: here it ends the file. */
static void test_symbols_at_the_end(void **state)
{
	struct subject *subject = *state;
	Elf64_Shdr *symtab;
	size_t end;

	add_call_from_text(subject);
	subject__write(subject);
	end = (subject->size + 7) / 8 * 8;
	subject->size = end + bytes__section(subject->bytes, ".symtab")->sh_size;
	subject->bytes = realloc(subject->bytes, subject->size);
	assert_non_null(subject->bytes);
	symtab = bytes__section(subject->bytes, ".symtab");
	memcpy((char *)subject->bytes + end, (char *)subject->bytes + symtab->sh_offset, symtab->sh_size);
	symtab->sh_offset = end;
	assert_loads_in_every_way(subject, 1);
}

/* ---- calls that are not accepted ---------------------------------------------------------------------------- */

static void test_call_outside_the_section(void **state)
{
	struct subject *subject = *state;
	size_t one = subject__add_map(subject, "one", array);

	for (int i = 0; i < 3; i++) {
		static const int distances[] = {999, -999, INT32_MAX};

		add_caller(subject, "classifier", distances[i], one);
	}
	add_function(subject, "classifier", "entry", STB_GLOBAL, STT_FUNC, 0, 0);
	assert_int_equal(subject__read(subject)->nr_subprogs, 0);
	assert_int_equal(subject->obj->nr_progs, 1);
}

static void test_call_of_itself(void **state)
{
	struct subject *subject = *state;
	size_t one = subject__add_map(subject, "one", array);
	struct modern modern;

	add_caller(subject, "classifier", -1, one);
	add_function(subject, "classifier", "entry", STB_GLOBAL, STT_FUNC, 0, 5 * INSN);
	assert_int_equal(subject__read(subject)->nr_progs, 1);
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_progs, 1);
	modern__close(&modern);
}

static void test_too_many_calls(void **state)
{
	struct subject *subject = *state;
	size_t one = subject__add_map(subject, "one", array);

	for (int i = 0; i < 5000; i++)
		add_caller(subject, "classifier", 4, one);
	object__add_code(subject->object, "classifier", &one, 1);
	subject__assert_problem(subject, "section 'classifier': with it, more than 4096 functions are called");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_no_symbol),	       TEST(test_function_before_entry),
		TEST(test_relocated),	       TEST(test_relocated_by_section),
		TEST(test_other_section),      TEST(test_called_from_text),
		TEST(test_symbols_at_the_end), TEST(test_call_outside_the_section),
		TEST(test_call_of_itself),     TEST(test_too_many_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
