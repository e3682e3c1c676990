// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/parser.c in the running kernel: empty slots, slots with other stages, truncated frames, full
 * tables, several CPUs, devices. parser_test.c tests the flows of frames.
 */
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "device.h"
#include "parser_maps.h"
#include "parser_quic.h"
#include "test.h"

/* ---- slots ------------------------------------------------------------------------------------------- */

/* A frame whose parsing goes through SLOT. */
static void build_for(struct frame *frame, enum parser_slot slot)
{
	bool is_ipv6 = slot == PARSER_IPV6 || slot == PARSER_EXTENSION || slot == PARSER_ICMPV6;

	frame__ethernet(frame);
	if (slot == PARSER_VLAN)
		frame__tag(frame, ETH_P_8021Q, 7);
	if (slot == PARSER_MPLS)
		frame__mpls(frame, 7, true);
	if (is_ipv6)
		frame__ipv6(frame, A6, B6);
	else
		frame__ipv4(frame, A4, B4);
	if (slot == PARSER_EXTENSION)
		frame__extension(frame, IPPROTO_HOPOPTS, 0);
	if (slot == PARSER_IPIP)
		frame__ipv4(frame, A4, B4);
	if (slot == PARSER_SIX_IN_IP)
		frame__ipv6(frame, A6, B6);
	if (slot == PARSER_GRE || slot == PARSER_LINK)
		frame__gre(frame, 0);
	if (slot == PARSER_LINK)
		frame__inner_ethernet(frame);
	if (slot == PARSER_GRE || slot == PARSER_LINK)
		frame__ipv4(frame, A4, B4);
	if (slot == PARSER_TCP)
		frame__tcp(frame, 1, 2);
	else if (slot == PARSER_SCTP || slot == PARSER_FLOW)
		frame__sctp(frame, 1, 2);
	else if (slot == PARSER_ICMP || slot == PARSER_ICMPV6)
		frame__icmp(frame, is_ipv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, is_ipv6 ? 128 : 8, 1);
	else
		frame__udp(frame, 1, slot == PARSER_VXLAN ? 4789 : 2);
	if (slot == PARSER_VXLAN) {
		frame__vxlan(frame, 7);
		frame__inner_ethernet(frame);
		frame__ipv4(frame, A4, B4);
		frame__udp(frame, 1, 2);
	}
	frame__payload(frame, 20);
	frame__seal(frame);
}

static int take_out(enum parser_slot slot)
{
	__u32 id;

	assert_int_equal(bpf_map_lookup_elem(parser.stages, &slot, &id), 0);
	assert_int_equal(bpf_map_delete_elem(parser.stages, &slot), 0);
	return bpf_prog_get_fd_by_id(id);
}

static void put_back(enum parser_slot slot, int program)
{
	assert_int_equal(bpf_map_update_elem(parser.stages, &slot, &program, BPF_ANY), 0);
	close(program);
}

/* Each stage is removed and restored: without it the frame counts for the empty slot. */
static void test_empty_slots(void **state)
{
	struct frame frame;

	(void)state;
	for (enum parser_slot slot = PARSER_VLAN; slot <= PARSER_FLOW; slot++) {
		int program;

		build_for(&frame, slot);
		forget_all();
		classifier__run(parser.program, &frame, NULL);
		assert_int_equal(read_empty(slot), 0);
		program = take_out(slot);
		expect_empty(&frame, slot);
		for (int i = 0; i < 9; i++)
			classifier__run(parser.program, &frame, NULL);
		assert_int_equal(read_empty(slot), 10);
		put_back(slot, program);
		forget_all();
		classifier__run(parser.program, &frame, NULL);
		assert_int_equal(read_empty(slot), 0);
		assert_int_equal(count_packets(), 1);
	}
}

