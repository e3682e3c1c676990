// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/dst_stats.c in the running kernel: the destination for which each frame is counted, or its
 * cell of dst_errs. parse_test.c tests the parser, dst_stats_load_test.c the counters and full
 * maps.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "dst_maps.h"
#include "test.h"

static void build_ping(struct frame *frame, const char *from, const char *to)
{
	frame__ethernet(frame);
	frame__ipv4(frame, from, to);
	frame__icmp(frame, IPPROTO_ICMP, 8, 1);
	frame__payload(frame, 56);
	frame__seal(frame);
}

/* ---- destinations --------------------------------------------------------------------------------- */

/* A1. */
static void test_one_entry_per_direction(void **state)
{
	struct frame there, back;

	(void)state;
	build_ping(&there, A4, B4);
	build_ping(&back, B4, A4);
	for (int i = 0; i < 5; i++) {
		classifier__run(under_test.egress, &there, NULL);
		classifier__run(under_test.ingress, &back, NULL);
	}
	assert_entry(DST_EGRESS, B4, 5, 490);
	assert_entry(DST_INGRESS, A4, 5, 490);
	assert_no_entry(DST_INGRESS, B4);
	assert_no_entry(DST_EGRESS, A4);
	assert_int_equal(count_entries(), 2);
	assert_errors(0, 0, 0, 0, 0);
}

/* A2: all 128 bits are compared, not their sum. */
static void test_addresses_are_not_folded(void **state)
{
	struct frame frame;

	(void)state;
	build_udp(&frame, A6, "fd00::1:0:0:0:2");
	classifier__run(under_test.egress, &frame, NULL);
	build_udp(&frame, A6, "fd00::1:0:2:0:0");
	classifier__run(under_test.egress, &frame, NULL);
	classifier__run(under_test.egress, &frame, NULL);
	assert_entry(DST_EGRESS, "fd00::1:0:0:0:2", 1, frame.size);
	assert_entry(DST_EGRESS, "fd00::1:0:2:0:0", 2, 2 * frame.size);
	assert_int_equal(count_entries(), 2);
}

/* The families are separate: a mapped address in an IPv6 header is not the IPv4 address. */
static void test_family_is_part_of_the_key(void **state)
{
	struct frame frame;

	(void)state;
	build_udp(&frame, A6, "::ffff:" B4);
	classifier__run(under_test.egress, &frame, NULL);
	assert_no_entry(DST_EGRESS, B4);
	assert_entry(DST_EGRESS, "::ffff:" B4, 1, frame.size);
	build_udp(&frame, A4, B4);
	classifier__run(under_test.egress, &frame, NULL);
	assert_entry(DST_EGRESS, B4, 1, frame.size);
	assert_int_equal(count_entries(), 2);
}

/* A4. */
static void test_no_payload(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__protocol(&frame, IPPROTO_TCP);
	frame__seal(&frame);
	classifier__run(under_test.ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B4, 1, 34);
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__seal(&frame);
	classifier__run(under_test.ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B6, 1, 54);
	assert_errors(0, 0, 0, 0, 0);
}

/* After tags and extension headers; a part of the key that is not written would split these entries. */
static void test_one_entry_for_any_encapsulation(void **state)
{
	struct frame frame;
	size_t bytes = 0;

	(void)state;
	for (int i = 0; i < 6; i++) {
		frame__ethernet(&frame);
		if (i & 1)
			frame__tag(&frame, ETH_P_8021AD, i);
		if (i & 2)
			frame__tag(&frame, ETH_P_8021Q, i);
		frame__ipv6(&frame, A6, B6);
		if (i & 4)
			frame__extension(&frame, IPPROTO_HOPOPTS, 1);
		frame__udp(&frame, i, i);
		frame__seal(&frame);
		classifier__run(under_test.ingress, &frame, NULL);
		bytes += frame.size;
	}
	assert_entry(DST_INGRESS, B6, 6, bytes);
	assert_int_equal(count_entries(), 1);
}

/* ---- tunnels and fragments ------------------------------------------------------------------------ */

enum tunnel {
	IPV4_IN_IPV4,
	IPV6_IN_IPV4,
	IPV4_IN_IPV6,
	IPV6_IN_IPV6,
	NR_TUNNELS,
};

