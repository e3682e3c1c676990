// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs of which the verifier refuses one: `careless` uses the result of a look-up without checking
 * it. The others, including a tail-call section, are accepted.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") broken_jumps = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.id = 5,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") broken_hits = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 8,
	.pinning = PIN_GLOBAL_NS,
};

SEC("classifier")
int careful(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	__u64 *hits = bpf_map_lookup_elem(&broken_hits, &key);

	if (hits)
		__sync_fetch_and_add(hits, 1);
	bpf_tail_call(skb, &broken_jumps, 1);
	return -1;
}

SEC("classifier/careless")
int careless(struct __sk_buff *skb)
{
	__u32 key = skb->ifindex;
	__u64 *hits = bpf_map_lookup_elem(&broken_hits, &key);

	*hits += 1;
	return -1;
}

SEC("5/1")
int after(struct __sk_buff *skb)
{
	return skb->len > 60;
}

char _license[] SEC("license") = "GPL";