/* Without the end stage ends are not counted, and flows are still counted. */
static void test_end_stage_is_missing(void **state)
{
	const struct parser_ends nothing = {};
	struct parser_ends ends;
	struct frame frame;
	int program;

	(void)state;
	forget_all();
	program = take_out(PARSER_END);
	frame__ethernet(&frame);
	frame__arp(&frame);
	classifier__run(parser.program, &frame, NULL);
	ends = read_ends();
	assert_memory_equal(&ends, &nothing, sizeof(ends));
	build_for(&frame, PARSER_UDP);
	classifier__run(parser.program, &frame, NULL);
	assert_int_equal(count_packets(), 1);
	put_back(PARSER_END, program);
}

/* The only flow belongs to a packet without an IP header. */
static void assert_no_protocol(void)
{
	struct parser_key4 key;

	assert_int_equal(bpf_map_get_next_key(parser.flows4, NULL, &key), 0);
	assert_int_equal(key.protocol, 0);
}

/* Reserved slots: empty ones are not counted, and a program in one gets its packets. */
static void test_slots_for_others(void **state)
{
	static const struct {
		enum parser_slot slot;
		enum parser_slot like;
		__u16 ethertype;
		__u8 protocol;
	} hooks[] = {
		{PARSER_TCP_PAYLOAD, PARSER_TCP, 0, 0},
		{PARSER_UDP_PAYLOAD, PARSER_UDP, 0, 0},
		{PARSER_OTHER_LINK, PARSER_UDP, 0x8863, 0},
		{PARSER_OTHER_PROTOCOL, PARSER_UDP, 0, 89},
	};
	struct frame frame;

	(void)state;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(*hooks); i++) {
		__u32 slot = hooks[i].slot, icmp = PARSER_ICMP, id;
		int stage;

		build_for(&frame, hooks[i].like);
		if (hooks[i].ethertype)
			frame__put16(&frame, 12, hooks[i].ethertype);
		if (hooks[i].protocol) {
			frame.bytes[14 + 9] = hooks[i].protocol;
			frame__seal(&frame);
		}
		forget_all();
		classifier__run(parser.program, &frame, NULL);
		assert_int_equal(read_empty(hooks[i].slot), 0);
		/* The flow stage is in this slot: its verdict shows that the jump was taken. */
		assert_int_equal(bpf_map_lookup_elem(parser.stages, &icmp, &id), 0);
		stage = bpf_prog_get_fd_by_id(id);
		assert_int_equal(bpf_map_update_elem(parser.stages, &slot, &stage, BPF_ANY), 0);
		forget_all();
		send_frame(&frame);
		assert_int_equal(count_packets(), 1);
		assert_int_equal(read_ends().unknown_link + read_ends().unknown_protocol, 0);
		if (hooks[i].ethertype)
			assert_no_protocol();
		assert_int_equal(bpf_map_delete_elem(parser.stages, &slot), 0);
		close(stage);
	}
}

/* ---- frames cut off ------------------------------------------------------------------------------------ */

/* A test run refuses frames that lack their first header. */
static size_t shortest(const struct frame *frame)
{
	switch (frame->bytes[12] << 8 | frame->bytes[13]) {
	case ETH_P_IP:
		return 14 + 20;
	case ETH_P_IPV6:
		return 14 + 40;
	default:
		return 15;
	}
}

/* A frame truncated anywhere is counted once, and never as a flow that its lengths exclude. */
static void test_truncated_anywhere(void **state)
{
	struct frame whole, frame;

	(void)state;
	for (enum parser_slot slot = PARSER_VLAN; slot <= PARSER_FLOW; slot++) {
		build_for(&whole, slot);
		for (size_t size = shortest(&whole); size < whole.size; size++) {
			frame = whole;
			frame.size = size;
			expect_end(&frame, too_short);
		}
	}
}

