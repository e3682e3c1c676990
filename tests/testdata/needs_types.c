// SPDX-License-Identifier: GPL-2.0-only
/*
 * Maps for which the kernel requires BTF of keys and values, which the old loader could not
 * provide: socket storage, and a value with a spin lock. BPF_ANNOTATE_KV_PAIR gives them.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct locked {
	struct bpf_spin_lock lock;
	__u32 hits;
};

struct bpf_elf_map SEC("maps") storage = {
	.type = BPF_MAP_TYPE_SK_STORAGE,
	.size_key = sizeof(int),
	.size_value = sizeof(__u64),
	.flags = BPF_F_NO_PREALLOC,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(storage, int, __u64);

struct bpf_elf_map SEC("maps") locks = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct locked),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(locks, __u32, struct locked);

SEC("classifier")
int count(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct locked *value;
	__u32 key = 0;
	__u64 *seen;

	value = bpf_map_lookup_elem(&locks, &key);
	if (value) {
		bpf_spin_lock(&value->lock);
		value->hits++;
		bpf_spin_unlock(&value->lock);
	}
	if (!sk)
		return -1;
	sk = bpf_sk_fullsock(sk);
	if (!sk)
		return -1;
	seen = bpf_sk_storage_get(&storage, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (seen)
		__sync_fetch_and_add(seen, 1);
	return -1;
}

char _license[] SEC("license") = "GPL";
