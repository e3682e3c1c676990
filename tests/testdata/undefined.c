// SPDX-License-Identifier: GPL-2.0-only
/*
 * A section that calls an undefined function, one that reads an undefined variable, and one that needs
 * neither: an old loader, which read only the chosen section, loaded the last one.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") undefined_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

extern __u32 missing_limit;
extern int missing_function(int);

SEC("good")
int count(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *hits = bpf_map_lookup_elem(&undefined_hits, &key);

	(void)skb;
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return -1;
}

SEC("calls")
int call(struct __sk_buff *skb)
{
	return missing_function(skb->len);
}

SEC("reads")
int read_limit(struct __sk_buff *skb)
{
	return skb->len > missing_limit;
}

char _license[] SEC("license") = "GPL";
