// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * tc-progs/dst_stats.c in the running kernel: exact contents of its maps after known frames. How
 * packets are parsed is tests/prog/parse_test.c; here it is what they are booked to.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "classifier.h"
#include "device.h"
#include "dst_stats.h"
#include "test.h"

#define A4 "192.0.2.1"
#define B4 "198.51.100.2"
#define C4 "203.0.113.3"
#define A6 "2001:db8::1"
#define B6 "2001:db8:0:1::2"

static struct classifier classifier;
static int ingress, egress, stats, errs;

static void load_object(const char *path)
{
	classifier__load(&classifier, path);
	ingress = classifier__program(&classifier, "ingress");
	egress = classifier__program(&classifier, "egress");
	stats = classifier__map(&classifier, "dst_stats");
	errs = classifier__map(&classifier, "dst_errs");
}

static int load(void **state)
{
	(void)state;
	load_object("tc-progs/dst_stats.o");
	return 0;
}

static int load_lru(void **state)
{
	(void)state;
	load_object("tc-progs/dst_stats_lru.o");
	return 0;
}

static int unload(void **state)
{
	(void)state;
	classifier__unload(&classifier);
	return 0;
}

/* ---- what the maps hold --------------------------------------------------------------------------- */

static bool find(enum dst_direction direction, const char *address, struct dst_value *ret_total)
{
	char mapped[INET6_ADDRSTRLEN + 8] = "::ffff:";
	struct dst_key key = {.family = strchr(address, ':') ? 6 : 4, .direction = direction};
	int cpus = libbpf_num_possible_cpus();
	struct dst_value *values;
	int err;

	strcpy(mapped + (key.family == 6 ? 0 : 7), address);
	assert_int_equal(inet_pton(AF_INET6, mapped, key.addr), 1);
	values = calloc(cpus, sizeof(*values));
	assert_non_null(values);
	*ret_total = (struct dst_value){};
	err = bpf_map_lookup_elem(stats, &key, values);
	for (int i = 0; i < cpus; i++)
		dst_value__add(ret_total, &values[i]);
	free(values);
	return !err;
}

static void assert_entry(enum dst_direction direction, const char *address, __u64 packets, __u64 bytes)
{
	struct dst_value total;

	if (!find(direction, address, &total))
		fail_msg("no entry for %s", address);
	assert_int_equal(total.packets, packets);
	assert_int_equal(total.bytes, bytes);
}

static void assert_no_entry(enum dst_direction direction, const char *address)
{
	struct dst_value total;

	if (find(direction, address, &total))
		fail_msg("an entry for %s", address);
}

static size_t count_entries(void)
{
	struct dst_key key, *previous = NULL;
	size_t entries = 0;

	while (!bpf_map_get_next_key(stats, previous, &key)) {
		previous = &key;
		entries++;
	}
	return entries;
}

static __u64 count_errors(__u32 error)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 *values = calloc(cpus, sizeof(*values));
	__u64 total = 0;

	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(errs, &error, values), 0);
	for (int i = 0; i < cpus; i++)
		total += values[i];
	free(values);
	return total;
}

/* Every cell, in the order of enum dst_error. */
static void assert_errors(__u64 too_short, __u64 non_ip, __u64 depth, __u64 malformed, __u64 insert_fail)
{
	assert_int_equal(count_errors(DST_ERR_SHORT), too_short);
	assert_int_equal(count_errors(DST_ERR_NON_IP), non_ip);
	assert_int_equal(count_errors(DST_ERR_DEPTH), depth);
	assert_int_equal(count_errors(DST_ERR_MALFORMED), malformed);
	assert_int_equal(count_errors(DST_ERR_INSERT_FAIL), insert_fail);
}

static void build_ping(struct frame *frame, const char *from, const char *to)
{
	frame__ethernet(frame);
	frame__ipv4(frame, from, to);
	frame__icmp(frame, IPPROTO_ICMP, 8, 1);
	frame__payload(frame, 56);
	frame__seal(frame);
}

