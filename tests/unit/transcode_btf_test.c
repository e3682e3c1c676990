// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* transcode, the types: BTF of the object, valid and damaged, and with modern maps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "modern.h"
#include "subject.h"

static const struct bpf_elf_map array = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 8, .max_elem = 16};

static int add_number_member(struct btf *btf, int integer, __u32 number)
{
	return btf__add_ptr(btf, btf__add_array(btf, integer, integer, number));
}

/* struct { int (*type)[2]; int (*max_entries)[3]; … } modern SEC(".maps"), as a compiler writes it. */
static struct btf *make_modern_btf(int member)
{
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), members[4], map, var;
	static const char *const names[] = {"type", "max_entries", "key_size", "value_size"};
	static const __u32 numbers[] = {BPF_MAP_TYPE_ARRAY, 3, 4, 16};

	for (size_t i = 0; i < 4; i++)
		members[i] = add_number_member(btf, integer, numbers[i]);
	map = btf__add_struct(btf, "", 32);
	for (__u32 i = 0; i < 4; i++)
		btf__add_field(btf, names[i], members[i], i * 64, 0);
	var = btf__add_var(btf, "modern", BTF_VAR_GLOBAL_ALLOCATED, map);
	btf__add_datasec(btf, ".maps", 0); /* the loader sets offsets and size */
	btf__add_datasec_var_info(btf, member ? member : var, 0, 32);
	return btf;
}

/* The header of BTF as in files; not the struct of <linux/btf.h>, which grows. */
struct header {
	__u16 magic;
	__u8 version, flags;
	__u32 hdr_len, type_off, type_len, str_off, str_len, more[2];
};

#define PLAIN_HEADER offsetof(struct header, more)

/* As Linux 7.2 describes it: a longer header, and a part for layouts, here between types and strings. */
static void *lengthen_header(const void *raw, __u32 size, __u32 *ret_size)
{
	struct header header = {};
	char *made = calloc(1, size + 64);

	memcpy(&header, raw, PLAIN_HEADER);
	memcpy(made + sizeof(header), (const char *)raw + PLAIN_HEADER, header.type_len);
	memcpy(made + sizeof(header) + header.type_len + 16, (const char *)raw + PLAIN_HEADER + header.str_off,
	       header.str_len);
	header.hdr_len = sizeof(header);
	header.more[0] = header.type_len; /* offset and size of the layouts */
	header.more[1] = 16;
	header.str_off = header.type_len + 16;
	memcpy(made, &header, sizeof(header));
	*ret_size = (__u32)(sizeof(header) + header.str_off + header.str_len);
	return made;
}

static void add_modern_map(struct subject *subject, int member, bool is_long)
{
	struct btf *btf = make_modern_btf(member);
	const void *raw;
	void *longer = NULL;
	size_t section;
	__u32 size;

	raw = btf__raw_data(btf, &size);
	if (is_long)
		raw = longer = lengthen_header(raw, size, &size);
	object__add_section(subject->object, ".BTF", SHT_PROGBITS, 0, raw, size);
	free(longer);
	/* Not at the start, and the size of the section is not a multiple of 8. */
	section = object__add_section(subject->object, ".maps", SHT_PROGBITS, SHF_ALLOC, NULL, 44);
	object__add_symbol(subject->object, "modern", section, STB_GLOBAL, STT_OBJECT, 8, 32);
	btf__free(btf);
}

static void test_annotated(void **state)
{
	static const char *const samples[] = {"annotated", "annotated.nobtf"};
	struct subject *subject = *state;
	struct modern modern;

	for (size_t i = 0; i < 2; i++) {
		subject__take_testdata(subject, samples[i]);
		modern__open(&modern, subject, NULL);
		assert_int_equal(modern.nr_maps, 2);
		modern__assert_map(&modern, 0, "flows", &subject->obj->maps[0].def);
		modern__assert_map(&modern, 1, "untyped", &subject->obj->maps[1].def);
		assert_int_equal(bpf_map__btf_key_type_id(modern.maps[0]) != 0, i == 0);
		assert_int_equal(bpf_map__btf_value_type_id(modern.maps[0]) != 0, i == 0);
		assert_int_equal(bpf_map__btf_key_type_id(modern.maps[1]), 0);
		modern__close(&modern);
	}
}

