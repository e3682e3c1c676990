// SPDX-License-Identifier: GPL-2.0-only
/* An object without a section `license`: it loads unless it calls a GPL-only helper. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") unlicensed = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
};

SEC("classifier")
int look(struct __sk_buff *skb)
{
	__u32 cell = 0;

	(void)skb;
	return bpf_map_lookup_elem(&unlicensed, &cell) ? 0 : 2;
}
