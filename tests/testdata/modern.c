// SPDX-License-Identifier: GPL-2.0-only
/* Not a legacy object: its map is declared in `.maps`, and there is nothing to convert. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} modern_hits SEC(".maps");

SEC("tc")
int count(struct __sk_buff *skb)
{
	__u32 cell = 0;
	__u64 *hits = bpf_map_lookup_elem(&modern_hits, &cell);

	(void)skb;
	if (hits)
		*hits += 1;
	return 0;
}

char _license[] SEC("license") = "GPL";
