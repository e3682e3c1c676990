// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/parser.c in the running kernel: the flow of each frame, or the way in which its parsing ends. Each
 * frame must be counted once, in one place. parser_stages_test.c tests slots, full tables and several
 * CPUs. All tests also run with per-CPU values.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>

#include "parser_maps.h"
#include "test.h"

#define O4 "203.0.113.9" /* of outer headers */
#define O6 "2001:db8:0:9::9"

static void ip_from_to(struct frame *frame, bool is_ipv6)
{
	if (is_ipv6)
		frame__ipv6(frame, A6, B6);
	else
		frame__ipv4(frame, A4, B4);
}

/* Appends the inner packet, which defines the flow, and expects it. */
static void expect_inner(struct frame *frame, bool is_ipv6)
{
	ip_from_to(frame, is_ipv6);
	frame__udp(frame, 4000, 53);
	frame__payload(frame, 9);
	expect_flow(frame, is_ipv6 ? A6 : A4, is_ipv6 ? B6 : B4, IPPROTO_UDP, 4000, 53);
}

/* ---- protocols ------------------------------------------------------------------------------------- */

static void test_transport(void **state)
{
	struct frame frame;

	(void)state;
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		const char *from = is_ipv6 ? A6 : A4, *to = is_ipv6 ? B6 : B4;

		frame__ethernet(&frame);
		ip_from_to(&frame, is_ipv6);
		frame__tcp(&frame, 40000, 443);
		expect_flow(&frame, from, to, IPPROTO_TCP, 40000, 443);
		frame__ethernet(&frame);
		ip_from_to(&frame, is_ipv6);
		frame__udp(&frame, 1, 65535);
		expect_flow(&frame, from, to, IPPROTO_UDP, 1, 65535);
		frame__ethernet(&frame);
		ip_from_to(&frame, is_ipv6);
		frame__sctp(&frame, 2905, 2906);
		expect_flow(&frame, from, to, IPPROTO_SCTP, 2905, 2906);
		/* Directly after packets with ports. */
		frame__ethernet(&frame);
		ip_from_to(&frame, is_ipv6);
		frame__icmp(&frame, is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, is_ipv6 ? 128 : 8, 77);
		expect_flow(&frame, from, to, is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 0, 0);
	}
}

static void test_ipv4_options(void **state)
{
	struct frame frame;

	(void)state;
	for (size_t options = 0; options <= 40; options += 4) {
		frame__ethernet(&frame);
		frame__ipv4_with(&frame, A4, B4, options, 0);
		frame__tcp(&frame, 4000, 80);
		expect_flow(&frame, A4, B4, IPPROTO_TCP, 4000, 80);
	}
}

static void test_tcp_options(void **state)
{
	struct frame frame;
	size_t tcp;

	(void)state;
	for (__u8 words = 0; words < 16; words++) {
		frame__ethernet(&frame);
		frame__ipv4(&frame, A4, B4);
		tcp = frame__tcp(&frame, 4000, 80);
		frame__payload(&frame, 40);
		frame.bytes[tcp + 12] = words << 4;
		frame__seal(&frame);
		if (words < 5)
			expect_end(&frame, malformed);
		else
			expect_flow(&frame, A4, B4, IPPROTO_TCP, 4000, 80);
		frame.size -= 40; /* ends before its options */
		frame__seal(&frame);
		if (words > 5)
			expect_end(&frame, too_short);
	}
}

/* The two directions of a connection are two flows; other ports are other flows. */
static void test_packets_of_a_flow_are_summed(void **state)
{
	const struct flow there = {A4, B4, IPPROTO_UDP, 4000, 53}, back = {B4, A4, IPPROTO_UDP, 53, 4000};
	struct parser_flow total;
	struct frame frame;

	(void)state;
	forget_all();
	for (int i = 0; i < 5; i++) {
		frame__ethernet(&frame);
		frame__ipv4(&frame, A4, B4);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		classifier__run(parser.program, &frame, NULL);
	}
	frame__ethernet(&frame);
	frame__ipv4(&frame, B4, A4);
	frame__udp(&frame, 53, 4000);
	frame__seal(&frame);
	classifier__run(parser.program, &frame, NULL);
	assert_true(find_flow(&there, &total));
	assert_int_equal(total.packets, 5);
	assert_int_equal(total.bytes, 5 * frame.size);
	assert_true(find_flow(&back, &total));
	assert_int_equal(total.packets, 1);
	assert_int_equal(count_flows(), 2);
	assert_int_equal(count_packets(), 6);
}

