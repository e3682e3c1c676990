// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stage for graft.c's table with its own maps: a pinned counter, and a pinned jump table with a stage,
 * to which `own` jumps. `broken` is refused by the verifier, `xdp` is for other hooks.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") graft_table = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.id = 0x99,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") own_table = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
	.id = 0x77,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") own_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("own")
int graft_own(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &own_table, 0);
	return 0;
}

SEC("0x77/0")
int graft_own_stage(struct __sk_buff *skb)
{
	__u32 only = 0;
	__u64 *hits = bpf_map_lookup_elem(&own_hits, &only);

	(void)skb;
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return 0;
}

/* Would take the place of what is in the table: a graft of another section must leave that alone. */
SEC("0x99/1")
int graft_second(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

SEC("broken")
int graft_broken(struct __sk_buff *skb)
{
	__u32 beyond = 1;

	(void)skb;
	return *(volatile __u64 *)bpf_map_lookup_elem(&own_hits, &beyond);
}

SEC("xdp")
int graft_xdp(struct xdp_md *ctx)
{
	return ctx->ingress_ifindex ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
