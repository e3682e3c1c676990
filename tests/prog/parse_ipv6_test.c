// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The packet parser tc-progs/lib/parse.h in the running kernel: IPv6 and its extension headers. */
#include <netinet/in.h>
#include <stdbool.h>

#include "classifier.h"
#include "probe.h"
#include "test.h"

/* ---- IPv6 ---------------------------------------------------------------------------------------- */

static void test_ipv6_extensions(void **state)
{
	static const struct {
		__u8 protocol, length;
		size_t bytes;
	} cases[] = {
		{IPPROTO_HOPOPTS, 0, 8}, {IPPROTO_HOPOPTS, 3, 32}, {IPPROTO_ROUTING, 2, 24}, {IPPROTO_DSTOPTS, 1, 16},
		{IPPROTO_AH, 4, 24},	 {IPPROTO_AH, 1, 12}, /* in words, not in units of 8 bytes */
	};
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		frame__ethernet(&frame);
		frame__ipv6(&frame, A6, B6);
		frame__extension(&frame, cases[i].protocol, cases[i].length);
		frame__udp(&frame, 4000, 53);
		pkt = parse_ok(&frame);
		assert_flow(&pkt, A6, B6, IPPROTO_UDP, 4000, 53);
		assert_int_equal(pkt.l4_offset, 54 + cases[i].bytes);
		assert_int_equal(pkt.fragment, PACKET_WHOLE);
	}
}

static void build_chain(struct frame *frame, int headers)
{
	static const __u8 protocols[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING, IPPROTO_AH};

	frame__ethernet(frame);
	frame__ipv6(frame, A6, B6);
	for (int i = 0; i < headers; i++)
		frame__extension(frame, protocols[i % 4], 1 + i % 3);
	frame__tcp(frame, 4000, 443);
	frame__seal(frame);
}

static void test_ipv6_chains(void **state)
{
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (int headers = 0; headers <= PACKET_HEADERS_MAX; headers++) {
		build_chain(&frame, headers);
		pkt = run_ok(parse, &frame);
		assert_flow(&pkt, A6, B6, IPPROTO_TCP, 4000, 443);
		assert_int_equal(pkt.l4_offset, frame.size - 20);
	}
	build_chain(&frame, PACKET_HEADERS_MAX + 1);
	assert_verdict(parse, &frame, PACKET_DEPTH);
}

static void test_ipv6_fragments(void **state)
{
	static const struct {
		__u16 field;
		enum packet_fragment fragment;
	} cases[] = {
		{0x0000, PACKET_WHOLE}, /* an "atomic" fragment */
		{0x0001, PACKET_FRAGMENT_FIRST}, {0x0009, PACKET_FRAGMENT_LATER},
		{0xfff8, PACKET_FRAGMENT_LATER}, {0x0006, PACKET_WHOLE}, /* reserved bits */
	};
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		bool later = cases[i].fragment == PACKET_FRAGMENT_LATER;

		frame__ethernet(&frame);
		frame__ipv6(&frame, A6, B6);
		frame__extension(&frame, IPPROTO_HOPOPTS, 0);
		frame__ipv6_fragment(&frame, cases[i].field);
		frame__udp(&frame, 4000, 53);
		pkt = parse_ok(&frame);
		assert_int_equal(pkt.fragment, cases[i].fragment);
		assert_int_equal(pkt.l4_offset, 54 + 8 + 8);
		assert_flow(&pkt, A6, B6, IPPROTO_UDP, later ? 0 : 4000, later ? 0 : 53);
	}
}

/* The later header does not override the earlier one. */
static void test_ipv6_two_fragment_headers(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__ipv6_fragment(&frame, 0x0001);
	frame__ipv6_fragment(&frame, 0x0000);
	frame__udp(&frame, 4000, 53);
	assert_int_equal(parse_ok(&frame).fragment, PACKET_FRAGMENT_FIRST);
}