/* ---- the link layer ---------------------------------------------------------------------------------- */

static void test_tags(void **state)
{
	static const __u16 ethertypes[] = {ETH_P_8021Q, ETH_P_8021AD, 0x9100};
	struct frame frame;

	(void)state;
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		for (size_t i = 0; i < 3; i++) {
			frame__ethernet(&frame);
			frame__tag(&frame, ethertypes[i], 7);
			expect_inner(&frame, is_ipv6);
		}
		frame__ethernet(&frame);
		frame__tag(&frame, ETH_P_8021AD, 7);
		frame__tag(&frame, ETH_P_8021Q, 8);
		expect_inner(&frame, is_ipv6);
	}
}

static void test_mpls(void **state)
{
	struct frame frame;

	(void)state;
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		for (int labels = 1; labels <= 3; labels++) {
			frame__ethernet(&frame);
			for (int i = 1; i <= labels; i++)
				frame__mpls(&frame, 0x40 + i, i == labels);
			expect_inner(&frame, is_ipv6);
		}
		frame__ethernet(&frame);
		frame__tag(&frame, ETH_P_8021Q, 7);
		frame__mpls(&frame, 99, true);
		expect_inner(&frame, is_ipv6);
	}
	frame__ethernet(&frame);
	frame__mpls(&frame, 99, true);
	frame__payload(&frame, 30); /* begins neither with 4 nor with 6 */
	expect_end(&frame, unknown_link);
}

static void test_not_ip(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__arp(&frame);
	expect_end(&frame, unknown_link);
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021Q, 7);
	frame__arp(&frame);
	expect_end(&frame, unknown_link);
}

static void test_unknown_protocols(void **state)
{
	static const __u8 protocols[] = {2, 50, 59, 89, 255}; /* IGMP, ESP, no next header, OSPF, reserved */
	struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
			frame__ethernet(&frame);
			ip_from_to(&frame, is_ipv6);
			frame__protocol(&frame, protocols[i]);
			frame__payload(&frame, 20);
			frame__seal(&frame);
			expect_end(&frame, unknown_protocol);
		}
	}
}

/* ---- extension headers and fragments ----------------------------------------------------------------- */

static void test_extension_headers(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__extension(&frame, IPPROTO_HOPOPTS, 0);
	frame__extension(&frame, IPPROTO_ROUTING, 2);
	frame__extension(&frame, IPPROTO_AH, 4);
	frame__extension(&frame, IPPROTO_DSTOPTS, 1);
	frame__tcp(&frame, 4000, 80);
	expect_flow(&frame, A6, B6, IPPROTO_TCP, 4000, 80);
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__extension(&frame, IPPROTO_AH, 4);
	frame__tcp(&frame, 4000, 80);
	expect_flow(&frame, A4, B4, IPPROTO_TCP, 4000, 80);
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__extension(&frame, IPPROTO_HOPOPTS, 9); /* longer than the packet */
	frame.size -= 8;
	frame__seal(&frame);
	expect_end(&frame, too_short);
}

static void build_fragment(struct frame *frame, bool is_ipv6, __u16 field)
{
	frame__ethernet(frame);
	if (is_ipv6) {
		frame__ipv6(frame, A6, B6);
		frame__ipv6_fragment(frame, field);
	} else {
		frame__ipv4_with(frame, A4, B4, 0, field);
	}
}

