// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* read, the file format: files that are refused, and damaged files, which at worst are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

static const struct bpf_elf_map array = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 16};

/* "maps" is section 1, "classifier" 2, ".relclassifier" 3, ".symtab" 4, ".strtab" 5, ".shstrtab" 6. */
static void *write_small(struct subject *subject)
{
	size_t map = object__add_map(subject->object, "hits", &array, sizeof(array));

	object__add_program(subject->object, "classifier", "entry", &map, 1);
	return subject__write(subject);
}

static void test_small(void **state)
{
	write_small(*state);
	assert_int_equal(subject__read(*state)->nr_maps, 1);
}

/* ---- files that are not a BPF object of this host ----------------------------------------------------------- */

static void test_not_elf(void **state)
{
	struct subject *subject = *state;

	memcpy(write_small(subject), "\177BPF", 4);
	subject__assert_refused(subject, "not an ELF file");
	subject->size = 0;
	subject__assert_refused(subject, "not an ELF file");
}

static void test_32_bit(void **state)
{
	((Elf64_Ehdr *)write_small(*state))->e_ident[EI_CLASS] = ELFCLASS32;
	subject__assert_refused(*state, "not a BPF object: its ELF class is not 64-bit");
}

static void test_other_byte_order(void **state)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

	((Elf64_Ehdr *)write_small(*state))->e_ident[EI_DATA] = little ? ELFDATA2MSB : ELFDATA2LSB;
	subject__assert_refused(*state, little ? "is a big-endian object and this host is little-endian; compile it "
						 "with -target bpf"
					       : "is a little-endian object and this host is big-endian; compile it "
						 "with -target bpf");
}

static void test_other_machine(void **state)
{
	((Elf64_Ehdr *)write_small(*state))->e_machine = EM_X86_64;
	subject__assert_refused(*state, "not a BPF object: its ELF machine is 62, BPF is 247");
}

static void test_no_machine(void **state)
{
	((Elf64_Ehdr *)write_small(*state))->e_machine = EM_NONE; /* old compilers */
	assert_int_equal(subject__read(*state)->nr_progs, 1);
}

static void test_executable(void **state)
{
	((Elf64_Ehdr *)write_small(*state))->e_type = ET_EXEC;
	subject__assert_refused(*state, "not a BPF object: its ELF type is 2, not relocatable");
}

/* ---- sections ------------------------------------------------------------------------------------------ */

static void test_shorter_than_header(void **state)
{
	struct subject *subject = *state;

	write_small(subject);
	subject->size = 63;
	subject__assert_refused(subject, "truncated: 63 bytes, less than an ELF header");
}

static void test_section_table_outside(void **state)
{
	struct subject *subject = *state;
	char text[100];
	Elf64_Ehdr *header = write_small(subject);

	snprintf(text, sizeof(text), "truncated: the section table at byte %zu is not in a file of %zu",
		 (size_t)header->e_shoff, subject->size - 1);
	subject->size--;
	subject__assert_refused(subject, text);
}

static void test_section_table_not_aligned(void **state)
{
	struct subject *subject = *state;
	Elf64_Ehdr *header = write_small(subject);
	char text[100];

	header->e_shoff -= 4;
	snprintf(text, sizeof(text), "damaged: the section table at byte %zu is not aligned", (size_t)header->e_shoff);
	subject__assert_refused(subject, text);
}

static void test_no_sections(void **state)
{
	Elf64_Ehdr *header = write_small(*state);

	header->e_shnum = 0;
	header->e_shoff = 0;
	subject__assert_refused(*state, "truncated or damaged: no sections");
}

static void test_too_many_sections(void **state)
{
	struct subject *subject = *state;

	for (size_t i = 1; i < 0xff00 - 3; i++) /* in addition to the first one and three tables */
		object__add_section(subject->object, "x", SHT_PROGBITS, 0, NULL, 0);
	subject__write(subject);
	subject__assert_refused(subject, "has 65280 sections, at most 65279");
}