/* Padding of the link layer is not part of the packet: a header must not extend into it. */
static void test_padding(void **state)
{
	struct frame frame;

	(void)state;
	for (size_t missing = 1; missing <= 8; missing++) {
		frame__ethernet(&frame);
		frame__ipv4(&frame, A4, B4);
		frame__udp(&frame, 1, 2);
		frame.size -= missing;
		frame__seal(&frame);
		frame__payload(&frame, 30);
		expect_end(&frame, too_short);
	}
}

static void test_malformed(void **state)
{
	struct frame frame;

	(void)state;
	for (int first = 0; first < 256; first++) {
		build_for(&frame, PARSER_UDP);
		frame.bytes[14] = first;
		if (first >> 4 != 4 || (first & 0xf) < 5)
			expect_end(&frame, malformed);
		build_for(&frame, PARSER_IPV6);
		frame.bytes[14] = first;
		if (first >> 4 != 6)
			expect_end(&frame, malformed);
	}
	build_for(&frame, PARSER_UDP);
	frame__put16(&frame, 14 + 2, 19); /* a total length shorter than the header */
	expect_end(&frame, malformed);
}

/* ---- many flows, many CPUs, GSO ------------------------------------------------------------------------- */

/* Three times as many flows as the table has entries: each packet is counted, old flows are evicted. */
static void test_more_flows_than_entries(void **state)
{
	const struct parser_ends nothing = {};
	struct parser_ends ends;
	struct frame frame;
	size_t flows;

	(void)state;
	forget_all();
	for (__u32 i = 0; i < 3 * 4096; i++) {
		frame__ethernet(&frame);
		frame__ipv4(&frame, A4, B4);
		frame__udp(&frame, i >> 8, i & 0xff);
		frame__seal(&frame);
		classifier__run(parser.program, &frame, NULL);
	}
	ends = read_ends();
	assert_memory_equal(&ends, &nothing, sizeof(ends));
	flows = count_flows();
	assert_in_range(flows, 1024, 4096);
	assert_int_equal(count_packets(), flows);
}

#define RUNS 3000

static void *run_on_cpu(void *cpu)
{
	struct frame frame;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
	build_for(&frame, PARSER_UDP);
	for (int i = 0; i < RUNS; i++)
		classifier__run(parser.program, &frame, NULL);
	return NULL;
}

/* Including the first packet of each CPU, whose insertions race. */
static void test_two_cpus(void **state)
{
	const struct flow flow = {A4, B4, IPPROTO_UDP, 1, 2};
	struct parser_flow total;
	pthread_t other;

	(void)state;
	for (int i = 0; i < 5; i++) {
		forget_all();
		assert_int_equal(pthread_create(&other, NULL, run_on_cpu, (void *)1), 0);
		run_on_cpu(NULL);
		pthread_join(other, NULL);
		assert_true(find_flow(&flow, &total));
		assert_int_equal(total.packets, 2 * RUNS);
		assert_int_equal(count_packets(), 2 * RUNS);
	}
}

/* On the wire these are four packets, each with headers. */
static void test_gso(void **state)
{
	struct __sk_buff context = {.gso_segs = 4, .gso_size = 500, .wire_len = 4000};
	const struct flow flow = {A4, B4, IPPROTO_UDP, 1, 2};
	struct parser_flow total;
	struct frame frame;

	(void)state;
	forget_all();
	build_for(&frame, PARSER_UDP);
	classifier__run(parser.program, &frame, &context);
	assert_true(find_flow(&flow, &total));
	assert_int_equal(total.packets, 4);
	assert_int_equal(total.bytes, 4000);
	assert_int_equal(count_packets(), 4);
	frame__put16(&frame, 14 + 2, 0); /* too long for the field */
	classifier__run(parser.program, &frame, &context);
	assert_int_equal(count_packets(), 8);
}

