// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* elfmap.h works for programs built with an older or newer version of it: objects are opaque, structs have sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

/* The options of a caller that was built with a later header. */
struct newer_opts {
	struct elfmap_transcode_opts known;
	const char *unknown;
};

static struct elfmap_object *take(struct subject *subject, const char *name)
{
	subject__take_testdata(subject, name);
	return subject__read(subject);
}

static void test_accessors_show_the_object(void **state)
{
	const struct elfmap_object *obj = take(*state, "map_in_map");
	const struct elfmap_object_info *info = elfmap_object__info(obj);

	assert_true(info->nr_maps > 1 && info->nr_progs > 0);
	assert_int_equal(info->sz, sizeof(*info));
	assert_int_equal(info->nr_maps, obj->nr_maps);
	assert_int_equal(info->nr_progs, obj->nr_progs);
	assert_int_equal(info->nr_subprogs, obj->nr_subprogs);
	assert_int_equal(info->nr_btf_maps, obj->nr_btf_maps);
	assert_int_equal(info->nr_problems, 0);
	assert_int_equal(info->def_size, sizeof(struct bpf_elf_map));
	assert_string_equal(info->license, "GPL");
	assert_true(info->has_legacy_maps && info->needs_help && info->has_btf && !info->has_btf_maps);
	for (size_t i = 0; i < info->nr_maps; i++) {
		assert_ptr_equal(elfmap_object__map(obj, i), &obj->maps[i]);
		assert_int_equal(elfmap_object__map(obj, i)->sz, sizeof(struct elfmap_map));
	}
	for (size_t i = 0; i < info->nr_progs; i++) {
		assert_ptr_equal(elfmap_object__prog(obj, i), &obj->progs[i]);
		assert_int_equal(elfmap_object__prog(obj, i)->sz, sizeof(struct elfmap_prog));
	}
}

static void test_subprograms_have_sizes(void **state)
{
	const struct elfmap_object *obj = take(*state, "section_calls");
	const struct elfmap_prog *subprog = elfmap_object__subprog(obj, 0);

	assert_non_null(subprog);
	assert_int_equal(subprog->sz, sizeof(*subprog));
	assert_true(subprog->size > 0);
	assert_null(elfmap_object__subprog(obj, elfmap_object__info(obj)->nr_subprogs));
}

static void test_maps_of_libbpf_have_names(void **state)
{
	const struct elfmap_object *obj = take(*state, "both_maps");

	assert_true(elfmap_object__info(obj)->has_btf_maps);
	assert_string_equal(elfmap_object__btf_map(obj, 0), obj->btf_maps[0]);
	assert_null(elfmap_object__btf_map(obj, elfmap_object__info(obj)->nr_btf_maps));
}

static void test_problems_are_lines(void **state)
{
	struct elfmap_object *obj = NULL;
	struct subject *subject = *state;
	struct elfmap_msg msg;

	subject__take_testdata(subject, "bad_sizes");
	assert_int_equal(elfmap_object__read(subject->bytes, subject->size, &obj, &msg), 0);
	assert_true(elfmap_object__info(obj)->nr_problems > 0);
	assert_true(strlen(elfmap_object__problem(obj, 0)) > 0);
	assert_null(elfmap_object__problem(obj, elfmap_object__info(obj)->nr_problems));
	elfmap_object__free(obj);
}

static void test_index_past_the_end(void **state)
{
	const struct elfmap_object *obj = take(*state, "nomaps");

	assert_int_equal(elfmap_object__info(obj)->nr_maps, 0);
	assert_null(elfmap_object__map(obj, 0));
	assert_null(elfmap_object__map(obj, SIZE_MAX));
	assert_null(elfmap_object__prog(obj, obj->nr_progs));
	assert_null(elfmap_object__subprog(obj, 0));
	assert_null(elfmap_object__btf_map(obj, 0));
	assert_null(elfmap_object__problem(obj, 0));
}

static void test_elfmap_has_compares_the_size(void **state)
{
	struct elfmap_map map = {.sz = offsetof(struct elfmap_map, offset)};

	(void)state;
	assert_true(elfmap_has(&map, name));
	assert_true(elfmap_has(&map, is_inner));
	assert_false(elfmap_has(&map, offset));
	assert_false(elfmap_has(&map, symbol));
	map.sz = sizeof(map);
	assert_true(elfmap_has(&map, symbol));
}

static int transcode(const struct elfmap_object *obj, const struct elfmap_transcode_opts *opts)
{
	struct elfmap_msg msg = {};
	void *bytes = NULL;
	size_t size = 0;
	int err = elfmap_object__transcode(obj, opts, &bytes, &size, &msg);

	assert_int_equal(!err, bytes && size);
	assert_int_equal(!err, !msg.text[0]);
	free(bytes);
	return err;
}

static void test_options_without_a_size_are_refused(void **state)
{
	const struct elfmap_object *obj = take(*state, "samples28");
	struct elfmap_transcode_opts opts = {};

	assert_int_equal(transcode(obj, &opts), -EINVAL);
	opts.sz = offsetof(struct elfmap_transcode_opts, prog_section);
	assert_int_equal(transcode(obj, &opts), -EINVAL);
	opts.sz = sizeof(opts);
	assert_int_equal(transcode(obj, &opts), 0);
	assert_int_equal(transcode(obj, NULL), 0);
}

static void test_newer_options_are_refused_when_used(void **state)
{
	const struct elfmap_object *obj = take(*state, "samples28");
	struct newer_opts newer = {.known.sz = sizeof(newer)};

	assert_int_equal(transcode(obj, &newer.known), 0);
	newer.unknown = "asked for";
	assert_int_equal(transcode(obj, &newer.known), -E2BIG);
}

static void test_messages_are_optional(void **state)
{
	struct elfmap_object *obj = NULL;
	size_t size = 7;
	void *bytes;

	(void)state;
	assert_int_equal(elfmap_object__read("no ELF", 6, &obj, NULL), -ENOEXEC);
	assert_null(obj);
	assert_int_equal(elfmap_file__read("/nonexistent", &bytes, &size, NULL), -ENOENT);
	assert_int_equal(size, 7);
	elfmap_object__free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_accessors_show_the_object, subject__setup, subject__teardown),
		cmocka_unit_test_setup_teardown(test_subprograms_have_sizes, subject__setup, subject__teardown),
		cmocka_unit_test_setup_teardown(test_maps_of_libbpf_have_names, subject__setup, subject__teardown),
		cmocka_unit_test_setup_teardown(test_problems_are_lines, subject__setup, subject__teardown),
		cmocka_unit_test_setup_teardown(test_index_past_the_end, subject__setup, subject__teardown),
		cmocka_unit_test(test_elfmap_has_compares_the_size),
		cmocka_unit_test_setup_teardown(test_options_without_a_size_are_refused, subject__setup,
						subject__teardown),
		cmocka_unit_test_setup_teardown(test_newer_options_are_refused_when_used, subject__setup,
						subject__teardown),
		cmocka_unit_test(test_messages_are_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