/* Only the first fragment has the data after the fragment header. */
static void test_ipv6_extension_after_the_fragment_header(void **state)
{
	struct frame frame;
	struct packet pkt;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__ipv6_fragment(&frame, 0x0001);
	frame__extension(&frame, IPPROTO_DSTOPTS, 0);
	frame__udp(&frame, 4000, 53);
	pkt = parse_ok(&frame);
	assert_int_equal(pkt.fragment, PACKET_FRAGMENT_FIRST);
	assert_flow(&pkt, A6, B6, IPPROTO_UDP, 4000, 53);

	frame__put16(&frame, 54 + 2, 0x0010);
	pkt = run_ok(parse, &frame);
	assert_int_equal(pkt.fragment, PACKET_FRAGMENT_LATER);
	assert_flow(&pkt, A6, B6, IPPROTO_DSTOPTS, 0, 0);
	assert_int_equal(pkt.l4_offset, 54 + 8);
}

static void test_ipv6_walk_stops(void **state)
{
	static const __u8 protocols[] = {IPPROTO_ESP, IPPROTO_NONE};
	struct frame frame;
	struct packet pkt;

	(void)state;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		frame__ethernet(&frame);
		frame__ipv6(&frame, A6, B6);
		frame__extension(&frame, IPPROTO_HOPOPTS, 0);
		frame__protocol(&frame, protocols[i]);
		frame__payload(&frame, 32);
		pkt = parse_ok(&frame);
		assert_flow(&pkt, A6, B6, protocols[i], 0, 0);
		assert_int_equal(pkt.l4_offset, 62);
	}
}

static void test_ipv6_wrong_lengths(void **state)
{
	struct frame good, bad;
	size_t at, extension;

	(void)state;
	frame__ethernet(&good);
	at = frame__ipv6(&good, A6, B6);
	extension = frame__extension(&good, IPPROTO_DSTOPTS, 0);
	frame__udp(&good, 4000, 53);
	frame__seal(&good);
	assert_verdict(parse, &good, PACKET_OK);

	bad = good;
	bad.bytes[at] = 0x45; /* version 4 under IPv6's ethertype */
	assert_verdict(parse, &bad, PACKET_MALFORMED);
	bad = good;
	frame__put16(&bad, at + 4, 17); /* one byte too many */
	assert_verdict(parse, &bad, PACKET_SHORT);
	frame__put16(&bad, at + 4, 11); /* ends within the ports */
	assert_verdict(parse, &bad, PACKET_SHORT);
	frame__put16(&bad, at + 4, 7); /* ends within the extension header */
	assert_verdict(parse, &bad, PACKET_SHORT);
	bad = good;
	bad.bytes[extension + 1] = 5; /* reaches beyond the end */
	assert_verdict(parse, &bad, PACKET_SHORT);
	assert_verdict(innermost, &bad, PACKET_SHORT);
}

/* A payload length of 0 means the rest only with a hop-by-hop header (a jumbogram) or GSO. */
static void test_ipv6_jumbogram(void **state)
{
	struct __sk_buff gso = {.gso_size = 1000, .gso_segs = 2};
	struct probe probe;
	struct frame frame;
	struct packet pkt;
	size_t at;

	(void)state;
	frame__ethernet(&frame);
	at = frame__ipv6(&frame, A6, B6);
	frame__extension(&frame, IPPROTO_HOPOPTS, 0);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	frame__put16(&frame, at + 4, 0);
	pkt = run_ok(parse, &frame);
	assert_flow(&pkt, A6, B6, IPPROTO_UDP, 4000, 53);
	frame.bytes[at + 6] = IPPROTO_DSTOPTS;
	assert_verdict(parse, &frame, PACKET_SHORT);
	classifier__run(parse, &frame, &gso);
	probe = take_probe();
	assert_int_equal(probe.verdict, PACKET_OK);
	assert_flow(&probe.packet, A6, B6, IPPROTO_UDP, 4000, 53);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv6_extensions),
		cmocka_unit_test(test_ipv6_chains),
		cmocka_unit_test(test_ipv6_fragments),
		cmocka_unit_test(test_ipv6_two_fragment_headers),
		cmocka_unit_test(test_ipv6_extension_after_the_fragment_header),
		cmocka_unit_test(test_ipv6_walk_stops),
		cmocka_unit_test(test_ipv6_wrong_lengths),
		cmocka_unit_test(test_ipv6_jumbogram),
	};

	return cmocka_run_group_tests_name("packet parser, IPv6", tests, load_probe, unload_probe);
}
