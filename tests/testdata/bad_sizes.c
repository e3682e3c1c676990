// SPDX-License-Identifier: GPL-2.0-only
/*
 * Breaks the contract: definitions of 36 and of 20 bytes, whose sum divides by two. Read as two
 * of 28 bytes, the second one would start in the middle of the first.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

struct bpf_elf_map SEC("maps") long_definition = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
};

struct bpf_map_def SEC("maps") short_definition = {
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u64),
	.max_entries = 1,
};

SEC("classifier")
int look(struct __sk_buff *skb)
{
	__u32 cell = 0;

	(void)skb;
	return bpf_map_lookup_elem(&long_definition, &cell) && bpf_map_lookup_elem(&short_definition, &cell) ? 0 : 2;
}

char _license[] SEC("license") = "GPL";
