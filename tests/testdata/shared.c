// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simplest legacy object: one globally pinned array in which an ingress and an egress program
 * count. No program reads its context, so that each loads as every program type of tc and ip.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") shared_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 2,
	.pinning = PIN_GLOBAL_NS,
};

static __always_inline int count(__u32 direction)
{
	__u64 *hits = bpf_map_lookup_elem(&shared_hits, &direction);

	if (hits)
		__sync_fetch_and_add(hits, 1);
	return 0;
}

SEC("ingress")
int count_ingress(void *ctx)
{
	(void)ctx;
	return count(0);
}

SEC("egress")
int count_egress(void *ctx)
{
	(void)ctx;
	return count(1);
}

char _license[] SEC("license") = "GPL";
