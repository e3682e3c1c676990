# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# An object with state of every kind, for tests of upgrades: maps that are pinned in each way or not at all, and global
# variables. The macros:
#
#   STEP        what each packet adds to the counters
#   LIMIT       start value of a setting; LIMIT_TYPE its type
#   QUEUE       entries of a queue that each packet is pushed to
#   COUNTERS    entries of an unpinned array
#   EXTRA       start value of another variable

# compile_state OUT [FLAG ...]
compile_state() {
	clang -target bpf -std=gnu11 -O2 -Iinclude -idirafter "/usr/include/$(cc -print-multiarch)" "${@:2}" \
		-x c -c - -o "$1" <<'C'
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#ifndef STEP
#define STEP 1
#endif
#ifndef LIMIT
#define LIMIT 1000
#endif
#ifndef LIMIT_TYPE
#define LIMIT_TYPE __u32
#endif
#ifndef QUEUE
#define QUEUE 64
#endif
#ifndef COUNTERS
#define COUNTERS 4
#endif

#define ARRAY(map_name, entries, where)             \
	struct bpf_elf_map SEC("maps") map_name = { \
		.type = BPF_MAP_TYPE_ARRAY,         \
		.size_key = sizeof(__u32),          \
		.size_value = sizeof(__u64),        \
		.max_elem = entries,                \
		.pinning = where,                   \
	}

ARRAY(private_count, COUNTERS, PIN_NONE);
ARRAY(object_count, 1, PIN_OBJECT_NS);
ARRAY(global_count, 1, PIN_GLOBAL_NS);
ARRAY(connections_of_ipv4, 1, PIN_NONE);
ARRAY(connections_of_ipv6, 1, PIN_NONE);

struct bpf_elf_map SEC("maps") waiting = {
	.type = BPF_MAP_TYPE_QUEUE,
	.size_value = sizeof(__u64),
	.max_elem = QUEUE,
};

struct bpf_elf_map SEC("maps") events = {
	.type = BPF_MAP_TYPE_RINGBUF,
	.max_elem = 4096,
};

struct setting {
	__u32 low;
	__u32 high;
};

volatile LIMIT_TYPE limit = LIMIT;
volatile struct setting range = {.low = 10, .high = 20};
static volatile __u32 quiet = 7;
volatile __u32 own SEC(".data.own") = 5;
volatile __u64 packets;		  /* .bss */
const volatile __u32 step = STEP; /* .rodata */
#ifdef EXTRA
volatile __u32 extra = EXTRA;
#endif

static __always_inline void add(void *map)
{
	__u32 cell = 0;
	__u64 *count = bpf_map_lookup_elem(map, &cell);

	if (count)
		__sync_fetch_and_add(count, step);
}

static __always_inline int count(const struct __sk_buff *skb, void *connections)
{
	__u64 value;

	if (skb->protocol != bpf_htons(ETH_P_IP))
		return -1;
	add(connections);
	add(&private_count);
	add(&object_count);
	add(&global_count);
	__sync_fetch_and_add(&packets, 1);
	value = packets + limit + range.low + quiet + own;
#ifdef EXTRA
	value += extra;
#endif
	bpf_map_push_elem(&waiting, &value, 0);
	bpf_ringbuf_output(&events, &value, sizeof(value), 0);
	return -1;
}

SEC("ingress")
int count_ipv4(struct __sk_buff *skb)
{
	return count(skb, &connections_of_ipv4);
}

SEC("egress")
int count_ipv6(struct __sk_buff *skb)
{
	return count(skb, &connections_of_ipv6);
}

char _license[] SEC("license") = "GPL";
C
}