/* GRE: its flags, or 0 for a tunnel without. */
static void build_tunnel(struct frame *frame, enum tunnel tunnel, bool gre, __u16 flags)
{
	frame__ethernet(frame);
	if (tunnel == IPV4_IN_IPV4 || tunnel == IPV6_IN_IPV4)
		frame__ipv4(frame, C4, C4);
	else
		frame__ipv6(frame, "2001:db8::c", "2001:db8::c");
	if (gre)
		frame__gre(frame, flags);
	if (tunnel == IPV4_IN_IPV4 || tunnel == IPV4_IN_IPV6)
		frame__ipv4(frame, A4, B4);
	else
		frame__ipv6(frame, A6, B6);
	frame__udp(frame, 4000, 53);
	frame__seal(frame);
}

static const char *inner_of(enum tunnel tunnel)
{
	return tunnel == IPV4_IN_IPV4 || tunnel == IPV4_IN_IPV6 ? B4 : B6;
}

/* A5. */
static void test_tunnels(void **state)
{
	struct frame frame;

	(void)state;
	for (enum tunnel tunnel = 0; tunnel < NR_TUNNELS; tunnel++) {
		struct dst_value before;

		find_entry(DST_EGRESS, inner_of(tunnel), &before);
		build_tunnel(&frame, tunnel, false, 0);
		classifier__run(under_test.egress, &frame, NULL);
		assert_entry(DST_EGRESS, inner_of(tunnel), before.packets + 1, before.bytes + frame.size);
	}
	assert_int_equal(count_entries(), 2); /* no outer address */
	assert_errors(0, 0, 0, 0, 0);
}

static void test_gre(void **state)
{
	struct frame frame;
	int sent = 0;

	(void)state;
	for (__u16 optional = 0; optional < 8; optional++) { /* checksum, key, sequence: all combinations */
		__u16 flags = (optional & 1) << 15 | (optional & 2) << 12 | (optional & 4) << 10;

		for (enum tunnel tunnel = 0; tunnel < NR_TUNNELS; tunnel++, sent++) {
			struct dst_value total;

			build_tunnel(&frame, tunnel, true, flags);
			classifier__run(under_test.egress, &frame, NULL);
			assert_true(find_entry(DST_EGRESS, inner_of(tunnel), &total));
		}
	}
	assert_int_equal(sent, 32);
	assert_int_equal(count_entries(), 2);
	assert_errors(0, 0, 0, 0, 0);
}

/* Version 1 (PPTP), source routes and payloads other than IP count for the outer destination. */
static void test_gre_that_is_not_followed(void **state)
{
	struct frame frame;

	(void)state;
	build_tunnel(&frame, IPV4_IN_IPV4, true, 0x2001);
	classifier__run(under_test.egress, &frame, NULL);
	build_tunnel(&frame, IPV4_IN_IPV4, true, 0x4000);
	classifier__run(under_test.egress, &frame, NULL);
	build_tunnel(&frame, IPV4_IN_IPV4, true, 0);
	frame__put16(&frame, 36, ETH_P_TEB);
	classifier__run(under_test.egress, &frame, NULL);
	assert_entry(DST_EGRESS, C4, 3, 3 * frame.size + 4);
	assert_int_equal(count_entries(), 1);
	assert_errors(0, 0, 0, 0, 0);
}

static void build_nest(struct frame *frame, int tunnels)
{
	frame__ethernet(frame);
	for (int i = 0; i < tunnels; i++)
		frame__ipv4(frame, C4, C4);
	frame__ipv4(frame, A4, B4);
	frame__seal(frame);
}

static void test_nested_too_deep(void **state)
{
	struct frame frame;

	(void)state;
	build_nest(&frame, 4);
	classifier__run(under_test.ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B4, 1, frame.size);
	build_nest(&frame, 5);
	classifier__run(under_test.ingress, &frame, NULL);
	build_nest(&frame, 9);
	classifier__run(under_test.ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B4, 1, 14 + 5 * 20);
	assert_int_equal(count_entries(), 1);
	assert_errors(0, 0, 2, 0, 0);
}

