// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* transcode, in the kernel: its output loads, and each program uses the right maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modern.h"

static const struct elfmap_transcode_opts values = {.sz = sizeof(values), .slot_values = true};
static const struct elfmap_transcode_opts joined = {.sz = sizeof(joined), .slot_values = true, .prog_section = "tc"};
static const struct bpf_elf_map array = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 16};

static void open_and_load(struct modern *modern, struct subject *subject, const struct elfmap_transcode_opts *opts)
{
	modern__open(modern, subject, opts);
	modern__load(modern, BPF_PROG_TYPE_SCHED_CLS);
}

static __u32 map_id(const struct modern *modern, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(modern->bpf, name);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	return info.id;
}

/* INFO contains the buffers for the kernel's answer. */
static struct bpf_prog_info ask(const struct modern *modern, const char *name, struct bpf_prog_info info)
{
	const struct bpf_program *prog = bpf_object__find_program_by_name(modern->bpf, name);
	__u32 size = sizeof(info);

	assert_non_null(prog);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &size), 0);
	return info;
}

static __u32 prog_id(const struct modern *modern, const char *name)
{
	return ask(modern, name, (struct bpf_prog_info){}).id;
}

/* Program NAME uses exactly these maps, in this order of first use. */
static void assert_uses(const struct modern *modern, const char *name, const char *const *maps, __u32 nr_maps)
{
	__u32 ids[8];
	struct bpf_prog_info info =
		ask(modern, name, (struct bpf_prog_info){.map_ids = (uintptr_t)ids, .nr_map_ids = 8});

	assert_int_equal(info.nr_map_ids, nr_maps);
	for (__u32 i = 0; i < nr_maps; i++)
		assert_int_equal(ids[i], map_id(modern, maps[i]));
}

/* The id in slot KEY of NAME; 0: empty. */
static __u32 slot(const struct modern *modern, const char *name, __u32 key)
{
	__u32 id = 0;

	return bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(modern->bpf, name), &key, &id) ? 0 : id;
}

/* ---- every compiled sample, with all options ---------------------------------------------------------------- */

static void test_samples(void **state)
{
	static const char *const samples[] = {"annotated",	   "globals",	 "map_in_map", "mapdef20",  "nolicense",
					      "pin_object",	   "samples28",	 "shared",     "tailcall",  "xdp",
					      "tailcall_unpinned", "text_entry", "undefined",  "text_calls"};
	static const struct elfmap_transcode_opts ways[] = {
		{.sz = sizeof(ways[0])},
		{.sz = sizeof(ways[0]), .slot_values = true},
		{.sz = sizeof(ways[0]), .rename_slots = true},
		{.sz = sizeof(ways[0]), .slot_values = true, .rename_slots = true},
		{.sz = sizeof(ways[0]), .prog_section = "tc"},
		{.sz = sizeof(ways[0]), .slot_values = true, .prog_section = "a/very.long name of a section"},
	};
	struct modern modern;
	char name[64];

	for (size_t i = 0; i < 2 * sizeof(samples) / sizeof(*samples); i++) {
		snprintf(name, sizeof(name), "%s%s", samples[i / 2], i % 2 ? ".nobtf" : "");
		subject__take_testdata(*state, name);
		for (size_t way = 0; way < sizeof(ways) / sizeof(*ways); way++) {
			modern__open(&modern, *state, &ways[way]);
			modern__load(&modern,
				     strcmp(samples[i / 2], "xdp") ? BPF_PROG_TYPE_SCHED_CLS : BPF_PROG_TYPE_XDP);
			modern__close(&modern);
		}
	}
}

/* ---- relocations ------------------------------------------------------------------------------------------- */

static const struct bpf_insn load_map = {.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1};
static const struct bpf_insn second_half = {};
static const struct bpf_insn set_zero = {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0};
static const struct bpf_insn leave = {.code = BPF_JMP | BPF_EXIT};

