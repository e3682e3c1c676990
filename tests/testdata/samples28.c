// SPDX-License-Identifier: GPL-2.0-only
/* The 28-byte form of the definition, as the kernel's samples declare it: it ends with `pinning`. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct bpf_elf_map {
	__u32 type;
	__u32 size_key;
	__u32 size_value;
	__u32 max_elem;
	__u32 flags;
	__u32 id;
	__u32 pinning;
};

struct bpf_elf_map SEC("maps") sizes28 = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 16,
	.flags = BPF_F_NO_PREALLOC,
	.pinning = 2,
};

struct bpf_elf_map SEC("maps") second28 = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = 24,
	.max_elem = 3,
};

SEC("classifier")
int insert(struct __sk_buff *skb)
{
	__u32 cell = 2, key = 5;
	__u64 value = skb->len;

	if (bpf_map_lookup_elem(&second28, &cell))
		bpf_map_update_elem(&sizes28, &key, &value, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