/* For a stage from outside, too. */
static void test_gso_in_quic(void **state)
{
	struct __sk_buff context = {.gso_segs = 4, .gso_size = 500, .wire_len = 4000};
	int cpus = libbpf_num_possible_cpus();
	struct quic_packets *packets = calloc((size_t)cpus, sizeof(*packets));
	struct classifier quic;
	__u64 counted = 0;
	struct frame frame;
	__u32 only = 0;
	__u16 offset;

	(void)state;
	assert_non_null(packets);
	classifier__load(&quic, "tc-progs/parser_quic.o");
	frame__ethernet(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 4000, 443);
	offset = frame.size;
	memcpy(context.cb, &offset, sizeof(offset)); /* struct stage: the payload begins here, */
	frame__payload(&frame, 20);
	context.cb[1] = frame.size; /* and ends here */
	frame__seal(&frame);
	classifier__run(classifier__program(&quic, "quic"), &frame, &context);
	assert_int_equal(bpf_map_lookup_elem(classifier__map(&quic, "quic_packets"), &only, packets), 0);
	for (int cpu = 0; cpu < cpus; cpu++)
		counted += packets[cpu].no_quic;
	assert_int_equal(counted, 4);
	classifier__unload(&quic);
	free(packets);
}

/* ---- devices --------------------------------------------------------------------------------------------- */

/* A tag that the kernel has moved into the metadata, a second one in the frame, and headers outside the
 * linear part. */
static void test_tap(void **state)
{
	const struct flow flow = {A4, B4, IPPROTO_UDP, 1, 2};
	struct parser_flow total;
	struct device device;
	struct frame frame;

	(void)state;
	if (device__missing())
		skip();
	device__open(&device, DEVICE_TAP, parser.program);
	forget_all();
	frame__ethernet(&frame);
	frame__tag(&frame, ETH_P_8021AD, 7);
	frame__tag(&frame, ETH_P_8021Q, 8);
	frame__ipv4(&frame, A4, B4);
	frame__udp(&frame, 1, 2);
	frame__payload(&frame, 5000);
	frame__seal(&frame);
	device__send(&device, &frame, 0);
	assert_true(find_flow(&flow, &total));
	assert_int_equal(total.packets, 1);
	for (size_t linear = 14; linear <= 60; linear += 2)
		device__send(&device, &frame, linear);
	assert_true(find_flow(&flow, &total));
	assert_int_equal(total.packets, 25);
	device__close(&device);
}

static void test_tun(void **state)
{
	const struct flow flow = {A6, B6, IPPROTO_UDP, 1, 2};
	struct parser_flow total;
	struct device device;
	struct frame frame;

	(void)state;
	if (device__missing())
		skip();
	device__open(&device, DEVICE_TUN, parser.program_l3);
	forget_all();
	frame__no_link(&frame);
	frame__ipv4(&frame, A4, B4);
	frame__ipv6(&frame, A6, B6);
	frame__udp(&frame, 1, 2);
	frame__seal(&frame);
	device__send(&device, &frame, 0);
	assert_true(find_flow(&flow, &total));
	assert_int_equal(total.bytes, frame.size);
	device__close(&device);
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
		cmocka_unit_test(test_empty_slots),
		cmocka_unit_test(test_end_stage_is_missing),
		cmocka_unit_test(test_slots_for_others),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_more_flows_than_entries),
		cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_gso),
		cmocka_unit_test(test_gso_in_quic),
		cmocka_unit_test(test_tap),
		cmocka_unit_test(test_tun),
		cmocka_unit_test(test_the_same_with_values_per_cpu),
		cmocka_unit_test(test_empty_slots),
		cmocka_unit_test(test_end_stage_is_missing),
		cmocka_unit_test(test_slots_for_others),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_more_flows_than_entries),
		cmocka_unit_test(test_two_cpus),
		cmocka_unit_test(test_gso),
		cmocka_unit_test(test_tap),
		cmocka_unit_test(test_tun),
	};

	return cmocka_run_group_tests_name("parser, parser_percpu", tests, parser_maps__load, parser_maps__unload);
}
