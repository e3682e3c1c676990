// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps that the contract allows and the kernel refuses, each for a different reason, and one that it
 * accepts. The program in `classifier` uses only the accepted one.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") trie_without_flag = {
	.type = BPF_MAP_TYPE_LPM_TRIE,
	.size_key = 8,
	.size_value = 4,
	.max_elem = 16,
};

struct bpf_elf_map SEC("maps") empty_value = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = 4,
	.max_elem = 16,
};

struct bpf_elf_map SEC("maps") outer_without_inner = {
	.type = BPF_MAP_TYPE_ARRAY_OF_MAPS,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 2,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") ring_with_value = {
	.type = BPF_MAP_TYPE_RINGBUF,
	.size_value = 8,
	.max_elem = 4096,
};

struct bpf_elf_map SEC("maps") unheard_of = {
	.type = 200,
	.size_key = 4,
	.size_value = 4,
	.max_elem = 16,
};

struct bpf_elf_map SEC("maps") good = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = 4,
	.size_value = 8,
	.max_elem = 1,
};

SEC("classifier")
int count(struct __sk_buff *skb)
{
	__u32 cell = 0;
	__u64 *runs = bpf_map_lookup_elem(&good, &cell);

	(void)skb;
	if (runs)
		__sync_fetch_and_add(runs, 1);
	return -1;
}

SEC("classifier/trie")
int find(struct __sk_buff *skb)
{
	__u32 key[2] = {32, skb->ifindex};

	return bpf_map_lookup_elem(&trie_without_flag, key) ? 0 : -1;
}

SEC("classifier/outer")
int look(struct __sk_buff *skb)
{
	__u32 cell = 0;
	void *inner = bpf_map_lookup_elem(&outer_without_inner, &cell);

	(void)skb;
	return inner && bpf_map_lookup_elem(inner, &cell) ? 0 : -1;
}

char _license[] SEC("license") = "GPL";
