// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entries are carried to another map while both are written: late changes are copied, newer entries stay. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <cmocka.h>
#include <unistd.h>

#include "upgrade/carry.h"

#define FROM "/sys/fs/bpf/carry_test_from"
#define TO "/sys/fs/bpf/carry_test_to"

struct prefix {
	__u32 length, address;
};

static int from = -1, to = -1;
static struct elfmap_carry *carry;

static int make(enum bpf_map_type type, __u32 flags, const char *path)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, "carry", sizeof(struct prefix), sizeof(__u64), 16, &opts);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	return fd;
}

static void begin(enum bpf_map_type type, __u32 flags)
{
	from = make(type, flags, FROM);
	to = make(type, flags, TO);
}

static int end(void **state)
{
	(void)state;
	elfmap_carry__free(carry);
	carry = NULL;
	close(from);
	close(to);
	unlink(FROM);
	unlink(TO);
	return 0;
}

static void put(int fd, const char *address, __u32 length, __u64 value)
{
	struct prefix key = {.length = length, .address = inet_addr(address)};

	assert_int_equal(bpf_map_update_elem(fd, &key, &value, BPF_ANY), 0);
}

static __u64 get(int fd, const char *address, __u32 length)
{
	struct prefix key = {.length = length, .address = inet_addr(address)};
	__u64 value = 0;

	bpf_map_lookup_elem(fd, &key, &value);
	return value;
}

static void start_and_change(void)
{
	struct elfmap_msg msg;

	put(from, "10.0.0.0", 8, 1);
	put(from, "11.0.0.0", 8, 2);
	put(from, "12.0.0.0", 8, 3);
	assert_int_equal(elfmap_carry__begin(FROM, TO, ELFMAP_MERGE_REFUSED, &carry, &msg), 0);
	put(from, "10.0.0.0", 8, 100); /* changed in the old map */
	put(from, "11.0.0.0", 8, 200); /* changed in both */
	put(to, "11.0.0.0", 8, 201);
	put(to, "12.0.0.0", 8, 301); /* changed in the new map */
}

static void assert_finished(size_t late, size_t lost)
{
	size_t was_late, was_lost;
	struct elfmap_msg msg;

	assert_int_equal(elfmap_carry__finish(carry, &was_late, &was_lost, &msg), 0);
	assert_int_equal(was_late, late);
	assert_int_equal(was_lost, lost);
	assert_int_equal(get(to, "10.0.0.0", 8), 100);
	assert_int_equal(get(to, "11.0.0.0", 8), 201);
	assert_int_equal(get(to, "12.0.0.0", 8), 301);
}

static void what_changed_since_is_carried(void **state)
{
	(void)state;
	begin(BPF_MAP_TYPE_HASH, 0);
	start_and_change();
	put(from, "13.0.0.0", 8, 4); /* new in the old map */
	put(from, "14.0.0.0", 8, 5); /* new in both */
	put(to, "14.0.0.0", 8, 6);
	assert_finished(2, 2);
	assert_int_equal(get(to, "13.0.0.0", 8), 4);
	assert_int_equal(get(to, "14.0.0.0", 8), 6);
}

/* A look-up of a new prefix finds a wider one, which is not the same entry. */
static void a_wider_prefix_is_another_entry(void **state)
{
	(void)state;
	begin(BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC);
	start_and_change();
	put(from, "10.1.0.0", 16, 4);
	put(from, "10.32.0.0", 12, 5);
	put(to, "10.32.0.0", 12, 6);
	assert_finished(2, 2);
	assert_int_equal(get(to, "10.1.0.0", 16), 4);
	assert_int_equal(get(to, "10.32.0.0", 12), 6);
}

/* ---- other members ----------------------------------------------------------------------------------------------- */

struct old_value {
	__u32 n, gone;
};

struct new_value {
	__u64 fresh;
	__u64 n;
};

static int make_types(int *ret_old, int *ret_new)
{
	struct btf *btf = btf__new_empty();
	int u32_type = btf__add_int(btf, "u32", 4, 0), u64_type = btf__add_int(btf, "u64", 8, 0), fd;
	const void *raw;
	__u32 size;

	*ret_old = btf__add_struct(btf, "value", sizeof(struct old_value));
	btf__add_field(btf, "n", u32_type, 0, 0);
	btf__add_field(btf, "gone", u32_type, 32, 0);
	*ret_new = btf__add_struct(btf, "value", sizeof(struct new_value));
	btf__add_field(btf, "fresh", u64_type, 0, 0);
	btf__add_field(btf, "n", u64_type, 64, 0);
	raw = btf__raw_data(btf, &size);
	fd = bpf_btf_load(raw, size, NULL);
	btf__free(btf);
	assert_true(fd >= 0);
	return fd;
}

static int make_typed(int btf, int value, __u32 size, const char *path)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .btf_fd = (__u32)btf, .btf_key_type_id = 1,
		    .btf_value_type_id = (__u32)value);
	int fd = bpf_map_create(BPF_MAP_TYPE_HASH, "carry", sizeof(__u32), size, 16, &opts);

	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	return fd;
}

static void put_old(__u32 key, __u32 n)
{
	const struct old_value value = {.n = n, .gone = 7};

	assert_int_equal(bpf_map_update_elem(from, &key, &value, BPF_ANY), 0);
}

static void put_new(__u32 key, __u64 n, __u64 fresh)
{
	const struct new_value value = {.n = n, .fresh = fresh};

	assert_int_equal(bpf_map_update_elem(to, &key, &value, BPF_ANY), 0);
}

static void assert_new(__u32 key, __u64 n, __u64 fresh)
{
	struct new_value value;

	assert_int_equal(bpf_map_lookup_elem(to, &key, &value), 0);
	assert_int_equal(value.n, n);
	assert_int_equal(value.fresh, fresh);
}

static void late_entries_are_converted(void **state)
{
	int old, new, btf = make_types(&old, &new);
	size_t late, lost;
	struct elfmap_msg msg;

	(void)state;
	from = make_typed(btf, old, sizeof(struct old_value), FROM);
	to = make_typed(btf, new, sizeof(struct new_value), TO);
	close(btf);
	put_old(1, 10);
	put_old(2, 20);
	put_old(3, 30);
	assert_int_equal(elfmap_carry__begin(FROM, TO, ELFMAP_MERGE_REFUSED, &carry, &msg), 0);
	assert_new(1, 10, 0);
	put_old(1, 11);	   /* changed in the old map */
	put_old(2, 21);	   /* changed in both */
	put_new(2, 20, 5); /* only in a member that the old map does not have */
	put_old(4, 40);	   /* new in the old map */
	assert_int_equal(elfmap_carry__finish(carry, &late, &lost, &msg), 0);
	assert_int_equal(late, 2);
	assert_int_equal(lost, 1);
	assert_new(1, 11, 0);
	assert_new(2, 20, 5);
	assert_new(3, 30, 0);
	assert_new(4, 40, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(late_entries_are_converted, end),
		cmocka_unit_test_teardown(what_changed_since_is_carried, end),
		cmocka_unit_test_teardown(a_wider_prefix_is_another_entry, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