/* "r1 = byte OFFSET of section maps; return 0". Returns the section of the code. */
static size_t add_program_with_offset(struct subject *subject, __s32 offset)
{
	struct bpf_insn insns[] = {load_map, second_half, set_zero, leave};
	size_t code;

	insns[0].imm = offset;
	code = object__add_section(subject->object, "classifier", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, insns,
				   sizeof(insns));
	object__add_symbol(subject->object, "entry", code, STB_GLOBAL, STT_FUNC, 0, sizeof(insns));
	return code;
}

static void test_section_symbol(void **state)
{
	static const char *const expected[] = {"two"};
	struct subject *subject = *state;
	size_t symbol, code;
	struct modern modern;

	symbol = object__add_symbol(subject->object, "", 1, STB_LOCAL, STT_SECTION, 0, 0);
	subject__add_map(subject, "one", array);
	subject__add_map(subject, "two", array);
	code = add_program_with_offset(subject, 36);
	object__add_relocation(subject->object, code, 0, symbol);
	open_and_load(&modern, subject, NULL);
	assert_uses(&modern, "entry", expected, 1);
	modern__close(&modern);
}

static void test_addends(void **state)
{
	static const char *const two[] = {"two"}, *const three[] = {"three"};
	struct subject *subject = *state;
	size_t symbol, code;
	struct modern modern;

	symbol = object__add_symbol(subject->object, "", 1, STB_LOCAL, STT_SECTION, 0, 0);
	subject__add_map(subject, "one", array);
	subject__add_map(subject, "two", array);
	subject__add_map(subject, "three", array);
	code = add_program_with_offset(subject, 0);
	object__add_addend(subject->object, code, 0, symbol, 36);
	open_and_load(&modern, subject, NULL);
	assert_uses(&modern, "entry", two, 1);
	modern__close(&modern);
	object__add_code(subject->object, "second", NULL, 0); /* it moves if sections are joined */
	subject__write(subject);
	((Elf64_Rela *)((char *)subject->bytes + bytes__section(subject->bytes, ".relaclassifier")->sh_offset))
		->r_addend = 72;
	open_and_load(&modern, subject, &joined);
	assert_uses(&modern, "entry", three, 1);
	modern__close(&modern);
}

static void test_old_symbols(void **state)
{
	static const char *const expected[] = {"one"};
	struct subject *subject = *state;
	struct modern modern;
	size_t map, code;

	map = subject__add_map(subject, "one", array);
	object__add_code(subject->object, "classifier", &map, 1);
	code = object__find_section(subject->object, "classifier");
	object__add_symbol(subject->object, "entry", code, STB_GLOBAL, STT_NOTYPE, 0, 0);
	subject__write(subject);
	bytes__symbol(subject->bytes, "one")->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
	bytes__symbol(subject->bytes, "one")->st_size = 0;
	open_and_load(&modern, subject, NULL);
	assert_uses(&modern, "entry", expected, 1);
	modern__close(&modern);
}

/* A program refers to a map by a local symbol at the same place. */
static void test_local_alias(void **state)
{
	static const char *const expected[] = {"two"};
	struct subject *subject = *state;
	struct modern modern;
	size_t alias;

	alias = object__add_symbol(subject->object, "label", 1, STB_LOCAL, STT_NOTYPE, 36, 0);
	subject__add_map(subject, "one", array);
	subject__add_map(subject, "two", array);
	object__add_program(subject->object, "classifier", "entry", &alias, 1);
	open_and_load(&modern, subject, NULL);
	assert_uses(&modern, "entry", expected, 1);
	modern__close(&modern);
}

