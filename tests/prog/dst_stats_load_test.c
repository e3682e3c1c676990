// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/dst_stats.c in the running kernel: its counters, also for GSO packets, full maps, and properties
 * of the object itself. dst_stats_cpus_test.c tests two CPUs at once.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <time.h>

#include "dst_maps.h"
#include "test.h"

/* ---- numbers --------------------------------------------------------------------------------------- */

/* A GSO packet counts as its segments on the wire. */
static void test_gso(void **state)
{
	struct __sk_buff gso = {.gso_size = 1000, .gso_segs = 3, .wire_len = 3108};
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__tcp(&frame, 4000, 22);
	frame__payload(&frame, 2946);
	frame__seal(&frame);
	classifier__run(under_test.egress, &frame, &gso);
	assert_entry(DST_EGRESS, B4, 3, 3108);
	frame.bytes[14] = 0x41;
	classifier__run(under_test.egress, &frame, &gso);
	assert_errors(0, 0, 0, 3, 0);
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void wait_for_tick(void)
{
	__u64 now = now_ns();

	while (now_ns() == now)
		;
}

static void test_times(void **state)
{
	__u64 before = now_ns(), between;
	struct dst_value total;
	struct frame frame;

	(void)state;
	build_udp(&frame, A4, B4);
	classifier__run(under_test.ingress, &frame, NULL);
	assert_true(find_entry(DST_INGRESS, B4, &total));
	assert_in_range(total.first_ns, before, now_ns());
	assert_int_equal(total.first_ns, total.last_ns);
	between = total.first_ns;
	wait_for_tick(); /* possibly the tick of the packet: the clock changes a little after the number */
	wait_for_tick();
	classifier__run(under_test.ingress, &frame, NULL);
	assert_true(find_entry(DST_INGRESS, B4, &total));
	assert_int_equal(total.first_ns, between);
	assert_in_range(total.last_ns, between + 1, now_ns());
}

/* ---- full maps -------------------------------------------------------------------------------------- */

static __u32 max_entries(void)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(under_test.stats, &info, &size), 0);
	assert_true(info.max_entries >= 4096);
	return info.max_entries;
}

static const char *nth_address(__u32 n)
{
	static _Thread_local char text[INET_ADDRSTRLEN];
	struct in_addr address = {.s_addr = htonl(0x0a000000 + n)};

	return inet_ntop(AF_INET, &address, text, sizeof(text));
}

static void send_to(__u32 n)
{
	struct frame frame;

	build_udp(&frame, A4, nth_address(n));
	classifier__run(under_test.ingress, &frame, NULL);
}

/* A3. */
static void test_full_map_keeps_existing_entries(void **state)
{
	__u32 max = max_entries();

	(void)state;
	for (__u32 i = 0; i < max; i++)
		send_to(i);
	assert_errors(0, 0, 0, 0, 0);
	send_to(max);
	assert_errors(0, 0, 0, 0, 1);
	assert_no_entry(DST_INGRESS, nth_address(max));
	assert_int_equal(count_entries(), max);
	for (__u32 i = 0; i < max; i++)
		assert_entry(DST_INGRESS, nth_address(i), 1, 42);
	send_to(7); /* an existing entry still counts */
	assert_entry(DST_INGRESS, nth_address(7), 2, 84);
	assert_errors(0, 0, 0, 0, 1);
}

static void test_lru_evicts_entries(void **state)
{
	__u32 max = max_entries();

	(void)state;
	for (__u32 i = 0; i < 2 * max; i++) {
		send_to(i);
		assert_entry(DST_INGRESS, nth_address(i), 1, 42);
	}
	assert_in_range(count_entries(), 1, max);
	assert_no_entry(DST_INGRESS, nth_address(0));
	assert_errors(0, 0, 0, 0, 0);
}

/* ---- the object -------------------------------------------------------------------------------------- */

/* Constants in .rodata and globals would be maps, and an old tc could not load the object. */
static void test_no_globals(void **state)
{
	struct bpf_map *map;
	int maps = 0;

	(void)state;
	bpf_object__for_each_map (map, under_test.classifier.object)
		maps++;
	assert_int_equal(maps, 2);
	classifier__map(&under_test.classifier, "dst_stats");
	classifier__map(&under_test.classifier, "dst_errs");
}

/* The kernel's limit is a million instructions; other kernels verify other paths. */
static void test_far_below_the_verifiers_limit(void **state)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	(void)state;
	assert_int_equal(bpf_obj_get_info_by_fd(under_test.ingress, &info, &size), 0);
	print_message("# the verifier walked %u instructions\n", info.verified_insns);
	assert_in_range(info.verified_insns, 0, 250000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dst_maps__load, dst_maps__unload)
#define TEST_LRU(name)                                                         \
	{                                                                      \
#name "_lru", name, dst_maps__load_lru, dst_maps__unload, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_gso),
		TEST(test_times),
		TEST(test_full_map_keeps_existing_entries),
		TEST_LRU(test_lru_evicts_entries),
		TEST(test_no_globals),
		TEST_LRU(test_no_globals),
		TEST(test_far_below_the_verifiers_limit),
	};

	return cmocka_run_group_tests_name("dst_stats under load", tests, NULL, NULL);
}
