// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* decl: its output for a small object, and for types that no compiler writes, which libbpf would follow without
 * end, or which would make it divide by zero. */
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

#include "object/decl.h"
#include "subject.h"

static const struct bpf_elf_map hash = {.type = BPF_MAP_TYPE_HASH, .size_key = 4, .size_value = 8, .max_elem = 16};

/* BTF that the test builds: the value is a struct of 8 bytes with one member of these types. */
struct types {
	struct btf *btf;
	int number; /* an int */
};

static void start(struct types *types)
{
	types->btf = btf__new_empty();
	assert_non_null(types->btf);
	types->number = btf__add_int(types->btf, "int", 4, BTF_INT_SIGNED);
}

/* Adds map "hits" with the annotation that BPF_ANNOTATE_KV_PAIR makes. */
static void annotate(struct subject *subject, struct types *types, int value)
{
	const void *raw;
	__u32 size;

	assert_true(btf__add_struct(types->btf, "____btf_map_hits", 16) > 0);
	assert_int_equal(btf__add_field(types->btf, "key", types->number, 0, 0), 0);
	assert_int_equal(btf__add_field(types->btf, "value", value, 64, 0), 0);
	raw = btf__raw_data(types->btf, &size);
	object__add_map(subject->object, "hits", &hash, sizeof(hash));
	object__add_section(subject->object, ".BTF", SHT_PROGBITS, 0, raw, size);
	btf__free(types->btf);
}

static int add_value(struct types *types, const char *member, int type)
{
	int id = btf__add_struct(types->btf, "value", 8);

	assert_true(id > 0);
	assert_int_equal(btf__add_field(types->btf, member, type, 0, 0), 0);
	return id;
}

static void assert_text(struct subject *subject, const char *wanted)
{
	struct elfmap_object *obj = subject__read(subject);
	struct elfmap_msg msg;
	char *text = NULL;

	if (elfmap_object__decl(obj, &text, &msg))
		fail_msg("%s", msg.text);
	assert_string_equal(text, wanted);
	assert_string_equal(msg.text, "");
	free(text);
}

static void assert_refused(struct subject *subject, const char *wanted)
{
	struct elfmap_object *obj = subject__read(subject);
	struct elfmap_msg msg;
	char *text = NULL;

	assert_int_equal(elfmap_object__decl(obj, &text, &msg), -EINVAL);
	if (!strstr(msg.text, wanted))
		fail_msg("%s", msg.text);
	assert_null(text);
}

/* BTF on which libbpf would loop is ignored: only the sizes are declared. */
static void assert_without_types(struct subject *subject)
{
	struct elfmap_object *obj = subject__read(subject);
	struct elfmap_msg msg;
	char *text = NULL;

	assert_false(obj->has_btf);
	assert_int_equal(elfmap_object__decl(obj, &text, &msg), 0);
	assert_non_null(strstr(text, "__uint(key_size"));
	assert_null(strstr(text, "__type("));
	free(text);
}

#define INCLUDES "#include <linux/bpf.h>\n\n#include <bpf/bpf_helpers.h>\n\n"

static void test_sizes(void **state)
{
	struct subject *subject = *state;

	object__add_map(subject->object, "hits", &hash, sizeof(hash));
	assert_text(subject, INCLUDES "struct {\n\t__uint(type, BPF_MAP_TYPE_HASH);\n\t__uint(key_size, 4);\n"
				      "\t__uint(value_size, 8);\n\t__uint(max_entries, 16);\n} hits SEC(\".maps\");\n");
}

static void test_types(void **state)
{
	struct subject *subject = *state;
	struct types types;

	start(&types);
	annotate(subject, &types, add_value(&types, "next", btf__add_ptr(types.btf, 3)));
	assert_text(subject, INCLUDES
		    "/* Types, as the object has them. Drop those that the program's own headers define. */\n\n"
		    "struct value {\n\tstruct value *next;\n};\n\n"
		    "_Static_assert(sizeof(struct value) == 8, \"value of hits, as in the object\");\n\n"
		    "struct {\n\t__uint(type, BPF_MAP_TYPE_HASH);\n\t__type(key, int);\n"
		    "\t__type(value, struct value);\n\t__uint(max_entries, 16);\n} hits SEC(\".maps\");\n");
}

static void test_no_maps(void **state)
{
	struct subject *subject = *state;

	object__add_program(subject->object, "classifier", "count", NULL, 0);
	assert_refused(subject, "no legacy maps");
}

/* Two templates for the same key: libbpf would insert the later one. */
static void test_slot_given_twice(void **state)
{
	struct bpf_elf_map inner = {.type = BPF_MAP_TYPE_ARRAY, .size_key = 4, .size_value = 4, .max_elem = 1, .id = 3};
	struct bpf_elf_map outer = {
		.type = BPF_MAP_TYPE_ARRAY_OF_MAPS, .size_key = 4, .size_value = 4, .max_elem = 1, .inner_id = 3};
	struct subject *subject = *state;
	struct elfmap_msg msg;
	char *text;

	object__add_map(subject->object, "one", &inner, sizeof(inner));
	object__add_map(subject->object, "two", &inner, sizeof(inner));
	object__add_map(subject->object, "out", &outer, sizeof(outer));
	assert_int_equal(elfmap_object__decl(subject__read(subject), &text, &msg), 0);
	assert_non_null(strstr(text, "[0] = (void *)&two,"));
	assert_null(strstr(text, "[0] = (void *)&one,"));
	free(text);
}