static void test_section_outside(void **state)
{
	struct subject *subject = *state;
	char text[100];

	bytes__section(write_small(subject), "maps")->sh_size = 1 << 20;
	snprintf(text, sizeof(text), "truncated: section 1 'maps' ends at byte %d of a file of %zu", 64 + (1 << 20),
		 subject->size);
	subject__assert_refused(subject, text);
}

static void test_section_without_limits(void **state)
{
	struct subject *subject = *state;
	char text[100];

	bytes__section(write_small(subject), "maps")->sh_size = -1ull - 63;
	snprintf(text, sizeof(text), "truncated: section 1 'maps' ends at byte 0 of a file of %zu", subject->size);
	subject__assert_refused(subject, text);
}

static void test_overlapping_sections(void **state)
{
	struct subject *subject = *state;
	size_t total = 0;
	char text[100];

	write_small(subject);
	for (size_t i = 0; i < 2; i++) {
		Elf64_Shdr *section = bytes__section(subject->bytes, i ? "maps" : "classifier");

		section->sh_offset = 0;
		section->sh_size = subject->size;
	}
	for (size_t i = 1; i < ((Elf64_Ehdr *)subject->bytes)->e_shnum; i++)
		total += ((Elf64_Shdr *)((char *)subject->bytes + ((Elf64_Ehdr *)subject->bytes)->e_shoff))[i].sh_size;
	snprintf(text, sizeof(text), "sections overlap: %zu bytes of them in a file of %zu", total, subject->size);
	subject__assert_refused(subject, text);
}

static void test_names_without_terminator(void **state)
{
	struct subject *subject = *state;
	Elf64_Shdr *names = bytes__section(write_small(subject), ".shstrtab");

	((char *)subject->bytes)[names->sh_offset + names->sh_size - 1] = 'x';
	subject__assert_refused(subject, "section 6 '': not a string table that ends with a zero byte");
}

static void test_no_names(void **state)
{
	((Elf64_Ehdr *)write_small(*state))->e_shstrndx = 2; /* code */
	subject__assert_refused(*state, "section 2 '': not a string table that ends with a zero byte");
}

/* Section 0 is not a section, even if its header describes a string table or code. */
static void test_section_zero(void **state)
{
	struct subject *subject = *state;
	Elf64_Ehdr *header = write_small(subject);
	Elf64_Shdr *zero = (Elf64_Shdr *)((char *)subject->bytes + header->e_shoff);

	zero->sh_type = SHT_STRTAB;
	zero->sh_offset = 1 << 30;
	zero->sh_size = 8;
	header->e_shstrndx = 0;
	subject__assert_refused(subject, "section 0 '': not a string table that ends with a zero byte");
	header->e_shstrndx = 6;
	zero->sh_type = SHT_PROGBITS;
	zero->sh_flags = SHF_EXECINSTR;
	bytes__symbol(subject->bytes, "entry")->st_shndx = 0;
	assert_int_equal(subject__read(subject)->nr_progs, 1);
	assert_string_equal(subject->obj->progs[0].name, "prog_classifier");
}

static void test_long_section_name(void **state)
{
	struct subject *subject = *state;
	char name[257] = {};

	memset(name, 's', 255);
	object__add_program(subject->object, name, "entry", NULL, 0);
	subject__write(subject);
	assert_string_equal(subject__read(subject)->progs[0].section, name);
	name[255] = 's';
	object__add_section(subject->object, name, SHT_PROGBITS, 0, NULL, 0);
	subject__write(subject);
	subject__assert_refused(
		subject, "section 2 'ssssssssssssssssssssssssssssssssssssssss...': its name has more than 255 bytes");
}

/* ---- symbols ------------------------------------------------------------------------------------------- */