static void test_fragments(void **state)
{
	/* The first fragment, a single one, and later ones. */
	static const __u16 first[] = {0x2000, 0x0001}, whole[] = {0x4000, 0x0000}, later[] = {0x2001, 0x0009},
			   last[] = {0x0001, 0x0008};
	struct frame frame;

	(void)state;
	for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
		const char *from = is_ipv6 ? A6 : A4, *to = is_ipv6 ? B6 : B4;

		build_fragment(&frame, is_ipv6, first[is_ipv6]);
		frame__udp(&frame, 4000, 53);
		expect_flow(&frame, from, to, IPPROTO_UDP, 4000, 53);
		build_fragment(&frame, is_ipv6, whole[is_ipv6]);
		frame__udp(&frame, 4000, 53);
		expect_flow(&frame, from, to, IPPROTO_UDP, 4000, 53);
		build_fragment(&frame, is_ipv6, later[is_ipv6]);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		expect_end(&frame, fragment);
		build_fragment(&frame, is_ipv6, last[is_ipv6]);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		expect_end(&frame, fragment);
		/* A fragmented tunnel is not parsed further, and the tunnel itself is not a flow. */
		build_fragment(&frame, is_ipv6, first[is_ipv6]);
		ip_from_to(&frame, false);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		expect_end(&frame, fragment);
		/* A complete tunnel packet with an inner fragment is counted. */
		frame__ethernet(&frame);
		frame__ipv4(&frame, O4, O4);
		frame__ipv4_with(&frame, A4, B4, 0, 0x2000);
		frame__udp(&frame, 4000, 53);
		expect_flow(&frame, A4, B4, IPPROTO_UDP, 4000, 53);
	}
}

/* ---- tunnels ----------------------------------------------------------------------------------------- */

static void outer_ip(struct frame *frame, bool is_ipv6)
{
	frame__ethernet(frame);
	if (is_ipv6)
		frame__ipv6(frame, O6, O6);
	else
		frame__ipv4(frame, O4, O4);
}

static void test_ip_in_ip(void **state)
{
	struct frame frame;

	(void)state;
	for (int families = 0; families < 4; families++) {
		outer_ip(&frame, families & 1);
		expect_inner(&frame, families & 2);
	}
}

static void test_gre(void **state)
{
	struct frame frame;

	(void)state;
	for (__u16 optional = 0; optional < 8; optional++) { /* checksum, key, sequence: all combinations */
		__u16 flags = (optional & 1) << 15 | (optional & 2) << 12 | (optional & 4) << 10;

		for (int families = 0; families < 4; families++) {
			outer_ip(&frame, families & 1);
			frame__gre(&frame, flags);
			expect_inner(&frame, families & 2);
			outer_ip(&frame, families & 1);
			frame__gre(&frame, flags);
			frame__inner_ethernet(&frame);
			frame__tag(&frame, ETH_P_8021Q, 5);
			expect_inner(&frame, families & 2);
		}
	}
	outer_ip(&frame, false);
	frame__gre(&frame, 0);
	frame__mpls(&frame, 17, true);
	expect_inner(&frame, false);
}

static void test_gre_that_is_not_followed(void **state)
{
	static const __u16 flags[] = {0x0001, 0x2001, 0x4000, 0x0007}; /* versions, routing */
	struct frame frame;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		outer_ip(&frame, i & 1);
		frame__gre(&frame, flags[i]);
		ip_from_to(&frame, false);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		expect_end(&frame, unknown_tunnel);
	}
	outer_ip(&frame, false);
	frame__gre(&frame, 0);
	frame__payload(&frame, 40);
	frame__seal(&frame);
	expect_end(&frame, unknown_link); /* a keep-alive: ethertype 0 */
}

