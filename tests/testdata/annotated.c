// SPDX-License-Identifier: GPL-2.0-only
/* Maps with and without BPF_ANNOTATE_KV_PAIR: the kernel gets the types of the first one. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct flow_key {
	__u32 saddr;
	__u32 daddr;
};

struct flow_value {
	__u64 packets;
	__u64 octets;
};

struct bpf_elf_map SEC("maps") flows = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(struct flow_key),
	.size_value = sizeof(struct flow_value),
	.max_elem = 8,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(flows, struct flow_key, struct flow_value);

struct bpf_elf_map SEC("maps") untyped = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
};

SEC("classifier")
int insert(struct __sk_buff *skb)
{
	struct flow_key key = {.saddr = 1, .daddr = 2};
	struct flow_value value = {.packets = 1, .octets = skb->len};
	__u32 cell = 0;

	if (bpf_map_lookup_elem(&untyped, &cell))
		bpf_map_update_elem(&flows, &key, &value, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
