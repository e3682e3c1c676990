// SPDX-License-Identifier: GPL-2.0-only
/*
 * Constructs that libbpf loads, but not a tc without libbpf, each in a separate section. Every tc accepts
 * the program in `classifier`.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") cells = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 4,
};

struct bpf_elf_map SEC("maps") unpinned_jumps = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
	.id = 3,
};

volatile __u32 limit = 1500;

SEC("classifier")
int plain(struct __sk_buff *skb)
{
	__u32 cell = 0;
	__u64 *runs = bpf_map_lookup_elem(&cells, &cell);

	if (runs)
		__sync_fetch_and_add(runs, 1);
	bpf_tail_call(skb, &unpinned_jumps, 0);
	return -1;
}

SEC("3/0")
int slot(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

SEC("classifier/global")
int uses_global(struct __sk_buff *skb)
{
	return skb->len > limit ? 2 : -1;
}

SEC("classifier/string")
int prints(struct __sk_buff *skb)
{
	(void)skb;
	bpf_trace_printk("seen\n", 6);
	return -1;
}

SEC("classifier/two")
int first(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

SEC("classifier/two")
int second(struct __sk_buff *skb)
{
	(void)skb;
	return 2;
}

char _license[] SEC("license") = "GPL";
