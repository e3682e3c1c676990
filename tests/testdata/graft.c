// SPDX-License-Identifier: GPL-2.0-only
/*
 * An empty jump table for grafted stages: `entry` jumps to slot GRAFT_FIRST and, if that is empty, passes
 * the packet on. In a filter without `da` the return value of a stage is the class of the
 * packet: 1:42 from `aaa`, 1:43 from `bbb`. Each counts its runs.
 */
#include <linux/bpf.h>
#include <linux/pkt_sched.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

enum graft_slot { GRAFT_FIRST, GRAFT_SECOND, GRAFT_SLOTS };
enum { RAN_ENTRY, RAN_NOTHING, RAN_AAA, RAN_BBB, NR_RAN };

struct bpf_elf_map SEC("maps") graft_table = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = GRAFT_SLOTS,
	.id = 0x99,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(graft_table, enum graft_slot, __u32);

struct bpf_elf_map SEC("maps") graft_ran = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = NR_RAN,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(graft_ran, __u32, __u64);

static __always_inline void count(__u32 what)
{
	__u64 *runs = bpf_map_lookup_elem(&graft_ran, &what);

	if (runs)
		__sync_fetch_and_add(runs, 1);
}

SEC("entry")
int graft_entry(struct __sk_buff *skb)
{
	count(RAN_ENTRY);
	bpf_tail_call(skb, &graft_table, GRAFT_FIRST);
	count(RAN_NOTHING);
	return 0;
}

SEC("aaa")
int graft_aaa(struct __sk_buff *skb)
{
	(void)skb;
	count(RAN_AAA);
	return TC_H_MAKE(1 << 16, 0x42);
}

SEC("bbb")
int graft_bbb(struct __sk_buff *skb)
{
	(void)skb;
	count(RAN_BBB);
	return TC_H_MAKE(1 << 16, 0x43);
}

char _license[] SEC("license") = "GPL";
