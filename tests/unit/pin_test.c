// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Paths of pins, and the comparison of a map in the kernel with its definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfmap.h"

#define SHA1 "0123456789012345678901234567890123456789"

/* ---- paths --------------------------------------------------------------------------------------------- */

static void assert_path(__u32 pinning, const char *root, const char *expected)
{
	const struct elfmap_map map = {.name = "hits", .def = {.pinning = pinning}};
	struct elfmap_msg msg = {};
	char path[128] = "before";

	if (elfmap_pin__path(&map, root, SHA1, path, sizeof(path), &msg))
		fail_msg("%s", msg.text);
	assert_string_equal(path, expected);
}

static void assert_in_no_table(__u32 pinning)
{
	const struct elfmap_map map = {.name = "hits", .def = {.pinning = pinning}};
	struct elfmap_msg msg = {};
	char path[128], text[200];

	snprintf(text, sizeof(text),
		 "map 'hits': pinning %u is in no table, so it is not pinned; add a line '%u PATH' to "
		 "/etc/iproute2/bpf_pinning",
		 pinning, pinning);
	assert_int_equal(elfmap_pin__path(&map, "/sys/fs/bpf/tc", SHA1, path, sizeof(path), &msg), -ENOENT);
	assert_string_equal(msg.text, text);
}

static void test_fixed_places(void **state)
{
	(void)state;
	assert_path(PIN_NONE, "/sys/fs/bpf/tc", "");
	assert_path(PIN_OBJECT_NS, "/sys/fs/bpf/tc", "/sys/fs/bpf/tc/" SHA1 "/hits");
	assert_path(PIN_GLOBAL_NS, "/sys/fs/bpf/tc", "/sys/fs/bpf/tc/globals/hits");
	assert_path(PIN_GLOBAL_NS, "/proc/self/fd/7/tc//", "/proc/self/fd/7/tc/globals/hits");
}

/* tests/sandbox has mounted a copy over this file, so the test may change it. */
static void write_table(const char *text)
{
	FILE *table = fopen("/etc/iproute2/bpf_pinning", "we");

	assert_non_null(table);
	fputs(text, table);
	assert_int_equal(fclose(table), 0);
}

static void test_table(void **state)
{
	struct stat here, root;

	(void)state;
	if (stat("/etc/iproute2", &here) || stat("/etc", &root) || here.st_dev == root.st_dev) {
		print_message("/etc/iproute2 is the machine's own; run this in tests/sandbox\n");
		skip();
	}
	write_table("# 5 comment\n\n3 three # the rest is comment\n  0x10\tsix/teen\n3 later\n2 global\n-1 minus\n7\n");
	assert_path(3, "/sys/fs/bpf/tc", "/sys/fs/bpf/three/hits");
	assert_path(16, "/sys/fs/bpf/tc/", "/sys/fs/bpf/six/teen/hits");
	assert_path(-1u, "/bpf/tc", "/bpf/minus/hits");
	assert_path(2, "/sys/fs/bpf/tc", "/sys/fs/bpf/tc/globals/hits"); /* these numbers are reserved */
	assert_in_no_table(5);
	assert_in_no_table(7);
	assert_in_no_table(77);
	write_table("");
	assert_in_no_table(3);
}

static void test_path_too_long(void **state)
{
	const struct elfmap_map map = {.name = "hits", .def = {.pinning = PIN_GLOBAL_NS}};
	struct elfmap_msg msg = {};
	char path[sizeof("/tc/globals/hits")];

	(void)state;
	assert_int_equal(elfmap_pin__path(&map, "/tc", SHA1, path, sizeof(path), &msg), 0);
	assert_string_equal(path, "/tc/globals/hits");
	assert_int_equal(elfmap_pin__path(&map, "/tc2", SHA1, path, sizeof(path), &msg), -ENAMETOOLONG);
	assert_string_equal(msg.text, "map 'hits': the path of its pin is too long");
}

/* ---- comparing ----------------------------------------------------------------------------------------- */

static int compare(const struct bpf_elf_map *def, const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	const struct elfmap_map map = {.name = "hits", .def = *def};

	return elfmap_pin__compare(&map, info, msg);
}

/* Is a map made from DEF, as the kernel reports it, the same map as DEF? */
static void assert_kernel_agrees(const struct bpf_elf_map *def)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = def->flags);
	int fd = bpf_map_create(def->type, "hits", def->size_key, def->size_value, def->max_elem ? def->max_elem : 2,
				&opts);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	struct elfmap_msg msg = {};

	if (fd == -EPERM) {
		print_message("the kernel lets us create no maps\n");
		skip();
	}
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &size), 0);
	close(fd);
	if (compare(def, &info, &msg))
		fail_msg("%s", msg.text);
}

