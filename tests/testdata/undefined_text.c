// SPDX-License-Identifier: GPL-2.0-only
/* Functions in .text that use what nothing defines: called by one program, by another through two functions, and not
 * by the third. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") undefined_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

int nowhere(int number);

static __attribute__((noinline)) int count(int number)
{
	__u32 key = 0;
	__u64 *hits = bpf_map_lookup_elem(&undefined_hits, &key);

	if (hits)
		*hits += 1;
	return number;
}

static __attribute__((noinline)) int lacks(int number)
{
	return nowhere(number) + 1;
}

__attribute__((noinline)) int calls_it(int number)
{
	return lacks(number) * 3 + number;
}

SEC("direct") int use_direct(struct __sk_buff *skb)
{
	return lacks((int)skb->len);
}

SEC("through") int use_through(struct __sk_buff *skb)
{
	return calls_it((int)skb->len);
}

SEC("good") int use_other(struct __sk_buff *skb)
{
	return count((int)skb->len) ? 0 : 2;
}

char _license[] SEC("license") = "GPL";