/* Of two names for a program, the remaining one has the maps. */
static void test_alias_of_program(void **state)
{
	static const char *const expected[] = {"one"};
	struct subject *subject = *state;
	struct modern modern;
	size_t map, code;

	map = subject__add_map(subject, "one", array);
	object__add_program(subject->object, "classifier", "entry", &map, 1);
	code = object__find_section(subject->object, "classifier");
	object__add_symbol(subject->object, "alias", code, STB_WEAK, STT_FUNC, 0, object__code_size(1));
	open_and_load(&modern, subject, NULL);
	assert_int_equal(modern.nr_progs, 1);
	assert_uses(&modern, "entry", expected, 1);
	modern__close(&modern);
}

static void test_one_section_for_all(void **state)
{
	static const char *const names[] = {"one", "two"};
	struct subject *subject = *state;
	struct modern modern;
	size_t maps[2];

	maps[0] = subject__add_map(subject, "one", array);
	maps[1] = subject__add_map(subject, "two", array);
	object__add_program(subject->object, "a", "none", NULL, 0);
	object__add_program(subject->object, "b", "both", maps, 2);
	object__add_program(subject->object, "b", "first", maps, 1);
	object__add_program(subject->object, "c", "second", maps + 1, 1);
	open_and_load(&modern, subject, &joined);
	assert_uses(&modern, "none", names, 0);
	assert_uses(&modern, "both", names, 2);
	assert_uses(&modern, "first", names, 1);
	assert_uses(&modern, "second", names + 1, 1);
	modern__close(&modern);
}

/* ---- .text -------------------------------------------------------------------------------------------------- */

/* "call CALLED; r1 = MAP; return 0" in SECTION. */
static void add_caller(struct subject *subject, const char *section, const char *name, size_t called, size_t map)
{
	static const struct bpf_insn call = {.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = -1};
	size_t code;

	code = object__add_section(subject->object, section, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, &call,
				   sizeof(call));
	object__add_code(subject->object, section, &map, 1);
	object__add_symbol(subject->object, name, code, STB_GLOBAL, STT_FUNC, 0, sizeof(call) + object__code_size(1));
	object__add_relocation(subject->object, code, 0, called);
}

static void test_old_subprogram(void **state)
{
	static const char *const expected[] = {"one", "two"};
	struct subject *subject = *state;
	size_t one, two, called;
	struct modern modern;

	one = subject__add_map(subject, "one", array);
	two = subject__add_map(subject, "two", array);
	object__add_code(subject->object, ".text", &two, 1);
	called = object__add_symbol(subject->object, "helper", object__find_section(subject->object, ".text"),
				    STB_GLOBAL, STT_NOTYPE, 0, 0);
	add_caller(subject, "a", "entry", called, one);
	add_caller(subject, "b", "other", called, one);
	for (size_t i = 0; i < 2; i++) {
		open_and_load(&modern, subject, i ? &joined : NULL);
		assert_int_equal(modern.nr_progs, 2);
		assert_uses(&modern, "entry", expected, 2);
		assert_uses(&modern, "other", expected, 2);
		modern__close(&modern);
	}
}

/* An entry in .text that calls a later function. */
static void test_text_calls_itself(void **state)
{
	static const char *const expected[] = {"one", "two"};
	struct subject *subject = *state;
	size_t one, two, helper;
	struct modern modern;

	one = subject__add_map(subject, "one", array);
	two = subject__add_map(subject, "two", array);
	helper = 4; /* the symbol after the entry's */
	add_caller(subject, ".text", "entry", helper, one);
	assert_int_equal(object__add_program(subject->object, ".text", "helper", &two, 1), helper);
	open_and_load(&modern, subject, NULL);
	assert_int_equal(modern.nr_progs, 1);
	modern__assert_program(&modern, 0, "entry", ELFMAP_TEXT_TWIN, 5 + 4);
	assert_uses(&modern, "entry", expected, 2);
	modern__close(&modern);
}