static void build_udp(struct frame *frame, const char *from, const char *to)
{
	frame__ethernet(frame);
	if (strchr(to, ':'))
		frame__ipv6(frame, from, to);
	else
		frame__ipv4(frame, from, to);
	frame__udp(frame, 4000, 53);
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
		classifier__run(egress, &there, NULL);
		classifier__run(ingress, &back, NULL);
	}
	assert_entry(DST_EGRESS, B4, 5, 490);
	assert_entry(DST_INGRESS, A4, 5, 490);
	assert_no_entry(DST_INGRESS, B4);
	assert_no_entry(DST_EGRESS, A4);
	assert_int_equal(count_entries(), 2);
	assert_errors(0, 0, 0, 0, 0);
}

/* A2: all 128 bits count, not their sum. */
static void test_addresses_are_not_folded(void **state)
{
	struct frame frame;

	(void)state;
	build_udp(&frame, A6, "fd00::1:0:0:0:2");
	classifier__run(egress, &frame, NULL);
	build_udp(&frame, A6, "fd00::1:0:2:0:0");
	classifier__run(egress, &frame, NULL);
	classifier__run(egress, &frame, NULL);
	assert_entry(DST_EGRESS, "fd00::1:0:0:0:2", 1, frame.size);
	assert_entry(DST_EGRESS, "fd00::1:0:2:0:0", 2, 2 * frame.size);
	assert_int_equal(count_entries(), 2);
}

/* The families don't mix: a mapped address in an IPv6 header is not the IPv4 address. */
static void test_family_is_part_of_the_key(void **state)
{
	struct frame frame;

	(void)state;
	build_udp(&frame, A6, "::ffff:" B4);
	classifier__run(egress, &frame, NULL);
	assert_no_entry(DST_EGRESS, B4);
	assert_entry(DST_EGRESS, "::ffff:" B4, 1, frame.size);
	build_udp(&frame, A4, B4);
	classifier__run(egress, &frame, NULL);
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
	classifier__run(ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B4, 1, 34);
	frame__ethernet(&frame);
	frame__ipv6(&frame, A6, B6);
	frame__seal(&frame);
	classifier__run(ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B6, 1, 54);
	assert_errors(0, 0, 0, 0, 0);
}

/* Behind tags and extension headers; a zone of a key that is not written would split these. */
static void test_one_entry_however_it_came(void **state)
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
		classifier__run(ingress, &frame, NULL);
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

		find(DST_EGRESS, inner_of(tunnel), &before);
		build_tunnel(&frame, tunnel, false, 0);
		classifier__run(egress, &frame, NULL);
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
			classifier__run(egress, &frame, NULL);
			assert_true(find(DST_EGRESS, inner_of(tunnel), &total));
		}
	}
	assert_int_equal(sent, 32);
	assert_int_equal(count_entries(), 2);
	assert_errors(0, 0, 0, 0, 0);
}

/* Version 1 (PPTP), source routes, and what is not IP inside: packets for the outer destination. */
static void test_gre_that_is_not_followed(void **state)
{
	struct frame frame;

	(void)state;
	build_tunnel(&frame, IPV4_IN_IPV4, true, 0x2001);
	classifier__run(egress, &frame, NULL);
	build_tunnel(&frame, IPV4_IN_IPV4, true, 0x4000);
	classifier__run(egress, &frame, NULL);
	build_tunnel(&frame, IPV4_IN_IPV4, true, 0);
	frame__put16(&frame, 36, ETH_P_TEB);
	classifier__run(egress, &frame, NULL);
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
	classifier__run(ingress, &frame, NULL);
	assert_entry(DST_INGRESS, B4, 1, frame.size);
	build_nest(&frame, 5);
	classifier__run(ingress, &frame, NULL);
	build_nest(&frame, 9);
	classifier__run(ingress, &frame, NULL);
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
		classifier__run(ingress, &frame, NULL);
		bytes4 += frame.size;
		frame__ethernet(&frame);
		frame__ipv6(&frame, A6, B6);
		frame__ipv6_fragment(&frame, ipv6_fields[i]);
		frame__udp(&frame, 4000, 53);
		frame__seal(&frame);
		classifier__run(ingress, &frame, NULL);
		bytes6 += frame.size;
	}
	assert_entry(DST_INGRESS, B4, 3, bytes4);
	assert_entry(DST_INGRESS, B6, 3, bytes6);
	assert_int_equal(count_entries(), 2);
	assert_errors(0, 0, 0, 0, 0);
}

