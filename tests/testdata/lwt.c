// SPDX-License-Identifier: GPL-2.0-only
/* Programs for `ip route … encap bpf`, each direction counting in its cell of one map. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") lwt_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 3,
	.pinning = PIN_GLOBAL_NS,
};

static __always_inline int count(__u32 direction)
{
	__u64 *hits = bpf_map_lookup_elem(&lwt_hits, &direction);

	if (hits)
		__sync_fetch_and_add(hits, 1);
	return BPF_OK;
}

SEC("prog")
int in(struct __sk_buff *skb)
{
	(void)skb;
	return count(0);
}

SEC("leave")
int out(struct __sk_buff *skb)
{
	(void)skb;
	return count(1);
}

SEC("send")
int xmit(struct __sk_buff *skb)
{
	(void)skb;
	return count(2);
}

char _license[] SEC("license") = "GPL";
