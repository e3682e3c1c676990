// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See parser_maps.h. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "parser_maps.h"
#include "test.h"

struct parser_maps parser;

/* ---- loading --------------------------------------------------------------------------------------- */

static void load_object(const char *path, bool per_cpu)
{
	struct classifier *classifier = &parser.classifier;

	classifier__load(classifier, path);
	parser.program = classifier__program(classifier, "classifier");
	parser.program_l3 = classifier__program(classifier, "classifier_l3");
	parser.stages = classifier__map(classifier, "parser_stages");
	parser.flows4 = classifier__map(classifier, "parser_flows4");
	parser.flows6 = classifier__map(classifier, "parser_flows6");
	parser.ends = classifier__map(classifier, "parser_ends");
	parser.empty = classifier__map(classifier, "parser_empty");
	parser.per_cpu = per_cpu;
}

int parser_maps__load(void **state)
{
	(void)state;
	load_object("tc-progs/parser.o", false);
	return 0;
}

int parser_maps__load_percpu(void **state)
{
	(void)state;
	load_object("tc-progs/parser_percpu.o", true);
	return 0;
}

int parser_maps__unload(void **state)
{
	(void)state;
	classifier__unload(&parser.classifier);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------------- */

/* An entry of WORDS 64-bit numbers, summed over the CPUs. False: there is no entry. */
static bool read_sum(int map, const void *key, bool per_cpu, size_t words, __u64 *ret_sum)
{
	int copies = per_cpu ? libbpf_num_possible_cpus() : 1;
	__u64 *values = calloc(copies * words, sizeof(*values));
	int err;

	assert_non_null(values);
	memset(ret_sum, 0, words * sizeof(*ret_sum));
	err = bpf_map_lookup_elem(map, key, values);
	for (size_t i = 0; i < copies * words; i++)
		ret_sum[i % words] += values[i];
	free(values);
	return !err;
}

bool find_flow(const struct flow *flow, struct parser_flow *ret_total)
{
	bool is_ipv6 = strchr(flow->to, ':');
	struct parser_key4 key4 = {
		.sport = htons(flow->sport), .dport = htons(flow->dport), .protocol = flow->protocol};
	struct parser_key6 key6 = {
		.sport = htons(flow->sport), .dport = htons(flow->dport), .protocol = flow->protocol};
	__u64 sum[2];
	bool found;

	assert_int_equal(inet_pton(is_ipv6 ? AF_INET6 : AF_INET, flow->from, is_ipv6 ? (void *)&key6.src : &key4.src),
			 1);
	assert_int_equal(inet_pton(is_ipv6 ? AF_INET6 : AF_INET, flow->to, is_ipv6 ? (void *)&key6.dst : &key4.dst), 1);
	found = read_sum(is_ipv6 ? parser.flows6 : parser.flows4, is_ipv6 ? (void *)&key6 : &key4, parser.per_cpu, 2,
			 sum);
	*ret_total = (struct parser_flow){.packets = sum[0], .bytes = sum[1]};
	return found;
}

static size_t count_keys(int map)
{
	__u64 key[5], *previous = NULL;
	size_t keys = 0;

	while (!bpf_map_get_next_key(map, previous, key)) {
		previous = key;
		keys++;
	}
	return keys;
}

size_t count_flows(void)
{
	return count_keys(parser.flows4) + count_keys(parser.flows6);
}

static __u64 count_packets_in(int map)
{
	__u64 key[5], *previous = NULL, sum[2], packets = 0;

	while (!bpf_map_get_next_key(map, previous, key)) {
		assert_true(read_sum(map, key, parser.per_cpu, 2, sum));
		packets += sum[0];
		previous = key;
	}
	return packets;
}

__u64 count_packets(void)
{
	return count_packets_in(parser.flows4) + count_packets_in(parser.flows6);
}

struct parser_ends read_ends(void)
{
	struct parser_ends ends;
	__u32 only = 0;

	assert_true(read_sum(parser.ends, &only, true, sizeof(ends) / sizeof(__u64), (__u64 *)&ends));
	return ends;
}

__u64 read_empty(enum parser_slot slot)
{
	__u64 packets;

	read_sum(parser.empty, &slot, true, 1, &packets);
	return packets;
}

static void delete_all(int map)
{
	__u64 key[5];

	while (!bpf_map_get_next_key(map, NULL, key))
		assert_int_equal(bpf_map_delete_elem(map, key), 0);
}

void forget_all(void)
{
	void *zeros = calloc(libbpf_num_possible_cpus(), sizeof(struct parser_ends));
	__u32 only = 0;

	assert_non_null(zeros);
	delete_all(parser.flows4);
	delete_all(parser.flows6);
	delete_all(parser.empty);
	assert_int_equal(bpf_map_update_elem(parser.ends, &only, zeros, BPF_ANY), 0);
	free(zeros);
}

void send_frame(const struct frame *frame)
{
	static const struct __sk_buff leftovers = {.cb = {~0u, ~0u, ~0u, ~0u, ~0u}};

	classifier__run(parser.program, frame, &leftovers);
}

/* ---- expecting --------------------------------------------------------------------------------------- */

void expect_flow(struct frame *frame, const char *from, const char *to, __u8 protocol, __u16 sport, __u16 dport)
{
	const struct flow flow = {from, to, protocol, sport, dport};
	const struct parser_ends none = {};
	struct parser_ends ends;
	struct parser_flow total;

	forget_all();
	frame__seal(frame);
	send_frame(frame);
	ends = read_ends();
	assert_memory_equal(&ends, &none, sizeof(ends));
	assert_int_equal(count_flows(), 1);
	assert_int_equal(count_keys(parser.empty), 0);
	if (!find_flow(&flow, &total))
		fail_msg("no flow of %u from %s %u to %s %u", protocol, from, sport, to, dport);
	assert_int_equal(total.packets, 1);
	assert_int_equal(total.bytes, frame->size);
}

void expect_end_at(const struct frame *frame, size_t offset, const char *name)
{
	struct parser_ends ends, expected = {};

	*(__u64 *)((char *)&expected + offset) = 1;
	forget_all();
	send_frame(frame);
	ends = read_ends();
	if (memcmp(&ends, &expected, sizeof(ends)) != 0)
		fail_msg("a frame of %zu bytes has not ended as %s, or not only", frame->size, name);
	assert_int_equal(count_flows(), 0);
	assert_int_equal(count_keys(parser.empty), 0);
}

void expect_empty(const struct frame *frame, enum parser_slot slot)
{
	const struct parser_ends none = {};
	struct parser_ends ends;

	forget_all();
	send_frame(frame);
	ends = read_ends();
	assert_memory_equal(&ends, &none, sizeof(ends));
	assert_int_equal(count_flows(), 0);
	assert_int_equal(count_keys(parser.empty), 1);
	assert_int_equal(read_empty(slot), 1);
}
