// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/l2_redirect.c in the running kernel, at the end of a tunnel. Section forward: tunnel packets
 * that end here go to the tunnel's device or are decapsulated, all others pass unchanged. Section
 * drop_non_tun_vip: packets for a VIP must come out of a tunnel. Every run checks that exactly one
 * counter has changed.
 */
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <string.h>

#include "l2_maps.h"
#include "test.h"

#define END4 "10.2.1.102"
#define FAR4 "10.2.1.1"
#define END6 "2001:db8:2::66"
#define FAR6 "2001:db8:2::1"

static void set_ends(enum l2_end_action action)
{
	set_end(1, END4, action, 0);
	set_end(L2_ENDS - 1, END6, action, 0);
	set_device(0, LOOPBACK);
}

/* OUTER and INNER: false for IPv4. */
static void build(struct frame *frame, bool outer, bool inner)
{
	build_tunnelled(frame, outer ? FAR6 : FAR4, outer ? END6 : END4, inner ? A6 : A4, inner ? B6 : B4);
}

static void test_tunnel_packets_go_to_the_tunnel_device(void **state)
{
	struct frame frame;

	(void)state;
	set_ends(L2_END_DEVICE);
	for (int i = 0; i < 4; i++) {
		build(&frame, i & 1, i & 2);
		run_unchanged(forward, &frame, TC_ACT_REDIRECT, forwarded);
	}
}

/* A7. */
static void test_transit_is_left_alone(void **state)
{
	struct frame frame;

	(void)state;
	set_ends(L2_END_DEVICE);
	build_tunnelled(&frame, FAR4, "10.2.1.103", A4, B4);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
	build_tunnelled(&frame, END4, FAR4, A4, B4); /* in the other direction */
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
	build_tunnelled(&frame, FAR6, "2001:db8:2::67", A4, B4);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
	build_tunnelled(&frame, FAR6, "2001:db8:3::66", A4, B4);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
}

static void test_other_packets_are_left_alone(void **state)
{
	struct frame frame;

	(void)state;
	set_ends(L2_END_STRIP);
	build_datagram(&frame, FAR4, END4);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
	build_datagram(&frame, FAR6, END6);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
	frame__ethernet(&frame);
	frame__arp(&frame);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, non_ip);
	frame__ethernet(&frame);
	frame__ipv6(&frame, FAR6, END6);
	frame__extension(&frame, IPPROTO_DSTOPTS, 0);
	frame__udp(&frame, 1, 2);
	frame__seal(&frame);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
	frame.size -= 12; /* in the middle of the extension header */
	frame__put16(&frame, 18, 4);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, too_short);
}

static void test_unset_and_removed_devices(void **state)
{
	struct frame frame;

	(void)state;
	build(&frame, false, false);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, passed);
	set_ends(L2_END_DEVICE);
	set_device(0, 0);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, unset);
	set_device(0, NO_DEVICE);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, gone);
	set_ends(L2_END_UNUSED);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, unset);
	set_end(1, END4, L2_END_DEVICE, L2_DEVICES);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, invalid);
}

static void assert_ethertype(const struct frame *frame, __u16 ethertype)
{
	assert_int_equal(frame->bytes[12] << 8 | frame->bytes[13], ethertype);
}

static void test_decapsulation(void **state)
{
	struct frame frame, inside;

	(void)state;
	set_ends(L2_END_STRIP);
	for (int i = 0; i < 4; i++) {
		build(&frame, i & 1, i & 2);
		build_datagram(&inside, i & 2 ? A6 : A4, i & 2 ? B6 : B4);
		run_l2(forward, &frame, TC_ACT_UNSPEC, stripped);
		assert_packet(&frame, ETH_HLEN, &inside);
		assert_ethertype(&frame, i & 2 ? ETH_P_IPV6 : ETH_P_IP);
	}
}

/* Options and extension headers are removed with their header. */
static void test_longer_outer_headers(void **state)
{
	struct frame frame, inside;

	(void)state;
	set_ends(L2_END_STRIP);
	build_datagram(&inside, A4, B4);
	frame__ethernet(&frame);
	frame__ipv4_with(&frame, FAR4, END4, 8, 0x4000);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__payload(&frame, 30);
	frame__seal(&frame);
	run_l2(forward, &frame, TC_ACT_UNSPEC, stripped);
	assert_packet(&frame, ETH_HLEN, &inside);

	frame__ethernet(&frame);
	frame__ipv6(&frame, FAR6, END6);
	frame__extension(&frame, IPPROTO_DSTOPTS, 0);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__payload(&frame, 30);
	frame__seal(&frame);
	run_l2(forward, &frame, TC_ACT_UNSPEC, stripped);
	assert_packet(&frame, ETH_HLEN, &inside);
	assert_ethertype(&frame, ETH_P_IP);
}

/* Tags outside the metadata are for a VLAN device, whose own filter gets the packet without them. */
static void test_tagged(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021Q, 5);
	frame__ipv4(&frame, FAR4, END4);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__payload(&frame, 30);
	frame__seal(&frame);
	set_ends(L2_END_STRIP);
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, unstripped);
	set_ends(L2_END_DEVICE);
	run_unchanged(forward, &frame, TC_ACT_REDIRECT, forwarded);
}

