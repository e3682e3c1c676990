// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The names of types against libbpf's, which is what bpftool prints, and beyond what an old libbpf knows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>

#include "elfmap.h"

static void test_map_types_as_bpftool(void **state)
{
	__u32 type;

	(void)state;
	for (type = 0; libbpf_bpf_map_type_str(type) && elfmap_map_type_name(type); type++)
		assert_string_equal(elfmap_map_type_name(type), libbpf_bpf_map_type_str(type));
	assert_true(type > 30);
}

static void test_prog_types_as_bpftool(void **state)
{
	__u32 type;

	(void)state;
	for (type = 0; libbpf_bpf_prog_type_str(type) && elfmap_prog_type_name(type); type++)
		assert_string_equal(elfmap_prog_type_name(type), libbpf_bpf_prog_type_str(type));
	assert_true(type > 31);
}

static void test_newer_than_headers(void **state)
{
	(void)state;
	assert_string_equal(elfmap_map_type_name(31), "user_ringbuf");
	assert_string_equal(elfmap_map_type_name(32), "cgrp_storage");
	assert_string_equal(elfmap_map_type_name(33), "arena");
	assert_string_equal(elfmap_prog_type_name(32), "netfilter");
}

static void test_unknown_is_null(void **state)
{
	(void)state;
	assert_null(elfmap_map_type_name(99));
	assert_null(elfmap_map_type_name(~0u));
	assert_null(elfmap_prog_type_name(99));
	assert_null(elfmap_prog_type_name(~0u));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_types_as_bpftool),
		cmocka_unit_test(test_prog_types_as_bpftool),
		cmocka_unit_test(test_newer_than_headers),
		cmocka_unit_test(test_unknown_is_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
