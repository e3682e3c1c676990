// SPDX-License-Identifier: GPL-2.0-only
/* Breaks the contract: a static map, whose name is not global. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

static struct bpf_elf_map SEC("maps") unseen = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("classifier")
int look(struct __sk_buff *skb)
{
	__u32 key = 0;

	(void)skb;
	return bpf_map_lookup_elem(&unseen, &key) ? 0 : -1;
}

char _license[] SEC("license") = "GPL";
