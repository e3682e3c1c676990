// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps that a second load has to recognize: the kernel reports their pins differently from their
 * definitions, or their names are longer than the kernel keeps.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") devices = {
	.type = BPF_MAP_TYPE_DEVMAP,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 4,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") rounded = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 15,
	.flags = BPF_F_NO_COMMON_LRU,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") events = {
	.type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") ring = {
	.type = BPF_MAP_TYPE_RINGBUF,
	.max_elem = 5000,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") a_name_of_more_than_fifteen_1 = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") a_name_of_more_than_fifteen_2 = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.pinning = PIN_GLOBAL_NS,
};

static __always_inline int count(void)
{
	__u32 key = 0;
	__u64 *first = bpf_map_lookup_elem(&a_name_of_more_than_fifteen_1, &key);
	__u32 *second = bpf_map_lookup_elem(&a_name_of_more_than_fifteen_2, &key);
	__u64 *third = bpf_map_lookup_elem(&rounded, &key);

	if (first)
		__sync_fetch_and_add(first, 1);
	if (second)
		__sync_fetch_and_add(second, 2);
	if (third)
		__sync_fetch_and_add(third, 1);
	return 0;
}

SEC("classifier")
int count_it(struct __sk_buff *skb)
{
	(void)skb;
	return count() - 1;
}

SEC("prog")
int let_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return count() + XDP_PASS;
}

SEC("redirect")
int send_on(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect_map(&devices, 0, XDP_PASS);
}

char _license[] SEC("license") = "GPL";
