// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program without a section attribute: the compiler puts it into .text, and old command lines use
 * `sec .text`. libbpf reserves .text for called functions.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") text_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

int count(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *hits = bpf_map_lookup_elem(&text_hits, &key);

	(void)skb;
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return -1;
}

char _license[] SEC("license") = "GPL";