static void test_stripped(void **state)
{
	bytes__section(write_small(*state), ".symtab")->sh_type = SHT_PROGBITS;
	subject__assert_refused(*state, "no symbol table: the object was stripped; 'strip -g' keeps it");
}

static void test_symbols_of_other_size(void **state)
{
	bytes__section(write_small(*state), ".symtab")->sh_entsize = 16;
	subject__assert_refused(*state, "section 4 '.symtab': not a symbol table");
}

static void test_symbols_not_aligned(void **state)
{
	bytes__section(write_small(*state), ".symtab")->sh_offset += 4;
	subject__assert_refused(*state, "section 4 '.symtab': not a symbol table");
}

static void test_part_of_a_symbol(void **state)
{
	bytes__section(write_small(*state), ".symtab")->sh_size--;
	subject__assert_refused(*state, "section 4 '.symtab': not a symbol table");
}

static void test_symbols_without_names(void **state)
{
	bytes__section(write_small(*state), ".symtab")->sh_link = 99;
	subject__assert_refused(*state, "section 99 '': not a string table that ends with a zero byte");
	bytes__section(write_small(*state), ".symtab")->sh_link = 1;
	subject__assert_refused(*state, "section 1 'maps': not a string table that ends with a zero byte");
}

static void test_symbol_names_without_terminator(void **state)
{
	struct subject *subject = *state;
	Elf64_Shdr *names = bytes__section(write_small(subject), ".strtab");

	((char *)subject->bytes)[names->sh_offset + names->sh_size - 1] = 'x';
	subject__assert_refused(subject, "section 5 '.strtab': not a string table that ends with a zero byte");
}

/* Just past the end, where transcode would append a name. */
static void test_names_outside(void **state)
{
	struct subject *subject = *state;

	write_small(subject);
	bytes__section(subject->bytes, "classifier")->sh_name =
		(Elf64_Word)bytes__section(subject->bytes, ".shstrtab")->sh_size;
	subject__assert_refused(subject, "section 2: its name is not in the string table");
	subject__write(subject);
	bytes__symbol(subject->bytes, "entry")->st_name =
		(Elf64_Word)bytes__section(subject->bytes, ".strtab")->sh_size;
	subject__assert_refused(subject, "symbol 2: its name is not in the string table");
}

/* A message is one line without control characters, for any name in the object. */
static void test_message_is_one_line(void **state)
{
	struct subject *subject = *state;

	object__add_section(subject->object, "a\n\033[2Jb\x7f\xc3\xa4", SHT_PROGBITS, 0, "x", 1);
	bytes__section(subject__write(subject), ".symtab")->sh_link = 1;
	subject__assert_refused(subject, "section 1 'a??[2Jb?\xc3\xa4': not a string table that ends with a zero byte");
}

static void test_problem_is_one_line(void **state)
{
	struct subject *subject = *state;
	const struct bpf_elf_map nothing = {};

	object__add_map(subject->object, "m\n\rx", &nothing, sizeof(nothing));
	subject__assert_problem(subject, "map 'm??x': offset 0: type 0 (unspec)");
}

/* ---- damaged files ---------------------------------------------------------------------------------------- */

/* Reads from a buffer of exactly this size, so that an access past the end is detected. Returns read's result. */
static int try_all(const void *bytes, size_t size)
{
	static const struct elfmap_transcode_opts opts[] = {
		{.sz = sizeof(opts[0])},
		{.sz = sizeof(opts[0]), .slot_values = true, .pin_by_name = true, .rename_slots = true},
		{.sz = sizeof(opts[0]), .prog_section = "tc"}};
	struct elfmap_object *obj = NULL;
	struct elfmap_msg msg;
	void *copy = malloc(size ? size : 1), *made;
	size_t made_size;
	int err;

	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	msg.text[0] = '\0';
	err = elfmap_object__read(copy, size, &obj, &msg);
	assert_true(!err || msg.text[0]);
	for (size_t i = 0; !err && i < sizeof(opts) / sizeof(*opts); i++) {
		if (!elfmap_object__transcode(obj, &opts[i], &made, &made_size, &msg))
			free(made);
		else
			assert_true(msg.text[0] != '\0');
	}
	if (!err && !elfmap_object__tc_view(obj, &made, &made_size, &msg))
		free(made);
	elfmap_object__free(obj);
	free(copy);
	return err;
}

