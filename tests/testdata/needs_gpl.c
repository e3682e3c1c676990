// SPDX-License-Identifier: GPL-2.0-only
/* No licence, and a GPL-only helper. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") gpl_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("classifier")
int print(struct __sk_buff *skb)
{
	__u32 key = 0;
	char format[] = "x\n";

	(void)skb;
	if (bpf_map_lookup_elem(&gpl_hits, &key))
		bpf_trace_printk(format, sizeof(format));
	return -1;
}
