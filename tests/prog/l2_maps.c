// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See l2_maps.h. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "l2_maps.h"
#include "test.h"

int redirect, forward, guard;
static struct classifier classifier;

int l2_maps__load(void **state)
{
	(void)state;
	classifier__load(&classifier, "tc-progs/l2_redirect.o");
	redirect = classifier__program(&classifier, "redirect");
	forward = classifier__program(&classifier, "forward");
	guard = classifier__program(&classifier, "drop_non_tun_vip");
	return 0;
}

int l2_maps__unload(void **state)
{
	(void)state;
	classifier__unload(&classifier);
	return 0;
}

static void put(const char *map, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(classifier__map(&classifier, map), key, value, BPF_ANY), 0);
}

void set_ip(ip to, const char *address)
{
	char mapped[INET6_ADDRSTRLEN + 8] = "::ffff:";

	strcpy(mapped + (strchr(address, ':') ? 0 : 7), address);
	assert_int_equal(inet_pton(AF_INET6, mapped, to), 1);
}

void set_device(__u32 slot, __u32 number)
{
	put("tun_iface", &slot, &number);
}

void set_vip(const char *prefix, const struct l2_vip *vip)
{
	char address[INET6_ADDRSTRLEN];
	struct l2_prefix key = {};

	assert_int_equal(sscanf(prefix, "%45[^/]/%u", address, &key.prefixlen), 2);
	key.prefixlen += strchr(address, ':') ? 0 : 96;
	set_ip(key.address, address);
	put("l2_vips", &key, vip);
}

void set_end(__u32 slot, const char *address, enum l2_end_action action, __u32 device)
{
	struct l2_end end = {.action = action, .device = device};

	set_ip(end.address, address);
	put("l2_ends", &slot, &end);
}

/* As an array, so that no member is forgotten. */
static void read_counts(__u64 totals[sizeof(struct l2_counts) / 8])
{
	int cpus = libbpf_num_possible_cpus();
	size_t members = sizeof(struct l2_counts) / sizeof(__u64);
	__u64 *values = calloc(cpus * members, sizeof(*values));
	__u32 all = 0;

	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(classifier__map(&classifier, "l2_stats"), &all, values), 0);
	memset(totals, 0, sizeof(struct l2_counts));
	for (size_t i = 0; i < cpus * members; i++)
		totals[i % members] += values[i];
	free(values);
}

void run_and_count(int program, struct frame *frame, int verdict, size_t counter)
{
	__u64 before[sizeof(struct l2_counts) / 8], after[sizeof(struct l2_counts) / 8];
	__u8 out[FRAME_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame->bytes, .data_size_in = frame->size, .data_out = out,
		    .data_size_out = sizeof(out));

	read_counts(before);
	assert_int_equal(bpf_prog_test_run_opts(program, &run), 0);
	read_counts(after);
	assert_int_equal((int)run.retval, verdict);
	for (size_t i = 0; i < sizeof(struct l2_counts) / 8; i++)
		if (after[i] - before[i] != (i == counter / 8))
			fail_msg("counter %zu grew by %llu, counter %zu should have grown by 1", i,
				 after[i] - before[i], counter / 8);
	frame->size = run.data_size_out;
	memcpy(frame->bytes, out, frame->size);
}

void run_and_compare(int program, const struct frame *frame, int verdict, size_t counter)
{
	struct frame copy = *frame;

	run_and_count(program, &copy, verdict, counter);
	assert_int_equal(copy.size, frame->size);
	assert_memory_equal(copy.bytes, frame->bytes, frame->size);
}

static void add_ip(struct frame *frame, const char *from, const char *to)
{
	if (strchr(to, ':'))
		frame__ipv6(frame, from, to);
	else
		frame__ipv4(frame, from, to);
}

static void add_datagram(struct frame *frame, const char *from, const char *to)
{
	add_ip(frame, from, to);
	frame__udp(frame, 4000, 53);
	frame__payload(frame, 30);
	frame__seal(frame);
}

void build_datagram(struct frame *frame, const char *from, const char *to)
{
	frame__ethernet(frame);
	add_datagram(frame, from, to);
}

void build_tunnelled(struct frame *frame, const char *outer_from, const char *outer_to, const char *from,
		     const char *to)
{
	frame__ethernet(frame);
	add_ip(frame, outer_from, outer_to);
	add_datagram(frame, from, to);
}

void build_short(struct frame *frame, const char *from, const char *to, size_t l3_length)
{
	frame__ethernet(frame);
	frame__tag(frame, ETH_P_8021Q, 1);
	add_ip(frame, from, to);
	frame__seal(frame);
	frame->size = 18 + l3_length;
}

void assert_packet(const struct frame *frame, size_t offset, const struct frame *original)
{
	size_t size = original->size - ETH_HLEN;

	assert_int_equal(frame->size, offset + size);
	assert_memory_equal(frame->bytes + offset, original->bytes + ETH_HLEN, size);
}
