// SPDX-License-Identifier: GPL-2.0-only
/*
 * A map in a map: `inner` is the template (its id is the outer's inner_id) and goes into slot 0 of
 * `outer` (inner_idx). The outer map comes first, so that a loader which needs templates first has to
 * reorder them.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#define TEMPLATE 7

struct bpf_elf_map SEC("maps") outer = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 3,
	.pinning = PIN_GLOBAL_NS,
	.inner_id = TEMPLATE,
};

struct bpf_elf_map SEC("maps") inner = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.id = TEMPLATE,
	.pinning = PIN_GLOBAL_NS,
	.inner_idx = 0,
};

SEC("classifier")
int count(struct __sk_buff *skb)
{
	__u32 slot = 0, cell = 0;
	__u64 *packets;
	void *map;

	(void)skb;
	map = bpf_map_lookup_elem(&outer, &slot);
	if (!map)
		return 0;
	packets = bpf_map_lookup_elem(map, &cell);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