/* A6. */
static void test_fragments(void **state)
{
	static const __u16 ipv4_fields[] = {0x2000, 0x2010, 0x0020}, ipv6_fields[] = {0x0001, 0x0081, 0x0100};
	struct frame frame;
	size_t bytes4 = 0, bytes6 = 0;

	(void)state;
	for (int i = 0; i < 3; i++) {
		frame__ethernet(&frame);
		frame__ipv4_with(&frame, A4, B4, 0, ipv4_fields[i]);
		frame__udp(&frame, 4000, 53);
		frame__payload(&frame, 8 * i);
		frame__seal(&frame);
		classifier__run(under_test.ingress, &frame, NULL);
		bytes4 += frame.size;
		frame__ethernet(&frame);
		frame__ipv6(&frame, A6, B6);
		frame__ipv6_fragment(&frame, ipv6_fields[i]);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		classifier__run(under_test.ingress, &frame, NULL);
		bytes6 += frame.size;
	}
	assert_entry(DST_INGRESS, B4, 3, bytes4);
	assert_entry(DST_INGRESS, B6, 3, bytes6);
	assert_int_equal(count_entries(), 2);
	assert_errors(0, 0, 0, 0, 0);
}

/* Fragments of a tunnel, too: later ones have no inner header, so the first one is not parsed further. */
static void test_fragmented_tunnel(void **state)
{
	static const __u16 fields[] = {0x2000, 0x0010};
	struct frame frame;
	size_t bytes = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		frame__ethernet(&frame);
		frame__ipv4_with(&frame, C4, C4, 0, fields[i]);
		frame__ipv4(&frame, A4, B4);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		classifier__run(under_test.ingress, &frame, NULL);
		bytes += frame.size;
	}
	assert_entry(DST_INGRESS, C4, 2, bytes);
	assert_int_equal(count_entries(), 1);

	frame__ethernet(&frame); /* the inner packet is the fragment: each one has its header */
	frame__ipv4(&frame, C4, C4);
	frame__ipv4_with(&frame, A4, B4, 0, 0x0010);
	frame__payload(&frame, 16);
	frame__seal(&frame);
	classifier__run(under_test.ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B4, 1, frame.size);
}

/* ---- errors ---------------------------------------------------------------------------------------- */

static void test_each_error_has_its_cell(void **state)
{
	struct frame frame, good;

	(void)state;
	build_udp(&good, A4, B4);
	frame = good;
	frame__put16(&frame, 16, 1000); /* total length */
	classifier__run(under_test.ingress, &frame, NULL);
	assert_errors(1, 0, 0, 0, 0);
	frame__ethernet(&frame);
	frame__arp(&frame);
	classifier__run(under_test.ingress, &frame, NULL);
	classifier__run(under_test.egress, &frame, NULL);
	assert_errors(1, 2, 0, 0, 0);
	frame = good;
	frame.bytes[14] = 0x41;
	classifier__run(under_test.ingress, &frame, NULL);
	assert_errors(1, 2, 0, 1, 0);
	build_tunnel(&frame, IPV6_IN_IPV4, false, 0); /* a tunnel with a truncated inner packet */
	frame.size -= 8;
	frame__put16(&frame, 16, frame.size - 14);
	classifier__run(under_test.ingress, &frame, NULL);
	assert_errors(2, 2, 0, 1, 0);
	assert_int_equal(count_entries(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, dst_maps__load, dst_maps__unload)
#define TEST_LRU(name)                                                         \
	{                                                                      \
#name "_lru", name, dst_maps__load_lru, dst_maps__unload, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_entry_per_direction),
		TEST(test_addresses_are_not_folded),
		TEST(test_family_is_part_of_the_key),
		TEST(test_no_payload),
		TEST(test_one_entry_for_any_encapsulation),
		TEST(test_tunnels),
		TEST(test_gre),
		TEST(test_gre_that_is_not_followed),
		TEST(test_nested_too_deep),
		TEST(test_fragments),
		TEST(test_fragmented_tunnel),
		TEST(test_each_error_has_its_cell),
		TEST_LRU(test_one_entry_per_direction),
	};

	return cmocka_run_group_tests_name("dst_stats", tests, NULL, NULL);
}
