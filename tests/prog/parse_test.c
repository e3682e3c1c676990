// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The packet parser tc-progs/lib/parse.h in the running kernel, rule by rule: link layer, IPv4,
 * transport, tunnels. parse_ipv6_test.c tests IPv6, device_test.c cases that need a device.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>

#include "classifier.h"
#include "probe.h"
#include "test.h"

/* ---- link ---------------------------------------------------------------------------------------- */

static void test_untagged(void **state)
{
	struct frame frame;
	struct packet pkt;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__payload(&frame, 11);
	pkt = parse_ok(&frame);
	assert_flow(&pkt, A4, B4, IPPROTO_UDP, 4000, 53);
	assert_int_equal(pkt.l3_offset, 14);
	assert_int_equal(pkt.l4_offset, 34);
	assert_int_equal(pkt.end, frame.size);
	assert_int_equal(pkt.ethertype, htons(ETH_P_IP));
	assert_int_equal(pkt.fragment, PACKET_WHOLE);
	assert_int_equal(pkt.vlan_outer, PACKET_NO_VLAN);
	assert_int_equal(pkt.vlan_inner, PACKET_NO_VLAN);
}

static void test_tags_in_the_payload(void **state)
{
	static const __u16 types[] = {ETH_P_8021Q, ETH_P_8021AD, 0x9100};
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (int tags = 1; tags <= PACKET_TAGS_MAX; tags++) {
		frame__ethernet(&frame);
		for (int i = 0; i < tags; i++)
			frame__tag(&frame, types[i], 0xe000 | (100 + i));
		frame__ipv6(&frame, A6, B6);
		frame__tcp(&frame, 4000, 80);
		pkt = parse_ok(&frame);
		assert_flow(&pkt, A6, B6, IPPROTO_TCP, 4000, 80);
		assert_int_equal(pkt.l3_offset, 14 + 4 * tags);
		assert_int_equal(pkt.vlan_outer, 100);
		assert_int_equal(pkt.vlan_inner, tags == 1 ? PACKET_NO_VLAN : 99 + tags);
	}
	frame__ethernet(&frame);
	for (int i = 0; i <= PACKET_TAGS_MAX; i++)
		frame__tag(&frame, ETH_P_8021Q, i);
	frame__ipv4(&frame, A4, B4);
	frame__seal(&frame);
	assert_verdict(parse, &frame, PACKET_DEPTH);
}

static void test_wrong_link_length_is_not_a_packet(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame); /* the first nibble is not a version */
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	assert_verdict(parse_l3, &frame, PACKET_MALFORMED);
}

static void test_non_ip(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__arp(&frame);
	assert_verdict(parse, &frame, PACKET_NON_IP);
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021Q, 5);
	frame__arp(&frame);
	assert_verdict(parse, &frame, PACKET_NON_IP);
}

/* ---- IPv4 ---------------------------------------------------------------------------------------- */

static void test_ipv4_options(void **state)
{
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (size_t options = 0; options <= 40; options += 4) {
		frame__ethernet(&frame);
		frame__ipv4_with(&frame, A4, B4, options, 0);
		frame__tcp(&frame, 4000, 22);
		pkt = parse_ok(&frame);
		assert_flow(&pkt, A4, B4, IPPROTO_TCP, 4000, 22);
		assert_int_equal(pkt.l4_offset, 34 + options);
	}
}

static void test_ipv4_wrong_lengths(void **state)
{
	struct frame good, bad;
	size_t at;

	(void)state;
	frame__ethernet(&good);
	at = frame__ipv4(&good, A4, B4);
	frame__udp(&good, 4000, 53);
	frame__payload(&good, 20);
	frame__seal(&good);
	assert_verdict(parse, &good, PACKET_OK);

	bad = good;
	bad.bytes[at] = 0x44; /* header of 16 bytes */
	assert_verdict(parse, &bad, PACKET_MALFORMED);
	bad.bytes[at] = 0x65; /* version 6 under IPv4's ethertype */
	assert_verdict(parse, &bad, PACKET_MALFORMED);
	bad = good;
	frame__put16(&bad, at + 2, 19); /* shorter than its own header */
	assert_verdict(parse, &bad, PACKET_MALFORMED);
	frame__put16(&bad, at + 2, 0);
	assert_verdict(parse, &bad, PACKET_MALFORMED);
	frame__put16(&bad, at + 2, good.size - at + 1); /* one byte too many */
	assert_verdict(parse, &bad, PACKET_SHORT);
}