static void test_kernel_agrees(void **state)
{
	const struct bpf_elf_map maps[] = {
		{BPF_MAP_TYPE_HASH, 12, 40, 100, BPF_F_NO_PREALLOC, 0, 0, 0, 0},
		{BPF_MAP_TYPE_ARRAY, 4, 7, 3, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_PROG_ARRAY, 4, 4, 5, 0, 1, 2, 0, 0},
		{BPF_MAP_TYPE_PERF_EVENT_ARRAY, 4, 4, 0, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 10, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_CGROUP_ARRAY, 4, 4, 1, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_LRU_HASH, 4, 8, 10, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_LPM_TRIE, 8, 8, 10, BPF_F_NO_PREALLOC, 0, 0, 0, 0},
		{BPF_MAP_TYPE_DEVMAP, 4, 4, 10, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 10, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_QUEUE, 0, 4, 10, 0, 0, 0, 0, 0},
		{BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, 0, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(*maps); i++)
		assert_kernel_agrees(&maps[i]);
}

/* The kernel rounds up to the same number of entries on each CPU. */
static void test_lru_is_rounded(void **state)
{
	__u32 cpus = (__u32)libbpf_num_possible_cpus();
	struct bpf_elf_map def = {BPF_MAP_TYPE_LRU_HASH, 4, 8, 0, BPF_F_NO_COMMON_LRU, 0, 0, 0, 0};
	struct bpf_map_info info = {.type = def.type, .key_size = 4, .value_size = 8, .map_flags = def.flags};
	struct elfmap_msg msg;

	(void)state;
	for (__u32 entries = 1; entries < 3 * cpus + 2; entries++) {
		def.max_elem = entries;
		assert_kernel_agrees(&def);
	}
	def.max_elem = 4 * cpus;
	info.max_entries = 5 * cpus;
	assert_int_equal(compare(&def, &info, &msg), -EEXIST);
	info.max_entries = 3 * cpus;
	assert_int_equal(compare(&def, &info, &msg), -EEXIST);
	info.max_entries = 4 * cpus;
	assert_int_equal(compare(&def, &info, &msg), 0);
	/* It rounds only with this flag. */
	def.max_elem = 4 * cpus - 1;
	def.flags = info.map_flags = 0;
	assert_int_equal(compare(&def, &info, &msg), cpus == 1 ? 0 : -EEXIST);
}

static void assert_differs(struct bpf_elf_map def, struct bpf_map_info info, const char *text)
{
	struct elfmap_msg msg = {};

	assert_int_equal(compare(&def, &info, &msg), -EEXIST);
	assert_string_equal(msg.text, text);
}

static void test_every_difference(void **state)
{
	const struct bpf_elf_map def = {BPF_MAP_TYPE_HASH, 4, 8, 100, 1, 42, 2, 0, 0};
	const struct bpf_map_info same = {
		.type = 1, .key_size = 4, .value_size = 8, .max_entries = 100, .map_flags = 1};
	struct bpf_map_info info = same;
	struct elfmap_msg msg;

#define OBJECT "object hash key 4 value 8 max_entries 100 flags 0x1; "
	(void)state;
	assert_int_equal(compare(&def, &same, &msg), 0);
	info.type = 2;
	assert_differs(def, info,
		       "map 'hits': differs from its pin in type: " OBJECT
		       "pin array key 4 value 8 max_entries 100 flags 0x1");
	info = same;
	info.key_size = 5;
	assert_differs(def, info,
		       "map 'hits': differs from its pin in key: " OBJECT
		       "pin hash key 5 value 8 max_entries 100 flags 0x1");
	info = same;
	info.value_size = 9;
	assert_differs(def, info,
		       "map 'hits': differs from its pin in value: " OBJECT
		       "pin hash key 4 value 9 max_entries 100 flags 0x1");
	info = same;
	info.max_entries = 101;
	assert_differs(def, info,
		       "map 'hits': differs from its pin in max_entries: " OBJECT
		       "pin hash key 4 value 8 max_entries 101 flags 0x1");
	info = same;
	info.map_flags = 0x81;
	assert_differs(def, info,
		       "map 'hits': differs from its pin in flags: " OBJECT
		       "pin hash key 4 value 8 max_entries 100 flags 0x81");
	info = (struct bpf_map_info){.type = 999};
	assert_differs(def, info,
		       "map 'hits': differs from its pin in type, key, value, max_entries, flags: " OBJECT
		       "pin type 999 key 0 value 0 max_entries 0 flags 0x0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed_places),   cmocka_unit_test(test_table),
		cmocka_unit_test(test_path_too_long),  cmocka_unit_test(test_kernel_agrees),
		cmocka_unit_test(test_lru_is_rounded), cmocka_unit_test(test_every_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