static void test_vxlan(void **state)
{
	static const __u16 ports[] = {4789, 8472};
	struct frame frame;
	size_t vxlan;

	(void)state;
	for (int i = 0; i < 8; i++) {
		outer_ip(&frame, i & 1);
		frame__udp(&frame, 50000, ports[i / 4]);
		frame__vxlan(&frame, 10000);
		frame__inner_ethernet(&frame);
		if (i & 4)
			frame__tag(&frame, ETH_P_8021Q, 5);
		expect_inner(&frame, i & 2);
	}
	/* The outer ports are not those of the inner flow. */
	outer_ip(&frame, false);
	frame__udp(&frame, 50000, 4789);
	frame__vxlan(&frame, 10000);
	frame__inner_ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__icmp(&frame, IPPROTO_ICMP, 8, 1);
	expect_flow(&frame, A4, B4, IPPROTO_ICMP, 0, 0);
	/* From the port, not to it. */
	outer_ip(&frame, false);
	frame__udp(&frame, 4789, 50000);
	frame__payload(&frame, 50);
	expect_flow(&frame, O4, O4, IPPROTO_UDP, 4789, 50000);
	/* Without a VNI it is not VXLAN. */
	outer_ip(&frame, false);
	frame__udp(&frame, 50000, 4789);
	vxlan = frame__vxlan(&frame, 10000);
	frame.bytes[vxlan] = 0;
	frame__payload(&frame, 50);
	frame__seal(&frame);
	expect_end(&frame, unknown_tunnel);
}

static void build_nest(struct frame *frame, int tunnels)
{
	frame__ethernet(frame);
	for (int i = 0; i < tunnels; i++)
		frame__ipv4(frame, O4, O4);
	frame__ipv4(frame, A4, B4);
	frame__udp(frame, 4000, 53);
	frame__seal(frame);
}

static void test_depth(void **state)
{
	struct frame frame;

	(void)state;
	for (int tunnels = 0; tunnels <= 12; tunnels++) {
		build_nest(&frame, tunnels);
		if (tunnels <= PARSER_DEPTH_MAX)
			expect_flow(&frame, A4, B4, IPPROTO_UDP, 4000, 53);
		else
			expect_end(&frame, depth);
	}
	for (int tags = 1; tags <= 20; tags++) {
		frame__ethernet(&frame);
		for (int i = 0; i < tags; i++)
			frame__tag(&frame, ETH_P_8021Q, i);
		ip_from_to(&frame, false);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		if (tags <= PARSER_DEPTH_MAX)
			expect_flow(&frame, A4, B4, IPPROTO_UDP, 4000, 53);
		else
			expect_end(&frame, depth);
	}
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	for (int i = 0; i < 9; i++)
		frame__extension(&frame, IPPROTO_DSTOPTS, 0);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	expect_end(&frame, depth);
	/* The greatest depth with the largest number of jumps: three for each header. */
	frame__ethernet(&frame);
	for (int i = 0; i < PARSER_DEPTH_MAX / 2; i++) {
		frame__ipv6(&frame, O6, O6);
		frame__udp(&frame, 1, 4789);
		frame__vxlan(&frame, i);
		frame__inner_ethernet(&frame);
	}
	ip_from_to(&frame, true);
	frame__icmp(&frame, IPPROTO_ICMPV6, 128, 1);
	expect_flow(&frame, A6, B6, IPPROTO_ICMPV6, 0, 0);
}

/* One list for both, because TAP has a single plan. */
static void test_the_same_with_values_per_cpu(void **state)
{
	assert_int_equal(parser_maps__unload(state), 0);
	assert_int_equal(parser_maps__load_percpu(state), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transport),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_tcp_options),
		cmocka_unit_test(test_packets_of_a_flow_are_summed),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_mpls),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_unknown_protocols),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ip_in_ip),
		cmocka_unit_test(test_gre),
		cmocka_unit_test(test_gre_that_is_not_followed),
		cmocka_unit_test(test_vxlan),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_the_same_with_values_per_cpu),
		cmocka_unit_test(test_transport),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_tcp_options),
		cmocka_unit_test(test_packets_of_a_flow_are_summed),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_mpls),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_unknown_protocols),
		cmocka_unit_test(test_extension_headers),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ip_in_ip),
		cmocka_unit_test(test_gre),
		cmocka_unit_test(test_gre_that_is_not_followed),
		cmocka_unit_test(test_vxlan),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests_name("parser, parser_percpu", tests, parser_maps__load, parser_maps__unload);
}