static void test_ipv4_padding_is_not_part_of_the_packet(void **state)
{
	struct frame frame;
	struct packet pkt;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__protocol(&frame, IPPROTO_UDP);
	frame__seal(&frame);
	frame__payload(&frame, 26); /* Ethernet padding, which must not be taken for ports */
	assert_verdict(parse, &frame, PACKET_SHORT);

	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	frame__payload(&frame, 18);
	pkt = run_ok(parse, &frame);
	assert_flow(&pkt, A4, B4, IPPROTO_UDP, 4000, 53);
	assert_int_equal(pkt.end, frame.size - 18);
}

static void test_ipv4_fragments(void **state)
{
	static const struct {
		__u16 field;
		enum packet_fragment fragment;
	} cases[] = {
		{0x0000, PACKET_WHOLE},		 {0x4000, PACKET_WHOLE}, /* "don't fragment" */
		{0x2000, PACKET_FRAGMENT_FIRST}, {0x2001, PACKET_FRAGMENT_LATER}, {0x1000, PACKET_FRAGMENT_LATER},
	};
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool later = cases[i].fragment == PACKET_FRAGMENT_LATER;

		frame__ethernet(&frame);
		frame__ipv4_with(&frame, A4, B4, 0, cases[i].field);
		frame__udp(&frame, 4000, 53);
		pkt = parse_ok(&frame);
		assert_int_equal(pkt.fragment, cases[i].fragment);
		assert_flow(&pkt, A4, B4, IPPROTO_UDP, later ? 0 : 4000, later ? 0 : 53);
	}
}

/* A GSO packet larger than 64 KiB has length 0; without GSO this is invalid. */
static void test_gso_without_a_length(void **state)
{
	struct __sk_buff gso = {.gso_size = 1000, .gso_segs = 2};
	struct frame frame;
	struct probe probe;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__tcp(&frame, 4000, 22);
	frame__payload(&frame, 2000);
	classifier__run(parse, &frame, &gso);
	probe = take_probe();
	assert_int_equal(probe.verdict, PACKET_OK);
	assert_flow(&probe.packet, A4, B4, IPPROTO_TCP, 4000, 22);
	assert_int_equal(probe.packet.end, frame.size);
	assert_verdict(parse, &frame, PACKET_MALFORMED);
}

/* ---- transport ------------------------------------------------------------------------------------ */

static void test_protocols_with_ports(void **state)
{
	static const __u8 with[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP};
	static const __u8 without[] = {IPPROTO_ESP, IPPROTO_IGMP, IPPROTO_ICMPV6, 253};
	struct frame frame;
	struct packet pkt;
	size_t at;

	(void)state;
	frame__ethernet(&frame);
	at = frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	for (size_t i = 0; i < sizeof(with); i++) {
		frame.bytes[at + 9] = with[i];
		pkt = run_ok(parse, &frame);
		assert_flow(&pkt, A4, B4, with[i], 4000, 53);
	}
	for (size_t i = 0; i < sizeof(without); i++) { /* ICMPv6 in IPv4 is not ICMP either */
		frame.bytes[at + 9] = without[i];
		pkt = run_ok(parse, &frame);
		assert_flow(&pkt, A4, B4, without[i], 0, 0);
		assert_int_equal(pkt.icmp_type, 0);
	}
}

static void assert_icmp(bool ipv4, __u8 type, __u16 expected_id)
{
	__u8 protocol = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	struct frame frame;
	struct packet pkt;
	size_t at;

	frame__ethernet(&frame);
	if (ipv4)
		frame__ipv4(&frame, A4, B4);
	else
		frame__ipv6(&frame, A6, B6);
	at = frame__icmp(&frame, protocol, type, 4711);
	frame.bytes[at + 1] = 3;
	pkt = parse_ok(&frame);
	assert_int_equal(pkt.protocol, protocol);
	assert_int_equal(pkt.icmp_type, type);
	assert_int_equal(pkt.icmp_code, 3);
	assert_int_equal(ntohs(pkt.icmp_id), expected_id);
	assert_int_equal(pkt.sport, 0);
}

