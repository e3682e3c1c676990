/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One version of a pipeline, which another one replaces as a whole: an entry that writes the number of
 * its version into skb->cb, and two stages that compare it with theirs. Every packet is counted in one
 * cell of gen_cells: completely through one version, or mixed, or lost at a slot.
 *
 * GENERATION and GEN_STATE_ENTRIES are the version's own; so is GEN_JMP_PINNING, if it is not the usual.
 */
#ifndef GENERATION_H
#define GENERATION_H

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#ifndef GEN_JMP_PINNING
#define GEN_JMP_PINNING PIN_GLOBAL_NS
#endif

enum { GEN_WHOLE_1, GEN_WHOLE_2, GEN_MIXED, GEN_LOST, GEN_CELLS };

struct bpf_elf_map SEC("maps") gen_jmp = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.id = 7,
	.pinning = GEN_JMP_PINNING,
};

struct bpf_elf_map SEC("maps") gen_cells = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = GEN_CELLS,
	.pinning = PIN_GLOBAL_NS,
};

/* How often each length came: the state that a version takes over from the one before. */
struct bpf_elf_map SEC("maps") gen_state = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = GEN_STATE_ENTRIES,
	.pinning = PIN_GLOBAL_NS,
};

static __always_inline void count(__u32 cell)
{
	__u64 *packets = bpf_map_lookup_elem(&gen_cells, &cell);

	if (packets)
		++*packets;
}

static __always_inline void remember(__u32 length)
{
	__u64 *packets = bpf_map_lookup_elem(&gen_state, &length), first = 1;

	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		bpf_map_update_elem(&gen_state, &length, &first, BPF_ANY);
}

SEC("7/0")
int gen_first(struct __sk_buff *skb)
{
	if (skb->cb[0] != GENERATION)
		skb->cb[1] = 1;
	bpf_tail_call(skb, &gen_jmp, 1);
	count(GEN_LOST);
	return -1;
}

SEC("7/1")
int gen_last(struct __sk_buff *skb)
{
	count(skb->cb[0] != GENERATION || skb->cb[1] ? GEN_MIXED : GEN_WHOLE_1 + GENERATION - 1);
	return -1;
}

static __always_inline int enter(struct __sk_buff *skb)
{
	if (skb->protocol != bpf_htons(ETH_P_IP))
		return -1;
	remember(skb->len);
	skb->cb[0] = GENERATION;
	skb->cb[1] = 0;
	bpf_tail_call(skb, &gen_jmp, 0);
	count(GEN_LOST);
	return -1;
}

SEC("ingress")
int gen_ingress(struct __sk_buff *skb)
{
	return enter(skb);
}

SEC("egress")
int gen_egress(struct __sk_buff *skb)
{
	return enter(skb);
}

char _license[] SEC("license") = "GPL";

#endif
