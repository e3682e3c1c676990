// SPDX-License-Identifier: GPL-2.0-only
/*
 * An entry in .text that calls later functions of .text: a global one through a relocation, and a static
 * one by its distance. Another program has its own section.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") text_calls = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 2,
	.pinning = PIN_GLOBAL_NS,
};

int count(struct __sk_buff *skb, __u32 cell);
static __noinline int twice(int number);

int entry(struct __sk_buff *skb)
{
	return count(skb, 0) + twice(skb->mark);
}

__noinline int count(struct __sk_buff *skb, __u32 cell)
{
	__u64 *hits = bpf_map_lookup_elem(&text_calls, &cell);

	if (hits)
		__sync_fetch_and_add(hits, 1);
	return skb->len ? -1 : 0;
}

static __noinline int twice(int number)
{
	return number + number;
}

SEC("classifier")
int beside(struct __sk_buff *skb)
{
	__u32 cell = 1;

	(void)skb;
	return bpf_map_lookup_elem(&text_calls, &cell) ? 0 : 2;
}

char _license[] SEC("license") = "GPL";
