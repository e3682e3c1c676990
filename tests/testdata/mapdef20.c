// SPDX-License-Identifier: GPL-2.0-only
/* The 20-byte form: struct bpf_map_def of the old libbpf, whose five words have the same meaning. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct bpf_map_def {
	unsigned int type;
	unsigned int key_size;
	unsigned int value_size;
	unsigned int max_entries;
	unsigned int map_flags;
};

struct bpf_map_def SEC("maps") def20 = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.key_size = sizeof(__u32),
	.value_size = sizeof(__u32),
	.max_entries = 64,
};

SEC("classifier")
int insert(struct __sk_buff *skb)
{
	__u32 key = 1, value = skb->len;

	bpf_map_update_elem(&def20, &key, &value, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "GPL";