static void test_icmp(void **state)
{
	(void)state;
	assert_icmp(true, 8, 4711);
	assert_icmp(true, 0, 4711);
	assert_icmp(true, 3, 0); /* unreachable: these bytes have another meaning */
	assert_icmp(false, 128, 4711);
	assert_icmp(false, 129, 4711);
	assert_icmp(false, 1, 0);
	assert_icmp(true, 128, 0); /* IPv6's number in IPv4 */
}

static void test_truncated_icmp(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__icmp(&frame, IPPROTO_ICMP, 8, 1);
	frame.size--;
	frame__seal(&frame);
	assert_verdict(parse, &frame, PACKET_SHORT);
}

/* ---- tunnels -------------------------------------------------------------------------------------- */

static void test_only_innermost_enters_tunnels(void **state)
{
	struct frame frame;
	struct packet pkt;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__ipv6(&frame, A6, B6);
	frame__udp(&frame, 4000, 53);
	pkt = parse_ok(&frame);
	assert_flow(&pkt, A4, B4, IPPROTO_IPV6, 0, 0);
	assert_int_equal(pkt.tunnels, 0);
	pkt = run_ok(innermost, &frame);
	assert_flow(&pkt, A6, B6, IPPROTO_UDP, 0, 0); /* the caller requests ports if it needs them */
	assert_int_equal(pkt.tunnels, 1);
	assert_int_equal(pkt.l3_offset, 34);
	assert_int_equal(pkt.l4_offset, 74);
}

/* The inner packet must be within the outer packet, not only within the frame. */
static void test_inner_reaches_beyond_outer(void **state)
{
	struct frame frame;
	size_t outer;

	(void)state;
	frame__ethernet(&frame);
	outer = frame__ipv4(&frame, A4, B4);
	frame__ipv4(&frame, B4, A4);
	frame__udp(&frame, 4000, 53);
	frame__payload(&frame, 100);
	frame__seal(&frame);
	assert_verdict(innermost, &frame, PACKET_OK);
	frame__put16(&frame, outer + 2, frame.size - outer - 1);
	assert_verdict(innermost, &frame, PACKET_SHORT);
	frame__put16(&frame, outer + 2, 20 + 19);
	assert_verdict(innermost, &frame, PACKET_SHORT);
	assert_verdict(parse, &frame, PACKET_OK); /* the outer packet is valid */
}

static void build_nest(struct frame *frame, int tunnels, int headers)
{
	frame__ethernet(frame);
	for (int i = 0; i < tunnels; i++) {
		if (i % 2) {
			frame__ipv4(frame, A4, B4);
			frame__gre(frame, 0xb000);
			continue;
		}
		frame__ipv6(frame, A6, B6);
		for (int j = 0; j < headers; j++)
			frame__extension(frame, IPPROTO_DSTOPTS, 0);
	}
	frame__ipv4(frame, B4, A4);
	frame__udp(frame, 4000, 53);
	frame__seal(frame);
}

static void test_nested_tunnels(void **state)
{
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (int tunnels = 0; tunnels <= PACKET_TUNNELS_MAX; tunnels++) {
		build_nest(&frame, tunnels, PACKET_HEADERS_MAX);
		pkt = run_ok(innermost, &frame);
		assert_flow(&pkt, B4, A4, IPPROTO_UDP, 0, 0);
		assert_int_equal(pkt.tunnels, tunnels);
		assert_int_equal(pkt.l4_offset, frame.size - 8);
	}
	build_nest(&frame, PACKET_TUNNELS_MAX + 1, 0);
	assert_verdict(innermost, &frame, PACKET_DEPTH);
	build_nest(&frame, 9, 0);
	assert_verdict(innermost, &frame, PACKET_DEPTH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_untagged),
		cmocka_unit_test(test_tags_in_the_payload),
		cmocka_unit_test(test_wrong_link_length_is_not_a_packet),
		cmocka_unit_test(test_non_ip),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_ipv4_wrong_lengths),
		cmocka_unit_test(test_ipv4_padding_is_not_part_of_the_packet),
		cmocka_unit_test(test_ipv4_fragments),
		cmocka_unit_test(test_gso_without_a_length),
		cmocka_unit_test(test_protocols_with_ports),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_truncated_icmp),
		cmocka_unit_test(test_only_innermost_enters_tunnels),
		cmocka_unit_test(test_inner_reaches_beyond_outer),
		cmocka_unit_test(test_nested_tunnels),
	};

	return cmocka_run_group_tests_name("packet parser", tests, load_probe, unload_probe);
}
