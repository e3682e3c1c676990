// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The parser and dst_stats on a real device, for cases that test runs do not support: VLAN tags in the
 * metadata, headers outside the linear part, frames shorter than an IP header, no link layer.
 */
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdio.h>

#include "device.h"
#include "dst_maps.h"
#include "probe.h"
#include "test.h"

static struct probe probe_on_device(enum device_kind kind, int program, const struct frame *frame, size_t linear)
{
	struct device device;
	struct probe probe;

	device__open(&device, kind, program);
	device__send(&device, frame, linear);
	probe = take_probe();
	device__close(&device);
	return probe;
}

/* ---- the parser ------------------------------------------------------------------------------------ */

static void test_tag_in_the_metadata(void **state)
{
	struct frame frame;
	struct probe probe;

	(void)state;
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021AD, 7); /* moves into the metadata */
	frame__tag(&frame, ETH_P_8021Q, 8);  /* stays */
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	probe = probe_on_device(DEVICE_TAP, parse, &frame, 0);
	assert_int_equal(probe.verdict, PACKET_OK);
	assert_flow(&probe.packet, A4, B4, IPPROTO_UDP, 4000, 53);
	assert_int_equal(probe.packet.vlan_outer, 7);
	assert_int_equal(probe.packet.vlan_inner, 8);
	assert_int_equal(probe.packet.l3_offset, 18); /* one tag fewer than was sent */
}

static void test_no_link_layer(void **state)
{
	struct frame frame;
	struct probe probe;

	(void)state;
	frame__no_link(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	probe = probe_on_device(DEVICE_TUN, parse_l3, &frame, 0);
	assert_int_equal(probe.verdict, PACKET_OK);
	assert_flow(&probe.packet, A4, B4, IPPROTO_UDP, 4000, 53);
	assert_int_equal(probe.packet.l3_offset, 0);
}

/* A network header without its last byte: test runs refuse such frames. */
static void test_cut_off_headers(void **state)
{
	struct frame frame;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__protocol(&frame, IPPROTO_TCP);
	frame__seal(&frame);
	assert_int_equal(probe_on_device(DEVICE_TAP, parse, &frame, 0).verdict, PACKET_SHORT); /* no ports */
	assert_int_equal(probe_on_device(DEVICE_TAP, innermost, &frame, 0).verdict, PACKET_OK);
	frame.size--;
	assert_int_equal(probe_on_device(DEVICE_TAP, innermost, &frame, 0).verdict, PACKET_SHORT);
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__seal(&frame);
	assert_int_equal(probe_on_device(DEVICE_TAP, innermost, &frame, 0).verdict, PACKET_OK);
	frame.size--;
	assert_int_equal(probe_on_device(DEVICE_TAP, innermost, &frame, 0).verdict, PACKET_SHORT);
}

/* A header far outside the linear part, which has 14 of 5,000 bytes. */
static void test_headers_outside_the_linear_part(void **state)
{
	struct frame frame;
	struct probe probe;

	(void)state;
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__extension(&frame, IPPROTO_DSTOPTS, 100);
	frame__extension(&frame, IPPROTO_HOPOPTS, 255);
	frame__udp(&frame, 4000, 53);
	frame__payload(&frame, 5000);
	frame__seal(&frame);
	probe = probe_on_device(DEVICE_TAP, parse, &frame, 14);
	assert_int_equal(probe.verdict, PACKET_OK);
	assert_flow(&probe.packet, A6, B6, IPPROTO_UDP, 4000, 53);
	assert_int_equal(probe.packet.l4_offset, 14 + 40 + 101 * 8 + 256 * 8);
}

/* ---- dst_stats ------------------------------------------------------------------------------------- */

/* Fewer bytes than an IP header: test runs refuse such frames, a device accepts them. */
static void test_runt_is_counted_as_short(void **state)
{
	struct device device;
	struct frame frame;

	(void)state;
	device__open(&device, DEVICE_TAP, under_test.ingress);
	build_udp(&frame, A4, B4);
	frame.size = 20;
	device__send(&device, &frame, 0);
	assert_errors(1, 0, 0, 0, 0);
	assert_int_equal(count_entries(), 0);
	device__close(&device);
}

/* A tag in the metadata, which is not in the frame's bytes; a test run's context cannot express this. */
static void test_tag_in_the_metadata_is_not_counted_in_bytes(void **state)
{
	struct device device;
	struct frame frame;

	(void)state;
	device__open(&device, DEVICE_TAP, under_test.ingress);
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021Q, 5);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	device__send(&device, &frame, 0);
	assert_entry(DST_INGRESS, B4, 1, frame.size - 4);
	assert_errors(0, 0, 0, 0, 0);
	device__close(&device);
}

static void test_stats_without_link_layer(void **state)
{
	struct device device;
	struct frame frame;

	(void)state;
	device__open(&device, DEVICE_TUN, classifier__program(&under_test.classifier, "ingress_l3"));
	frame__no_link(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__udp(&frame, 4000, 53);
	frame__seal(&frame);
	device__send(&device, &frame, 0);
	assert_entry(DST_INGRESS, B6, 1, 48);
	assert_int_equal(count_entries(), 1);
	assert_errors(0, 0, 0, 0, 0);
	device__close(&device);
}

#define TEST_PARSER(name) cmocka_unit_test_setup_teardown(name, load_probe, unload_probe)
#define TEST_STATS(name) cmocka_unit_test_setup_teardown(name, dst_maps__load, dst_maps__unload)

int main(void)
{
	const char *missing = device__missing();
	const struct CMUnitTest tests[] = {
		TEST_PARSER(test_tag_in_the_metadata),	   TEST_PARSER(test_no_link_layer),
		TEST_PARSER(test_cut_off_headers),	   TEST_PARSER(test_headers_outside_the_linear_part),
		TEST_STATS(test_runt_is_counted_as_short), TEST_STATS(test_tag_in_the_metadata_is_not_counted_in_bytes),
		TEST_STATS(test_stats_without_link_layer),
	};

	if (missing) {
		printf("1..0 # SKIP %s here\n", missing);
		return 0;
	}
	return cmocka_run_group_tests_name("classifiers on a device", tests, NULL, NULL);
}