/* A fragment has no complete inner packet. The stack reassembles them. */
static void test_fragments(void **state)
{
	struct frame frame;

	(void)state;
	set_ends(L2_END_STRIP);
	for (int i = 0; i < 2; i++) {
		frame__ethernet(&frame);
		frame__ipv4_with(&frame, FAR4, END4, 0, i ? 0x00ff : 0x2000);
		frame__ipv4(&frame, A4, B4);
		frame__payload(&frame, 32);
		frame__seal(&frame);
		set_ends(L2_END_STRIP);
		run_unchanged(forward, &frame, TC_ACT_UNSPEC, unstripped);
		set_ends(L2_END_DEVICE);
		run_unchanged(forward, &frame, TC_ACT_REDIRECT, forwarded);
	}
}

static void test_malformed_inside_goes_to_the_stack(void **state)
{
	struct frame frame;

	(void)state;
	set_ends(L2_END_STRIP);
	build(&frame, false, false);
	frame__put16(&frame, 16, 1000); /* outer total length */
	run_unchanged(forward, &frame, TC_ACT_UNSPEC, too_short);
}

/* A congestion mark of the outer header is copied before the header is removed. */
static void test_congestion_mark_is_copied(void **state)
{
	struct frame frame;

	(void)state;
	set_ends(L2_END_STRIP);
	build(&frame, false, false);
	frame.bytes[15] |= 3;
	frame.bytes[14 + 20 + 1] = 2; /* ECT(0) */
	run_l2(forward, &frame, TC_ACT_UNSPEC, stripped);
	assert_int_equal(frame.bytes[15] & 3, 3);
	build(&frame, false, true);
	frame.bytes[15] |= 3;
	frame.bytes[14 + 20 + 1] |= 0x20;
	run_l2(forward, &frame, TC_ACT_UNSPEC, stripped);
	assert_int_equal(frame.bytes[15] & 0x30, 0x30);
	build(&frame, false, false); /* a sender without ECN gets no mark */
	frame.bytes[15] |= 3;
	run_l2(forward, &frame, TC_ACT_UNSPEC, stripped);
	assert_int_equal(frame.bytes[15] & 3, 0);
}

/* ---- the guard ------------------------------------------------------------------------------------------- */

#define VIP4 "10.10.1.102"
#define VIP6 "fdfa:ce::66"

static const char *vips[] = {VIP4, VIP6};

static void test_guard(void **state)
{
	struct l2_vip here = {.action = L2_HERE}, none = {.action = L2_NORMAL};
	struct frame frame;

	(void)state;
	build_datagram(&frame, A4, VIP4);
	run_unchanged(guard, &frame, TC_ACT_UNSPEC, passed); /* without guarded addresses */
	set_vip(VIP4 "/24", &here);
	set_vip(VIP6 "/32", &here);
	set_vip("10.10.1.7/32", &none);
	for (size_t family = 0; family < 2; family++) {
		build_datagram(&frame, family ? A6 : A4, vips[family]);
		run_unchanged(guard, &frame, TC_ACT_SHOT, guarded);
		build_tunnelled(&frame, A4, END4, family ? A6 : A4, vips[family]);
		run_unchanged(guard, &frame, TC_ACT_UNSPEC, passed);
	}
	build_datagram(&frame, A4, "10.10.1.7");
	run_unchanged(guard, &frame, TC_ACT_UNSPEC, passed);
	build_datagram(&frame, A4, B4);
	run_unchanged(guard, &frame, TC_ACT_UNSPEC, passed);
}

static void test_guard_drops_fragments_and_malformed_packets(void **state)
{
	struct l2_vip here = {.action = L2_HERE};
	struct frame frame;

	(void)state;
	set_vip(VIP4 "/24", &here);
	set_vip(VIP6 "/32", &here);
	frame__ethernet(&frame);
	frame__arp(&frame);
	run_unchanged(guard, &frame, TC_ACT_UNSPEC, non_ip);
	build_short(&frame, A4, VIP4, 16);
	run_unchanged(guard, &frame, TC_ACT_SHOT, guard_unsure);
	frame__ethernet(&frame);
	for (int i = 0; i < 4; i++)
		frame__tag(&frame, ETH_P_8021Q, 1);
	frame__ipv4(&frame, A4, VIP4);
	frame__seal(&frame);
	run_unchanged(guard, &frame, TC_ACT_SHOT, guard_unsure);
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021Q, 1);
	frame__ipv4_with(&frame, A4, VIP4, 0, 0x00ff); /* a later fragment */
	frame__seal(&frame);
	run_unchanged(guard, &frame, TC_ACT_SHOT, guarded);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, l2_maps__load, l2_maps__unload)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_tunnel_packets_go_to_the_tunnel_device),
		TEST(test_transit_is_left_alone),
		TEST(test_other_packets_are_left_alone),
		TEST(test_unset_and_removed_devices),
		TEST(test_decapsulation),
		TEST(test_longer_outer_headers),
		TEST(test_tagged),
		TEST(test_fragments),
		TEST(test_malformed_inside_goes_to_the_stack),
		TEST(test_congestion_mark_is_copied),
		TEST(test_guard),
		TEST(test_guard_drops_fragments_and_malformed_packets),
	};

	return cmocka_run_group_tests_name("l2_forward", tests, NULL, NULL);
}
