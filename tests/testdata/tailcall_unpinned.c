// SPDX-License-Identifier: GPL-2.0-only
/*
 * A tail call through an unpinned PROG_ARRAY: it works as long as the loader that filled it keeps it
 * open, and `tc exec bpf graft` cannot reach it. The id is written in hex in one place and in
 * decimal in the other, both of which C allows.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") jmp_private = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 4,
	.id = 171,
};

SEC("0xab/3")
int target(struct __sk_buff *skb)
{
	(void)skb;
	return 0;
}

SEC("classifier")
int entry(struct __sk_buff *skb)
{
	bpf_tail_call(skb, &jmp_private, 3);
	return -1;
}

char _license[] SEC("license") = "GPL";
