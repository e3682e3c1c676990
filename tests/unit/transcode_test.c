// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* transcode: libbpf opens its output and finds the right maps and programs; nothing is loaded into the kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modern.h"
#include "subject.h"

static const struct bpf_elf_map array = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 16};

/* ---- maps ----------------------------------------------------------------------------------------------- */

static void test_every_field(void **state)
{
	const struct bpf_elf_map hash = {.type = BPF_MAP_TYPE_HASH,
					 .size_key = 12,
					 .size_value = 40,
					 .max_elem = 0x80000000,
					 .flags = BPF_F_NO_PREALLOC,
					 .id = 9};
	struct subject *subject = *state;
	struct modern modern;

	subject__add_map(subject, "hash", hash);
	subject__add_map(subject, "nothing", (struct bpf_elf_map){.type = BPF_MAP_TYPE_RINGBUF, .max_elem = 4096});
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_maps, 2);
	modern__assert_map(&modern, 0, "hash", &hash);
	modern__assert_map(&modern, 1, "nothing", &subject->obj->maps[1].def);
	assert_null(bpf_map__pin_path(modern.maps[0]));
	assert_null(bpf_map__inner_map(modern.maps[0]));
	modern__close(&modern);
}

static void test_every_size(void **state)
{
	static const struct bpf_elf_map def = {BPF_MAP_TYPE_HASH, 4, 8, 16, 1, 42, 2, 7, 3};

	for (size_t size = 16; size <= 44; size += 4) {
		struct modern modern;
		void *subject = NULL;

		assert_int_equal(subject__setup(&subject), 0);
		object__add_map(((struct subject *)subject)->object, "one", &def, size);
		object__add_map(((struct subject *)subject)->object, "two", &def, size);
		modern__open(&modern, subject, NULL);
		assert_int_equal(modern.nr_maps, 2);
		for (size_t i = 0; i < 2; i++)
			modern__assert_map(&modern, i, i ? "two" : "one",
					   &((struct subject *)subject)->obj->maps[i].def);
		assert_int_equal(bpf_map__map_flags(modern.maps[0]), size > 16 ? 1 : 0);
		modern__close(&modern);
		subject__teardown(&subject);
	}
	(void)state;
}

static void test_pins_by_name(void **state)
{
	const struct elfmap_transcode_opts by_name = {.sz = sizeof(by_name), .pin_by_name = true};
	struct bpf_elf_map def = array;
	struct subject *subject = *state;
	struct modern modern;

	for (__u32 pinning = 0; pinning < 4; pinning++) {
		char name[16];

		snprintf(name, sizeof(name), "pin%u", pinning);
		def.pinning = pinning;
		subject__add_map(subject, name, def);
	}
	modern__open(&modern, subject, &by_name);
	assert_null(bpf_map__pin_path(modern.maps[0]));
	assert_null(bpf_map__pin_path(modern.maps[1]));
	assert_string_equal(bpf_map__pin_path(modern.maps[2]), "/sys/fs/bpf/pin2");
	assert_null(bpf_map__pin_path(modern.maps[3]));
	modern__close(&modern);
	modern__open(&modern, subject, NULL);
	assert_null(bpf_map__pin_path(modern.maps[2]));
	modern__close(&modern);
}

static void test_64_maps(void **state)
{
	struct subject *subject = *state;
	struct modern modern;
	char name[32];

	for (size_t i = 0; i < 64; i++) {
		struct bpf_elf_map def = array;

		def.max_elem = (__u32)i + 1;
		snprintf(name, sizeof(name), "map%zu", i);
		subject__add_map(subject, name, def);
	}
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_maps, 64);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(bpf_map__max_entries(modern.maps[i]), i + 1);
	modern__close(&modern);
}

static void test_long_name(void **state)
{
	struct subject *subject = *state;
	struct modern modern;
	char name[128] = {};

	memset(name, 'n', 127);
	subject__add_map(subject, name, array);
	modern__open(&modern, subject, NULL);
	assert_string_equal(bpf_map__name(modern.maps[0]), name);
	modern__close(&modern);
}

