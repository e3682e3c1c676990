// SPDX-License-Identifier: GPL-2.0-only
/*
 * Definitions of 40 bytes with a zero tail, as in a contract newer than tc's, and two inner templates
 * for one outer map: tc's own parser refuses the former and loses an inner map of the latter.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct wide_map {
	struct bpf_elf_map map;
	__u32 future;
};

struct wide_map SEC("maps") first = {
	.map =
		{
			.type = BPF_MAP_TYPE_ARRAY,
			.size_key = sizeof(__u32),
			.size_value = sizeof(__u64),
			.max_elem = 1,
			.id = 7,
			.inner_idx = 0,
		},
};

struct wide_map SEC("maps") second = {
	.map =
		{
			.type = BPF_MAP_TYPE_ARRAY,
			.size_key = sizeof(__u32),
			.size_value = sizeof(__u64),
			.max_elem = 1,
			.id = 7,
			.inner_idx = 2,
		},
};

struct wide_map SEC("maps") wide_outer = {
	.map =
		{
			.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
			.size_key = sizeof(__u32),
			.size_value = sizeof(__u32),
			.max_elem = 4,
			.inner_id = 7,
			.pinning = PIN_GLOBAL_NS,
		},
};

SEC("classifier")
int count(struct __sk_buff *skb)
{
	__u32 slot = 2, key = 0;
	void *inner = bpf_map_lookup_elem(&wide_outer, &slot);
	__u64 *hits = inner ? bpf_map_lookup_elem(inner, &key) : (void *)0;

	(void)skb;
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return -1;
}

char _license[] SEC("license") = "GPL";
