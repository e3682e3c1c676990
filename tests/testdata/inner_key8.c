// SPDX-License-Identifier: GPL-2.0-only
/* Breaks the contract: an inner_idx, which has 4 bytes, as a key of 8. The old loader inserted garbage. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#ifndef INNER_IDX
#define INNER_IDX 0
#endif

struct bpf_elf_map SEC("maps") inner8 = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 4,
	.id = 1,
	.pinning = PIN_GLOBAL_NS,
	.inner_idx = INNER_IDX,
};

struct bpf_elf_map SEC("maps") outer8 = {
	.type = BPF_MAP_TYPE_HASH_OF_MAPS,
	.size_key = sizeof(__u64),
	.size_value = sizeof(__u32),
	.max_elem = 4,
	.pinning = PIN_GLOBAL_NS,
	.inner_id = 1,
};

SEC("classifier")
int look(struct __sk_buff *skb)
{
	__u64 key = 0;

	(void)skb;
	return bpf_map_lookup_elem(&outer8, &key) ? 0 : -1;
}

char _license[] SEC("license") = "GPL";
