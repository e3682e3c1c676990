// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that calls itself until the kernel ends it, and then puts the packet into class 1:42. If its
 * slot is empty the entry drops the packet.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

enum { RAN_ENTRY, RAN_LOOP, NR_RAN };

struct bpf_elf_map SEC("maps") cycle = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
	.id = 0xabccba,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") cycle_ran = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = NR_RAN,
	.pinning = PIN_GLOBAL_NS,
};

static __always_inline void count(__u32 what)
{
	__u64 *runs = bpf_map_lookup_elem(&cycle_ran, &what);

	if (runs)
		__sync_fetch_and_add(runs, 1);
}

SEC("0xabccba/0")
int cycle_loop(struct __sk_buff *skb)
{
	count(RAN_LOOP);
	bpf_tail_call(skb, &cycle, 0);
	skb->tc_classid = 0x42;
	return TC_ACT_OK;
}

SEC("entry")
int cycle_entry(struct __sk_buff *skb)
{
	count(RAN_ENTRY);
	bpf_tail_call(skb, &cycle, 0);
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