static void test_maps_of_maps(void **state)
{
	const struct bpf_elf_map outer = {
		.type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .size_key = 4, .size_value = 4, .max_elem = 3, .inner_id = 7};
	struct bpf_elf_map inner = {.type = BPF_MAP_TYPE_HASH,
				    .size_key = 16,
				    .size_value = 32,
				    .max_elem = 5,
				    .flags = 1,
				    .id = 7,
				    .pinning = 2,
				    .inner_idx = 2};
	const struct elfmap_transcode_opts by_name = {.sz = sizeof(by_name), .pin_by_name = true};
	struct subject *subject = *state;
	struct bpf_map *template;
	struct modern modern;

	subject__add_map(subject, "outer", outer);
	subject__add_map(subject, "inner", inner);
	inner.inner_idx = -1u;
	subject__add_map(subject, "spare", inner);
	modern__open(&modern, subject, &by_name);
	modern__assert_map(&modern, 0, "inner", &subject->obj->maps[1].def);
	modern__assert_map(&modern, 1, "spare", &inner);
	modern__assert_map(&modern, 2, "outer", &outer);
	assert_null(bpf_map__inner_map(modern.maps[0]));
	template = bpf_map__inner_map(modern.maps[2]);
	assert_non_null(template);
	assert_int_equal(bpf_map__type(template), inner.type);
	assert_int_equal(bpf_map__key_size(template), inner.size_key);
	assert_int_equal(bpf_map__value_size(template), inner.size_value);
	assert_int_equal(bpf_map__max_entries(template), inner.max_elem);
	assert_int_equal(bpf_map__map_flags(template), inner.flags);
	modern__close(&modern);
}

static void test_empty_section(void **state)
{
	struct subject *subject = *state;
	struct modern modern;

	object__add_section(subject->object, "maps", SHT_PROGBITS, SHF_ALLOC, NULL, 0);
	object__add_program(subject->object, "classifier", "entry", NULL, 0);
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_maps, 0);
	assert_int_equal(modern.nr_progs, 1);
	modern__close(&modern);
}

static void test_no_section(void **state)
{
	struct subject *subject = *state;

	object__add_program(subject->object, "classifier", "entry", NULL, 0);
	subject__assert_no_transcode(subject, "no section maps");
	assert_false(subject->obj->needs_help);
}

/* Tables are read correctly for any alignment in their header. */
static void test_alignment(void **state)
{
	static const uint64_t alignments[] = {0, 1, 3, 1ull << 40};
	struct subject *subject = *state;
	struct modern modern;
	size_t map;

	object__add_section(subject->object, "odd", SHT_PROGBITS, 0, "12345", 5);
	map = subject__add_map(subject, "hits", array);
	object__add_program(subject->object, "classifier", "entry", &map, 1);
	for (size_t i = 0; i < sizeof(alignments) / sizeof(*alignments); i++) {
		subject__write(subject);
		bytes__section(subject->bytes, ".symtab")->sh_addralign = alignments[i];
		bytes__section(subject->bytes, ".relclassifier")->sh_addralign = alignments[i];
		modern__open(&modern, subject, NULL);
		assert_int_equal(bytes__section(modern.bytes, ".symtab")->sh_offset % 8, 0);
		assert_int_equal(bytes__section(modern.bytes, ".relclassifier")->sh_offset % 8, 0);
		modern__close(&modern);
	}
}

/* libbpf does not recognize an old compiler's programs, also without maps. */
static void test_old_program_without_maps(void **state)
{
	struct subject *subject = *state;
	struct modern modern;

	object__add_code(subject->object, "classifier", NULL, 0);
	object__add_symbol(subject->object, "old", 1, STB_GLOBAL, STT_NOTYPE, 0, 0);
	assert_true(subject__read(subject)->needs_help);
	assert_false(subject->obj->has_legacy_maps);
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_maps, 0);
	assert_int_equal(modern.nr_progs, 1);
	modern__assert_program(&modern, 0, "old", "classifier", 2);
	modern__close(&modern);
}

/* ---- programs ------------------------------------------------------------------------------------------- */

static void test_kinds_of_symbols(void **state)
{
	struct subject *subject = *state;
	size_t map, code;
	struct modern modern;

	map = subject__add_map(subject, "hits", array);
	object__add_program(subject->object, "first", "global", &map, 1);
	object__add_code(subject->object, "second", &map, 1);
	code = object__find_section(subject->object, "second");
	object__add_symbol(subject->object, "old", code, STB_GLOBAL, STT_NOTYPE, 0, 0);
	object__add_code(subject->object, "third", NULL, 0);
	code = object__find_section(subject->object, "third");
	object__add_symbol(subject->object, "hidden", code, STB_LOCAL, STT_FUNC, 0, 16);
	object__add_code(subject->object, "fourth", NULL, 0);
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_progs, 4);
	modern__assert_program(&modern, 0, "global", "first", 4);
	modern__assert_program(&modern, 1, "old", "second", 4);
	modern__assert_program(&modern, 2, "hidden", "third", 2);
	modern__assert_program(&modern, 3, "prog_fourth", "fourth", 2);
	modern__close(&modern);
}