/* A call of a static function has only a distance and no relocation; joining must not change the distance. */
static void test_static_call_in_text(void **state)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_JMP | BPF_CALL, .src_reg = BPF_PSEUDO_CALL, .imm = 2}, set_zero, leave, set_zero, leave};
	static const char *const expected[] = {"one"};
	struct subject *subject = *state;
	struct modern modern;
	size_t map, text;

	map = subject__add_map(subject, "one", array);
	object__add_program(subject->object, "before", "before", &map, 1);
	text = object__add_section(subject->object, ".text", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, insns,
				   sizeof(insns));
	object__add_symbol(subject->object, "entry", text, STB_GLOBAL, STT_FUNC, 0, 3 * sizeof(*insns));
	object__add_symbol(subject->object, "local", text, STB_LOCAL, STT_FUNC, 3 * sizeof(*insns), 2 * sizeof(*insns));
	for (size_t way = 0; way < 2; way++) {
		open_and_load(&modern, subject, way ? &joined : NULL);
		assert_int_equal(modern.nr_progs, 2);
		assert_uses(&modern, "before", expected, 1);
		assert_uses(&modern, "entry", expected, 0);
		modern__close(&modern);
	}
}

/* ---- values ------------------------------------------------------------------------------------------------- */

static void assert_tail_calls(const struct modern *modern)
{
	assert_int_equal(slot(modern, "jmp_parse", 0), prog_id(modern, "stage_first"));
	assert_int_equal(slot(modern, "jmp_parse", 1), prog_id(modern, "stage_second"));
	assert_int_equal(slot(modern, "jmp_end", 0), prog_id(modern, "stage_last"));
}

static void test_tail_calls(void **state)
{
	static const char *const samples[] = {"tailcall", "tailcall.nobtf"};
	struct modern modern;

	for (size_t i = 0; i < 2; i++) {
		subject__take_testdata(*state, samples[i]);
		open_and_load(&modern, *state, &values);
		assert_tail_calls(&modern);
		modern__close(&modern);
		open_and_load(&modern, *state, &joined);
		assert_tail_calls(&modern);
		modern__close(&modern);
		open_and_load(&modern, *state, NULL);
		assert_int_equal(slot(&modern, "jmp_parse", 0), 0);
		assert_int_equal(slot(&modern, "jmp_end", 0), 0);
		modern__close(&modern);
	}
}

static void test_slots_without_symbols(void **state)
{
	const struct bpf_elf_map jumps = {
		.type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 400, .id = 5};
	struct subject *subject = *state;
	struct modern modern;
	size_t map;

	map = subject__add_map(subject, "jumps", jumps);
	object__add_code(subject->object, "0x5/0x2", &map, 1);
	object__add_program(subject->object, "05/399", "far", &map, 1);
	object__add_program(subject->object, "05/399", "beside", NULL, 0);
	open_and_load(&modern, subject, &values);
	assert_int_equal(slot(&modern, "jumps", 2), prog_id(&modern, "prog_0x5_0x2"));
	assert_int_equal(slot(&modern, "jumps", 399), prog_id(&modern, "far"));
	assert_int_equal(slot(&modern, "jumps", 1), 0);
	modern__close(&modern);
}

static void test_inner_maps(void **state)
{
	static const char *const samples[] = {"map_in_map", "map_in_map.nobtf"};
	struct modern modern;

	for (size_t i = 0; i < 2; i++) {
		subject__take_testdata(*state, samples[i]);
		open_and_load(&modern, *state, NULL);
		assert_int_equal(slot(&modern, "outer", 0), map_id(&modern, "inner"));
		assert_int_equal(slot(&modern, "outer", 1), 0);
		modern__close(&modern);
	}
}

