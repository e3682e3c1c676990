// SPDX-License-Identifier: GPL-2.0-only
/*
 * Constructs of another loader than tc: definitions of 28 bytes whose last words are inner_map_idx and
 * numa_node, which tc reads as an id and a pinning, and a tail-call section for an id that no map has.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 map_flags;
	__u32 inner_map_idx;
	__u32 numa_node;
};

struct bpf_map_def SEC("maps") on_node_2 = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 1,
	.map_flags = BPF_F_NUMA_NODE,
	.numa_node = 2,
};

struct bpf_map_def SEC("maps") on_node_5 = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 1,
	.numa_node = 5,
};

SEC("classifier")
int look(struct __sk_buff *skb)
{
	__u32 key = 0;

	(void)skb;
	return bpf_map_lookup_elem(&on_node_2, &key) && bpf_map_lookup_elem(&on_node_5, &key) ? -1 : 2;
}

SEC("8/0")
int no_slot(struct __sk_buff *skb)
{
	(void)skb;
	return -1;
}

char _license[] SEC("license") = "GPL";