/* ---- types that no compiler writes ------------------------------------------------------------------ */

static void test_typedef_of_itself(void **state)
{
	struct subject *subject = *state;
	struct types types;

	start(&types);
	assert_int_equal(btf__add_typedef(types.btf, "loop", 3), 2);
	assert_int_equal(btf__add_typedef(types.btf, "pool", 2), 3);
	annotate(subject, &types, add_value(&types, "it", btf__add_ptr(types.btf, 2)));
	assert_without_types(subject);
}

static void test_const_of_itself(void **state)
{
	struct subject *subject = *state;
	struct types types;

	start(&types);
	assert_int_equal(btf__add_const(types.btf, 2), 2);
	annotate(subject, &types, add_value(&types, "it", btf__add_ptr(types.btf, 2)));
	assert_without_types(subject);
}

/* Each struct contains the next one twice: few types, but an exponential amount of text. */
static void test_exponential_types(void **state)
{
	struct subject *subject = *state;
	struct types types;
	int last;

	start(&types);
	last = types.number;
	for (int i = 0; i < 40; i++) {
		int next = btf__add_struct(types.btf, "", 0);

		assert_int_equal(btf__add_field(types.btf, "a", last, 0, 0), 0);
		assert_int_equal(btf__add_field(types.btf, "b", last, 0, 0), 0);
		last = next;
	}
	annotate(subject, &types, add_value(&types, "it", btf__add_ptr(types.btf, last)));
	assert_refused(subject, ": types are nested without end");
}

static void test_unknown_type(void **state)
{
	struct subject *subject = *state;
	struct types types;

	start(&types);
	annotate(subject, &types, add_value(&types, "it", btf__add_ptr(types.btf, 4711)));
	assert_without_types(subject);
}

static void test_member_without_size(void **state)
{
	struct subject *subject = *state;
	struct types types;

	start(&types);
	annotate(subject, &types, add_value(&types, "it", 0));
	assert_refused(subject, "BTF type 2: a member without a size");
}

static void test_padding_without_end(void **state)
{
	struct subject *subject = *state;
	struct types types;
	int far;

	start(&types);
	far = btf__add_struct(types.btf, "", 1u << 27);
	assert_int_equal(btf__add_field(types.btf, "near", types.number, 0, 0), 0);
	annotate(subject, &types, add_value(&types, "it", btf__add_ptr(types.btf, far)));
	assert_refused(subject, "BTF type 4: its declaration in C would be too long");
}

static void assert_name_refused(void **state, const char *type, const char *member)
{
	struct subject *subject = *state;
	struct types types;
	int odd;

	start(&types);
	odd = btf__add_struct(types.btf, type, 4);
	assert_int_equal(btf__add_field(types.btf, member, types.number, 0, 0), 0);
	annotate(subject, &types, add_value(&types, "it", odd));
	assert_refused(subject, "BTF type 2: C cannot declare it: its name, or one in it, is no identifier");
}

static void test_name_of_type(void **state)
{
	assert_name_refused(state, "a {}; int b", "it");
}

static void test_name_of_member(void **state)
{
	assert_name_refused(state, "odd", "a; } b; struct c {");
}

static void test_keyword(void **state)
{
	assert_name_refused(state, "odd", "register");
}

static void test_names(void **state)
{
	(void)state;
	assert_true(elfmap_is_c_name("hits"));
	assert_true(elfmap_is_c_name("_2"));
	assert_true(elfmap_is_c_name("inter"));
	assert_true(elfmap_is_c_name("whiles"));
	assert_false(elfmap_is_c_name(""));
	assert_false(elfmap_is_c_name("2"));
	assert_false(elfmap_is_c_name("a.b"));
	assert_false(elfmap_is_c_name("int"));
	assert_false(elfmap_is_c_name("while"));
	assert_false(elfmap_is_c_name("_Alignas"));
}

int main(void)
{
#define WITH_SUBJECT(test) cmocka_unit_test_setup_teardown(test, subject__setup, subject__teardown)
	const struct CMUnitTest tests[] = {
		WITH_SUBJECT(test_sizes),
		WITH_SUBJECT(test_types),
		WITH_SUBJECT(test_no_maps),
		WITH_SUBJECT(test_slot_given_twice),
		WITH_SUBJECT(test_typedef_of_itself),
		WITH_SUBJECT(test_const_of_itself),
		WITH_SUBJECT(test_exponential_types),
		WITH_SUBJECT(test_unknown_type),
		WITH_SUBJECT(test_member_without_size),
		WITH_SUBJECT(test_padding_without_end),
		WITH_SUBJECT(test_name_of_type),
		WITH_SUBJECT(test_name_of_member),
		WITH_SUBJECT(test_keyword),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
