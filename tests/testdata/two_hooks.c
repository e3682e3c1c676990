// SPDX-License-Identifier: GPL-2.0-only
/*
 * One array shared by a program at egress, which adds STEP to it, and one at ingress, which records what
 * it reads there. PINNING decides which other objects share it.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#ifndef PINNING
#define PINNING PIN_OBJECT_NS
#endif
#ifndef STEP
#define STEP 1
#endif

struct bpf_elf_map SEC("maps") hooks_sum = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PINNING,
};

struct bpf_elf_map SEC("maps") hooks_read = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("egress")
int hooks_egress(struct __sk_buff *skb)
{
	__u32 only = 0;
	__u64 *sum = bpf_map_lookup_elem(&hooks_sum, &only);

	(void)skb;
	if (sum)
		__sync_fetch_and_add(sum, STEP);
	return -1;
}

SEC("ingress")
int hooks_ingress(struct __sk_buff *skb)
{
	__u32 only = 0;
	__u64 *sum = bpf_map_lookup_elem(&hooks_sum, &only);
	__u64 *read = bpf_map_lookup_elem(&hooks_read, &only);

	(void)skb;
	if (sum && read)
		*read = *sum;
	return -1;
}

char _license[] SEC("license") = "GPL";
