// SPDX-License-Identifier: GPL-2.0-only
/* Helpers that the kernel refuses, each for a different reason. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

static int (*const bpf_of_the_future)(void *ctx) = (void *)99999;

/* The lock is there, but a legacy definition does not say so. */
struct bpf_elf_map SEC("maps") locked = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = 8,
	.max_elem = 1,
};

SEC("classifier/future")
int future(struct __sk_buff *skb)
{
	return bpf_of_the_future(skb);
}

SEC("classifier/skb")
int store(struct __sk_buff *skb)
{
	__u8 byte = 1;

	return bpf_skb_store_bytes(skb, 0, &byte, sizeof(byte), 0);
}

SEC("classifier/lock")
int lock(struct __sk_buff *skb)
{
	__u32 cell = 0;
	struct bpf_spin_lock *held = bpf_map_lookup_elem(&locked, &cell);

	(void)skb;
	if (!held)
		return 0;
	bpf_spin_lock(held);
	bpf_spin_unlock(held);
	return -1;
}

char _license[] SEC("license") = "GPL";