/* A tunnel's fragments too: the later ones show no inner header, so the first is not asked either. */
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
		classifier__run(ingress, &frame, NULL);
		bytes += frame.size;
	}
	assert_entry(DST_INGRESS, C4, 2, bytes);
	assert_int_equal(count_entries(), 1);

	frame__ethernet(&frame); /* the inner packet is the fragment: its header is there each time */
	frame__ipv4(&frame, C4, C4);
	frame__ipv4_with(&frame, A4, B4, 0, 0x0010);
	frame__payload(&frame, 16);
	frame__seal(&frame);
	classifier__run(ingress, &frame, NULL);
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
	classifier__run(ingress, &frame, NULL);
	assert_errors(1, 0, 0, 0, 0);
	frame__ethernet(&frame);
	frame__arp(&frame);
	classifier__run(ingress, &frame, NULL);
	classifier__run(egress, &frame, NULL);
	assert_errors(1, 2, 0, 0, 0);
	frame = good;
	frame.bytes[14] = 0x41;
	classifier__run(ingress, &frame, NULL);
	assert_errors(1, 2, 0, 1, 0);
	build_tunnel(&frame, IPV6_IN_IPV4, false, 0); /* a tunnel whose inner packet is cut off */
	frame.size -= 8;
	frame__put16(&frame, 16, frame.size - 14);
	classifier__run(ingress, &frame, NULL);
	assert_errors(2, 2, 0, 1, 0);
	assert_int_equal(count_entries(), 0);
}

/* Fewer bytes than an IP header: test runs refuse such frames, a device does not. */
static void test_runt(void **state)
{
	struct device device;
	struct frame frame;
	const char *why;

	(void)state;
	if (!device__open(&device, DEVICE_TAP, ingress, &why)) {
		print_message("# skipped: %s\n", why);
		skip();
	}
	build_udp(&frame, A4, B4);
	frame.size = 20;
	device__send(&device, &frame, 0);
	assert_errors(1, 0, 0, 0, 0);
	assert_int_equal(count_entries(), 0);
	device__close(&device);
}

/* What the test run's context cannot say: a tag in the metadata, whose bytes are not in the frame. */
static void test_tag_in_the_metadata(void **state)
{
	struct device device;
	struct frame frame;
	const char *why;

	(void)state;
	if (!device__open(&device, DEVICE_TAP, ingress, &why)) {
		print_message("# skipped: %s\n", why);
		skip();
	}
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

static void test_device_without_link_layer(void **state)
{
	struct device device;
	struct frame frame;
	const char *why;

	(void)state;
	if (!device__open(&device, DEVICE_TUN, classifier__program(&classifier, "ingress_l3"), &why)) {
		print_message("# skipped: %s\n", why);
		skip();
	}
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

/* ---- numbers --------------------------------------------------------------------------------------- */

/* A GSO packet counts as what goes over the wire. */
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
	classifier__run(egress, &frame, &gso);
	assert_entry(DST_EGRESS, B4, 3, 3108);
	frame.bytes[14] = 0x41;
	classifier__run(egress, &frame, &gso);
	assert_errors(0, 0, 0, 3, 0);
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void test_times(void **state)
{
	__u64 before = now_ns(), between;
	struct dst_value total;
	struct frame frame;

	(void)state;
	build_udp(&frame, A4, B4);
	classifier__run(ingress, &frame, NULL);
	assert_true(find(DST_INGRESS, B4, &total));
	assert_in_range(total.first_ns, before, now_ns());
	assert_int_equal(total.first_ns, total.last_ns);
	between = total.first_ns;
	while (now_ns() == between) /* the coarse clock ticks */
		;
	classifier__run(ingress, &frame, NULL);
	assert_true(find(DST_INGRESS, B4, &total));
	assert_int_equal(total.first_ns, between);
	assert_in_range(total.last_ns, between + 1, now_ns());
}

/* ---- full maps -------------------------------------------------------------------------------------- */

static __u32 max_entries(void)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(stats, &info, &size), 0);
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
	classifier__run(ingress, &frame, NULL);
}

/* A3. */
static void test_full_map_keeps_the_old(void **state)
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
	send_to(7); /* an old one still counts */
	assert_entry(DST_INGRESS, nth_address(7), 2, 84);
	assert_errors(0, 0, 0, 0, 1);
}