static const char *const samples[] = {"annotated.nobtf", "tailcall.nobtf", "map_in_map.nobtf", "globals.nobtf"};

/* Compilers write the section table last, so that every truncated file lacks it. */
static void test_every_prefix_fails(void **state)
{
	struct subject *subject = *state;

	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		subject__take_testdata(subject, samples[i]);
		for (size_t size = 0; size < subject->size; size++)
			assert_int_equal(try_all(subject->bytes, size), -ENOEXEC);
		assert_int_equal(try_all(subject->bytes, subject->size), 0);
	}
}

static void test_prefixes_with_btf(void **state)
{
	struct subject *subject = *state;

	subject__take_testdata(subject, "annotated");
	for (size_t size = 0; size < subject->size; size += 7)
		assert_int_equal(try_all(subject->bytes, size), -ENOEXEC);
}

static void test_every_byte_damaged(void **state)
{
	static const unsigned char values[] = {0, 1, 0x7f, 0xff};
	struct subject *subject = *state;

	libbpf_set_print(NULL); /* libbpf warns about damaged BTF */
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		unsigned char *bytes;

		subject__take_testdata(subject, samples[i]);
		bytes = subject->bytes;
		for (size_t at = 0; at < subject->size; at++) {
			unsigned char was = bytes[at];

			for (size_t v = 0; v < sizeof(values); v++) {
				bytes[at] = values[v];
				try_all(bytes, subject->size);
			}
			bytes[at] = was;
		}
	}
}

/* The headers of .BTF and .BTF.ext, and the first types. */
static void test_damaged_btf(void **state)
{
	static const unsigned char values[] = {0, 1, 0x7f, 0xff};
	static const char *const sections[] = {".BTF", ".BTF.ext"};
	struct subject *subject = *state;
	unsigned char *bytes;

	libbpf_set_print(NULL); /* libbpf warns about damaged BTF */
	subject__take_testdata(subject, "annotated");
	bytes = subject->bytes;
	for (size_t s = 0; s < 2; s++) {
		size_t start = bytes__section(bytes, sections[s])->sh_offset;

		for (size_t at = start; at < start + 200; at++) {
			unsigned char was = bytes[at];

			for (size_t v = 0; v < sizeof(values); v++) {
				bytes[at] = values[v];
				try_all(bytes, subject->size);
			}
			bytes[at] = was;
		}
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_small),
		TEST(test_not_elf),
		TEST(test_32_bit),
		TEST(test_other_byte_order),
		TEST(test_other_machine),
		TEST(test_no_machine),
		TEST(test_executable),
		TEST(test_shorter_than_header),
		TEST(test_section_table_outside),
		TEST(test_section_table_not_aligned),
		TEST(test_no_sections),
		TEST(test_too_many_sections),
		TEST(test_section_outside),
		TEST(test_section_without_limits),
		TEST(test_overlapping_sections),
		TEST(test_names_without_terminator),
		TEST(test_no_names),
		TEST(test_section_zero),
		TEST(test_long_section_name),
		TEST(test_stripped),
		TEST(test_symbols_of_other_size),
		TEST(test_symbols_not_aligned),
		TEST(test_part_of_a_symbol),
		TEST(test_symbols_without_names),
		TEST(test_symbol_names_without_terminator),
		TEST(test_names_outside),
		TEST(test_message_is_one_line),
		TEST(test_problem_is_one_line),
		TEST(test_every_prefix_fails),
		TEST(test_prefixes_with_btf),
		TEST(test_every_byte_damaged),
		TEST(test_damaged_btf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