static void test_one_program_at_each_place(void **state)
{
	struct subject *subject = *state;
	struct modern modern;
	size_t code;

	subject__add_map(subject, "hits", array);
	object__add_code(subject->object, "classifier", NULL, 0);
	code = object__find_section(subject->object, "classifier");
	object__add_symbol(subject->object, "local", code, STB_LOCAL, STT_FUNC, 0, 16);
	object__add_symbol(subject->object, "entry", code, STB_GLOBAL, STT_FUNC, 0, 16);
	object__add_symbol(subject->object, "alias", code, STB_WEAK, STT_FUNC, 0, 16);
	object__add_symbol(subject->object, "absolute", SHN_ABS, STB_GLOBAL, STT_FUNC, 0, 16);
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_progs, 1);
	modern__assert_program(&modern, 0, "entry", "classifier", 2);
	modern__close(&modern);
}

static void test_entry_in_text(void **state)
{
	const struct elfmap_transcode_opts tc = {.sz = sizeof(tc), .prog_section = "tc"};
	struct subject *subject = *state;
	struct modern modern;
	size_t map;

	map = subject__add_map(subject, "hits", array);
	object__add_program(subject->object, ".text", "entry", &map, 1);
	object__add_program(subject->object, "other", "second", NULL, 0);
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_progs, 2);
	modern__assert_program(&modern, 0, "second", "other", 2);
	modern__assert_program(&modern, 1, "entry", ELFMAP_TEXT_TWIN, 4);
	modern__close(&modern);
	modern__open(&modern, subject, &tc);
	assert_int_equal(modern.nr_progs, 2);
	modern__assert_program(&modern, 0, "entry", "tc", 4);
	modern__assert_program(&modern, 1, "second", "tc", 2);
	modern__close(&modern);
}

static void test_rename_slots(void **state)
{
	const struct elfmap_transcode_opts renamed = {.sz = sizeof(renamed), .rename_slots = true};
	const struct bpf_elf_map jumps = {
		.type = BPF_MAP_TYPE_PROG_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 4, .id = 42};
	struct subject *subject = *state;
	struct modern modern;

	subject__add_map(subject, "jumps", jumps);
	object__add_program(subject->object, "0x2a/03", "third", NULL, 0);
	object__add_program(subject->object, "classifier", "entry", NULL, 0);
	object__add_program(subject->object, "7/1", "stranger", NULL, 0);
	modern__open(&modern, subject, NULL);
	modern__assert_program(&modern, 0, "third", "0x2a/03", 2);
	modern__close(&modern);
	modern__open(&modern, subject, &renamed);
	modern__assert_program(&modern, 0, "third", "slot_42_3", 2);
	modern__assert_program(&modern, 1, "entry", "classifier", 2);
	modern__assert_program(&modern, 2, "stranger", "slot_7_1", 2);
	modern__close(&modern);
}

/* The first program uses no map, the second has two functions, the last no symbol. */
static void test_one_section_for_all(void **state)
{
	const struct elfmap_transcode_opts tc = {.sz = sizeof(tc), .prog_section = "tc"};
	struct subject *subject = *state;
	size_t maps[2];
	struct modern modern;

	maps[0] = subject__add_map(subject, "one", array);
	maps[1] = subject__add_map(subject, "two", array);
	object__add_program(subject->object, "a", "none", NULL, 0);
	object__add_program(subject->object, "b", "both", maps, 2);
	object__add_program(subject->object, "b", "first", maps, 1);
	object__add_code(subject->object, "c", maps + 1, 1);
	modern__open(&modern, subject, &tc);
	assert_int_equal(modern.nr_progs, 4);
	modern__assert_program(&modern, 0, "none", "tc", 2);
	modern__assert_program(&modern, 1, "both", "tc", 6);
	modern__assert_program(&modern, 2, "first", "tc", 4);
	modern__assert_program(&modern, 3, "prog_c", "tc", 4);
	modern__close(&modern);
}

/* libbpf refuses any size other than 4, although the version is not used. */
static void test_version(void **state)
{
	struct subject *subject = *state;
	struct modern modern;

	subject__add_map(subject, "hits", array);
	object__add_section(subject->object, "version", SHT_PROGBITS, SHF_ALLOC, "\1\2\3\4\5\6\7", 8);
	modern__open(&modern, subject, NULL);
	modern__close(&modern);
}