static void assert_both_kinds_of_maps(struct subject *subject, bool is_long)
{
	const struct bpf_elf_map expected = {
		.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 16, .max_elem = 3};
	struct modern modern;
	size_t maps[2];

	add_modern_map(subject, 0, is_long);
	maps[0] = 1; /* its symbol */
	maps[1] = subject__add_map(subject, "legacy", array);
	subject__add_map(subject, "second", array);
	object__add_program(subject->object, "classifier", "entry", maps, 2);
	modern__open(&modern, subject, NULL);
	assert_int_equal(modern.nr_maps, 3);
	modern__assert_map(&modern, 0, "modern", &expected);
	modern__assert_map(&modern, 1, "legacy", &array);
	modern__assert_map(&modern, 2, "second", &array);
	modern__load(&modern, BPF_PROG_TYPE_SCHED_CLS);
	modern__close(&modern);
}

static void test_both_kinds_of_maps(void **state)
{
	assert_both_kinds_of_maps(*state, false);
}

static void test_longer_header(void **state)
{
	assert_both_kinds_of_maps(*state, true);
}

static void test_no_variable(void **state)
{
	struct subject *subject = *state;

	add_modern_map(subject, 1, false);
	subject__add_map(subject, "legacy", array);
	subject__assert_no_transcode(subject, "section .BTF: DATASEC .maps: member 0 is not a variable");
}

/* Names past the end of the strings: of a variable of `.maps`, of `maps`, of the kernel. */
static void test_variables_without_names(void **state)
{
	static const char *const sections[] = {".maps", "maps", ".ksyms"};
	struct subject *subject = *state;
	struct elfmap_msg msg;
	void *made;
	size_t size;

	subject__add_map(subject, "legacy", array);
	for (size_t i = 0; i < 3; i++) {
		struct btf *btf = btf__new_empty();
		int var =
			btf__add_var(btf, "nobody", BTF_VAR_GLOBAL_EXTERN, btf__add_int(btf, "int", 4, BTF_INT_SIGNED));
		const void *raw;
		__u32 raw_size;

		btf__add_datasec(btf, sections[i], 0);
		btf__add_datasec_var_info(btf, var, 0, 4);
		((struct btf_type *)btf__type_by_id(btf, (__u32)var))->name_off = 1 << 20;
		raw = btf__raw_data(btf, &raw_size);
		object__add_section(subject->object, ".BTF", SHT_PROGBITS, 0, raw, raw_size);
		btf__free(btf);
		subject__write(subject);
		assert_false(subject__read(subject)->has_btf);
		if (elfmap_object__transcode(subject->obj, NULL, &made, &size, &msg))
			fail_msg("%s", msg.text);
		free(made);
	}
}

/* BTF that libbpf cannot read is replaced, and the sections that refer to it are removed. */
static void test_damaged_btf(void **state)
{
	struct subject *subject = *state;
	struct modern modern;
	char *btf;

	subject__take_testdata(subject, "annotated");
	btf = (char *)subject->bytes + bytes__section(subject->bytes, ".BTF")->sh_offset;
	btf[0] = 0;
	modern__open(&modern, subject, NULL);
	modern__assert_map(&modern, 0, "flows", &subject->obj->maps[0].def);
	assert_int_equal(bpf_map__btf_key_type_id(modern.maps[0]), 0);
	modern__close(&modern);
}

/* One of each kind, all of them of type INTEGER and called "x". */
static struct btf *make_every_kind(void)
{
	struct btf *btf = btf__new_empty();
	int integer = btf__add_int(btf, "int", 4, BTF_INT_SIGNED), proto;

	btf__add_ptr(btf, integer);
	btf__add_array(btf, integer, integer, 2);
	btf__add_struct(btf, "x", 4);
	btf__add_field(btf, "x", integer, 0, 0);
	btf__add_union(btf, "x", 4);
	btf__add_field(btf, "x", integer, 0, 0);
	btf__add_enum(btf, "x", 4);
	btf__add_fwd(btf, "x", BTF_FWD_STRUCT);
	btf__add_typedef(btf, "x", integer);
	btf__add_volatile(btf, integer);
	btf__add_const(btf, integer);
	btf__add_restrict(btf, integer);
	proto = btf__add_func_proto(btf, integer);
	btf__add_func_param(btf, "x", integer);
	btf__add_func(btf, "x", BTF_FUNC_STATIC, proto);
	btf__add_var(btf, "x", BTF_VAR_STATIC, integer);
	btf__add_float(btf, "x", 8);
	btf__add_decl_tag(btf, "x", integer, -1);
	btf__add_type_tag(btf, "x", integer);
	btf__add_datasec(btf, "x", 0);
	btf__add_datasec_var_info(btf, integer, 0, 4);
	return btf;
}