/* Two templates for two outer maps: each outer map gets both, and no template with inner_idx -1. */
static void test_shared_templates(void **state)
{
	const struct bpf_elf_map outer = {
		.type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .size_key = 4, .size_value = 4, .max_elem = 3, .inner_id = 7};
	const struct bpf_elf_map hashed = {
		.type = BPF_MAP_TYPE_HASH_OF_MAPS, .size_key = 4, .size_value = 4, .max_elem = 3, .inner_id = 7};
	struct bpf_elf_map inner = array;
	struct modern modern;

	inner.id = 7;
	subject__add_map(*state, "outer", outer);
	inner.inner_idx = 2;
	subject__add_map(*state, "in2", inner);
	subject__add_map(*state, "hashed", hashed);
	inner.inner_idx = 0;
	subject__add_map(*state, "in0", inner);
	inner.inner_idx = -1u;
	subject__add_map(*state, "out", inner);
	open_and_load(&modern, *state, NULL);
	for (size_t i = 0; i < 2; i++) {
		const char *name = i ? "hashed" : "outer";

		assert_int_equal(slot(&modern, name, 0), map_id(&modern, "in0"));
		assert_int_equal(slot(&modern, name, 1), 0);
		assert_int_equal(slot(&modern, name, 2), map_id(&modern, "in2"));
	}
	modern__close(&modern);
}

/* ---- BTF ---------------------------------------------------------------------------------------------------- */

static void test_types_reach_the_kernel(void **state)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	struct modern modern;

	subject__take_testdata(*state, "annotated");
	open_and_load(&modern, *state, NULL);
	assert_int_equal(bpf_obj_get_info_by_fd(bpf_map__fd(modern.maps[0]), &info, &size), 0);
	assert_int_not_equal(info.btf_id, 0);
	assert_int_not_equal(info.btf_key_type_id, 0);
	assert_int_not_equal(info.btf_value_type_id, 0);
	modern__close(&modern);
}

/* Programs keep their names, function and line information when their sections move. */
static void test_lines(void **state)
{
	static const char *const progs[] = {"stage_first", "stage_second", "stage_last", "entry"};
	__u32 lines[4];
	struct modern modern;

	subject__take_testdata(*state, "tailcall");
	for (size_t way = 0; way < 2; way++) {
		open_and_load(&modern, *state, way ? &joined : NULL);
		for (size_t i = 0; i < 4; i++) {
			struct bpf_prog_info info = ask(&modern, progs[i], (struct bpf_prog_info){});

			assert_int_not_equal(info.btf_id, 0);
			assert_int_equal(info.nr_func_info, 1);
			assert_true(info.nr_line_info > 1);
			assert_string_equal(info.name, progs[i]);
			if (way)
				assert_int_equal(info.nr_line_info, lines[i]);
			lines[i] = info.nr_line_info;
		}
		modern__close(&modern);
	}
}

/* The information for .text is split into that of the entry and that of the functions it calls. */
static void test_lines_in_text(void **state)
{
	static const struct {
		const char *object, *entry;
		__u32 nr_functions;
	} samples[] = {{"text_entry", "count", 1}, {"text_calls", "entry", 3}};
	struct modern modern;

	for (size_t i = 0; i < 2; i++) {
		subject__take_testdata(*state, samples[i].object);
		for (size_t way = 0; way < 2; way++) {
			struct bpf_prog_info info;

			open_and_load(&modern, *state, way ? &joined : NULL);
			info = ask(&modern, samples[i].entry, (struct bpf_prog_info){});
			assert_int_not_equal(info.btf_id, 0);
			assert_int_equal(info.nr_func_info, samples[i].nr_functions);
			assert_true(info.nr_line_info > 2 * samples[i].nr_functions);
			modern__close(&modern);
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_samples),
		TEST(test_section_symbol),
		TEST(test_addends),
		TEST(test_old_symbols),
		TEST(test_local_alias),
		TEST(test_alias_of_program),
		TEST(test_one_section_for_all),
		TEST(test_old_subprogram),
		TEST(test_text_calls_itself),
		TEST(test_static_call_in_text),
		TEST(test_tail_calls),
		TEST(test_slots_without_symbols),
		TEST(test_inner_maps),
		TEST(test_shared_templates),
		TEST(test_types_reach_the_kernel),
		TEST(test_lines),
		TEST(test_lines_in_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
