// SPDX-License-Identifier: GPL-2.0-only
/*
 * Treats packets of tests/tools/flood.c to port 9000 in each way that its report distinguishes, by number: of every
 * eight, one is dropped, three get a mark and three a tag (one of them both), and two pass.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stddef.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#define PAYLOAD (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))
#define PORT (PAYLOAD - sizeof(struct udphdr) + offsetof(struct udphdr, dest))
#define NUMBER (PAYLOAD + 8)
#define TAG (PAYLOAD + 16)

struct bpf_elf_map SEC("maps") flood_dropped = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(flood_dropped, __u32, __u64);

char _license[] SEC("license") = "GPL";

SEC("classifier")
int flood_paths(struct __sk_buff *skb)
{
	__u64 number = 0, tag = 0xabc, *dropped;
	__u32 key = 0;
	__be16 port;

	if (skb->protocol != bpf_htons(ETH_P_IP) || bpf_skb_load_bytes(skb, PORT, &port, sizeof(port)) ||
	    port != bpf_htons(9000) || bpf_skb_load_bytes(skb, NUMBER, &number, sizeof(number)))
		return TC_ACT_UNSPEC;
	number %= 8;
	if (number == 0) {
		dropped = bpf_map_lookup_elem(&flood_dropped, &key);
		if (dropped)
			__sync_fetch_and_add(dropped, 1);
		return TC_ACT_SHOT;
	}
	if (number <= 3)
		skb->mark = 7;
	if (number >= 3 && number <= 5)
		bpf_skb_store_bytes(skb, TAG, &tag, sizeof(tag), BPF_F_RECOMPUTE_CSUM);
	return TC_ACT_UNSPEC;
}
