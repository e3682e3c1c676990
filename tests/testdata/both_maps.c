// SPDX-License-Identifier: GPL-2.0-only
/* A legacy map and a BTF-defined one: relocations to both must keep their maps. Needs BTF. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") legacy_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 3);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} modern_hits SEC(".maps");

SEC("classifier")
int count(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *legacy = bpf_map_lookup_elem(&legacy_hits, &key);
	__u32 *modern = bpf_map_lookup_elem(&modern_hits, &key);

	(void)skb;
	if (legacy)
		__sync_fetch_and_add(legacy, 1);
	if (modern)
		__sync_fetch_and_add(modern, 2);
	return -1;
}

/* Good for a loader that knows nothing of BTF, too. */
SEC("legacy")
int count_legacy(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *legacy = bpf_map_lookup_elem(&legacy_hits, &key);

	(void)skb;
	if (legacy)
		__sync_fetch_and_add(legacy, 1);
	return -1;
}

char _license[] SEC("license") = "GPL";