static void test_lru_makes_room(void **state)
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

/* ---- two CPUs ---------------------------------------------------------------------------------------- */

#define RACES 3000
#define PACKETS_PER_RACE 3

struct racer {
	pthread_t thread;
	int cpu;
	atomic_int *arrived; /* by both, over all races */
};

/* Both send their first packet to a new destination at the same moment, over and over. */
static void *race(void *argument)
{
	const struct racer *racer = argument;
	struct frame frame;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(racer->cpu, &cpus);
	if (pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus))
		return "not pinned";
	for (int i = 0; i < RACES; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame.bytes, .repeat = PACKETS_PER_RACE);

		build_udp(&frame, A4, nth_address(i));
		run.data_size_in = frame.size;
		atomic_fetch_add(racer->arrived, 1);
		while (atomic_load(racer->arrived) < 2 * (i + 1))
			;
		if (bpf_prog_test_run_opts(ingress, &run))
			return "not run";
	}
	return NULL;
}

static int nth_cpu(int n)
{
	cpu_set_t cpus;

	assert_int_equal(sched_getaffinity(0, sizeof(cpus), &cpus), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET(cpu, &cpus) && n-- == 0)
			return cpu;
	}
	return -1;
}

/* A7. */
static void test_first_packets_on_two_cpus(void **state)
{
	atomic_int arrived = 0;
	struct racer racers[2];

	(void)state;
	if (nth_cpu(1) < 0) {
		print_message("# skipped: one CPU\n");
		skip();
	}
	for (int i = 0; i < 2; i++) {
		racers[i] = (struct racer){.cpu = nth_cpu(i), .arrived = &arrived};
		assert_int_equal(pthread_create(&racers[i].thread, NULL, race, &racers[i]), 0);
	}
	for (int i = 0; i < 2; i++) {
		void *why;

		assert_int_equal(pthread_join(racers[i].thread, &why), 0);
		assert_null(why);
	}
	for (int i = 0; i < RACES; i++)
		assert_entry(DST_INGRESS, nth_address(i), 2 * PACKETS_PER_RACE, 2 * PACKETS_PER_RACE * 42);
	assert_int_equal(count_entries(), RACES);
	assert_errors(0, 0, 0, 0, 0);
}

/* ---- the object -------------------------------------------------------------------------------------- */

/* Constants in .rodata or globals would be maps, and an object that an old tc cannot load. */
static void test_two_maps_and_no_globals(void **state)
{
	struct bpf_map *map;
	int maps = 0;

	(void)state;
	bpf_object__for_each_map(map, classifier.object) maps++;
	assert_int_equal(maps, 2);
}

/* The kernel has a limit of a million instructions; other kernels follow other paths. */
static void test_verifier_has_room(void **state)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	(void)state;
	assert_int_equal(bpf_obj_get_info_by_fd(ingress, &info, &size), 0);
	print_message("# the verifier walked %u instructions\n", info.verified_insns);
	assert_in_range(info.verified_insns, 0, 250000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, load, unload)
#define TEST_LRU(name) cmocka_unit_test_setup_teardown(name, load_lru, unload)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_one_entry_per_direction),
		TEST(test_addresses_are_not_folded),
		TEST(test_family_is_part_of_the_key),
		TEST(test_no_payload),
		TEST(test_one_entry_however_it_came),
		TEST(test_tunnels),
		TEST(test_gre),
		TEST(test_gre_that_is_not_followed),
		TEST(test_nested_too_deep),
		TEST(test_fragments),
		TEST(test_fragmented_tunnel),
		TEST(test_each_error_has_its_cell),
		TEST(test_runt),
		TEST(test_tag_in_the_metadata),
		TEST(test_device_without_link_layer),
		TEST(test_gso),
		TEST(test_times),
		TEST(test_full_map_keeps_the_old),
		TEST_LRU(test_one_entry_per_direction),
		TEST_LRU(test_lru_makes_room),
		TEST(test_first_packets_on_two_cpus),
		TEST_LRU(test_first_packets_on_two_cpus),
		TEST(test_two_maps_and_no_globals),
		TEST_LRU(test_two_maps_and_no_globals),
		TEST(test_verifier_has_room),
	};

	return cmocka_run_group_tests_name("dst_stats", tests, NULL, NULL);
}