static void test_license(void **state)
{
	struct subject *subject = *state;
	struct modern modern;

	subject__add_map(subject, "hits", array);
	object__add_section(subject->object, "license", SHT_PROGBITS, SHF_ALLOC, "GPL", 4);
	modern__open(&modern, subject, NULL);
	assert_string_equal((char *)modern.bytes + bytes__section(modern.bytes, "license")->sh_offset, "GPL");
	modern__close(&modern);
}

/* ---- relocations ---------------------------------------------------------------------------------------- */

/* A program with one map instruction that contains OFFSET, relocated against section `maps`. */
static void add_section_relocation(struct subject *subject, __s32 offset)
{
	struct bpf_insn insns[4] = {{.code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = BPF_REG_1, .imm = offset},
				    {},
				    {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
				    {.code = BPF_JMP | BPF_EXIT}};
	size_t section = object__find_section(subject->object, "maps"), code, symbol;

	code = object__add_section(subject->object, "cls", SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR, insns,
				   sizeof(insns));
	object__add_symbol(subject->object, "entry", code, STB_GLOBAL, STT_FUNC, 0, sizeof(insns));
	symbol = object__add_symbol(subject->object, "", section, STB_LOCAL, STT_SECTION, 0, 0);
	object__add_relocation(subject->object, code, 0, symbol);
}

static void test_between_maps(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "one", array);
	subject__add_map(subject, "two", array);
	add_section_relocation(subject, 40);
	subject__assert_no_transcode(
		subject,
		"section 'cls': offset 0 of 32: refers to byte 40 of section maps, where no definition starts");
}

static void test_after_maps(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "one", array);
	add_section_relocation(subject, 36);
	subject__assert_no_transcode(
		subject,
		"section 'cls': offset 0 of 32: refers to byte 36 of section maps, where no definition starts");
}

static void test_relocation_without_symbol(void **state)
{
	struct subject *subject = *state;

	subject__add_map(subject, "one", array);
	object__add_program(subject->object, "cls", "entry", NULL, 0);
	object__add_relocation(subject->object, object__find_section(subject->object, "cls"), 0, 3);
	subject__assert_no_transcode(subject, "section 'cls': relocation 0: symbol 3 of 3");
}

static void test_relocation_outside_an_instruction(void **state)
{
	static const size_t offsets[] = {4, 16, 1 << 20, -8};

	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		struct subject *subject;
		void *made = NULL;
		char text[100];
		size_t map;

		assert_int_equal(subject__setup(&made), 0);
		subject = made;
		map = subject__add_map(subject, "one", array);
		object__add_program(subject->object, "cls", "entry", NULL, 0);
		object__add_relocation(subject->object, object__find_section(subject->object, "cls"), offsets[i], map);
		snprintf(text, sizeof(text), "section 'cls': relocation 0: offset %zu is not an instruction",
			 offsets[i]);
		subject__assert_no_transcode(subject, text);
		subject__teardown(&made);
	}
	(void)state;
}

static void test_too_many_sections(void **state)
{
	struct subject *subject = *state;
	struct elfmap_msg msg = {};
	void *made = NULL;
	size_t size;

	subject__add_map(subject, "hits", array);
	for (size_t i = 2; i < 0xff00 - 4; i++)
		object__add_section(subject->object, "x", SHT_PROGBITS, 0, NULL, 0);
	subject__read(subject);
	assert_int_equal(elfmap_object__transcode(subject->obj, NULL, &made, &size, &msg), -E2BIG);
	assert_string_equal(msg.text, "cannot be transcoded: too many sections");
	assert_null(made);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_every_field),
		TEST(test_every_size),
		TEST(test_pins_by_name),
		TEST(test_64_maps),
		TEST(test_long_name),
		TEST(test_maps_of_maps),
		TEST(test_empty_section),
		TEST(test_no_section),
		TEST(test_alignment),
		TEST(test_old_program_without_maps),
		TEST(test_kinds_of_symbols),
		TEST(test_one_program_at_each_place),
		TEST(test_entry_in_text),
		TEST(test_rename_slots),
		TEST(test_one_section_for_all),
		TEST(test_version),
		TEST(test_license),
		TEST(test_between_maps),
		TEST(test_after_maps),
		TEST(test_relocation_without_symbol),
		TEST(test_relocation_outside_an_instruction),
		TEST(test_too_many_sections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