static bool reads_btf(struct subject *subject, const void *bytes, size_t size)
{
	object__add_section(subject->object, ".BTF", SHT_PROGBITS, 0, bytes, size); /* the last one is used */
	subject__write(subject);
	return subject__read(subject)->has_btf;
}

/* libbpf 1.1 reads types and names past the end of the table. In any kind, a type id or name that is too
 * large invalidates the BTF; any other word is harmless. */
static void test_type_ids_past_the_end(void **state)
{
	struct btf *btf = make_every_kind();
	size_t refused = 0, words;
	struct btf_header header;
	const void *raw;
	__u32 size;
	char *bytes;

	subject__add_map(*state, "legacy", array);
	raw = btf__raw_data(btf, &size);
	memcpy(&header, raw, sizeof(header));
	bytes = malloc(size);
	assert_non_null(bytes);
	memcpy(bytes, raw, size);
	assert_true(reads_btf(*state, bytes, size));
	words = header.type_len / sizeof(__u32);
	for (size_t i = 0; i < words; i++) {
		static const __u32 wrong = 0x00ffffff; /* not a kind, and a count that is too large */
		char *word = bytes + header.hdr_len + i * sizeof(wrong);
		__u32 was;

		memcpy(&was, word, sizeof(was));
		memcpy(word, &wrong, sizeof(wrong));
		refused += !reads_btf(*state, bytes, size);
		memcpy(word, &was, sizeof(was));
	}
	/* Each of 18 types begins with a name and its kind; there are 19 more ids and names in and after them. */
	assert_true(refused >= 18 * 2 + 19);
	assert_true(refused < words);
	free(bytes);
	btf__free(btf);
}

/* A typedef of itself: libbpf 1.1 would follow it without end. */
static void test_endless_typedef(void **state)
{
	struct subject *subject = *state;
	struct btf *btf = btf__new_empty();
	const void *raw;
	__u32 size;
	int id, var;

	id = btf__add_typedef(btf, "ouroboros", 0);
	((struct btf_type *)btf__type_by_id(btf, (__u32)id))->type = (__u32)id;
	var = btf__add_var(btf, "modern", BTF_VAR_GLOBAL_ALLOCATED, id);
	btf__add_datasec(btf, ".maps", 0);
	btf__add_datasec_var_info(btf, var, 0, 32);
	raw = btf__raw_data(btf, &size);
	object__add_section(subject->object, ".BTF", SHT_PROGBITS, 0, raw, size);
	btf__free(btf);
	subject__add_map(subject, "legacy", array);
	assert_false(subject__read(subject)->has_btf);
	object__add_section(subject->object, ".maps", SHT_PROGBITS, SHF_ALLOC, NULL, 32);
	subject__write(subject);
	assert_false(subject__read(subject)->has_btf_maps);
}

/* A symbol table may have any name. */
static void test_symbol_table_with_another_name(void **state)
{
	static const char *const names[] = {".BTF.ext", ".rel.BTF", ".rel.BTF.ext", ".maps.x"};
	const struct elfmap_transcode_opts tc = {.sz = sizeof(tc), .prog_section = "tc"};
	struct subject *subject = *state;
	size_t map;

	map = subject__add_map(subject, "hits", array);
	object__add_program(subject->object, "classifier", "entry", &map, 1);
	object__add_section(subject->object, ".BTF", SHT_PROGBITS, 0, "nothing that libbpf reads", 25);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		object__add_section(subject->object, names[i], SHT_NOTE, 0, NULL, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct elfmap_object *again = NULL;
		struct elfmap_msg msg;
		void *made;
		size_t size;

		subject__write(subject);
		bytes__section(subject->bytes, ".symtab")->sh_name = bytes__section(subject->bytes, names[i])->sh_name;
		subject__read(subject);
		if (elfmap_object__transcode(subject->obj, i % 2 ? NULL : &tc, &made, &size, &msg) ||
		    elfmap_object__read(made, size, &again, &msg))
			fail_msg("%s", msg.text);
		elfmap_object__free(again);
		free(made);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_annotated),	    TEST(test_both_kinds_of_maps),
		TEST(test_no_variable),	    TEST(test_variables_without_names),
		TEST(test_damaged_btf),	    TEST(test_type_ids_past_the_end),
		TEST(test_endless_typedef), TEST(test_symbol_table_with_another_name),
		TEST(test_longer_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
