// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer of the cgroup filter: the work of the kernel's sample test_cgrp2_tc per packet. It handles
 * only ICMPv6, checks one slot, and prints a line to the trace for each packet.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

/* The text is put together on the stack: an old tc has no place for literals. */
#define trace(text)                                   \
	do {                                          \
		char line[] = text;                   \
		bpf_trace_printk(line, sizeof(line)); \
	} while (0)

struct bpf_elf_map SEC("maps") cgroup = {
	.type = BPF_MAP_TYPE_CGROUP_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
};

char _license[] SEC("license") = "GPL";

SEC("filter")
int cgrp2_tc(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct ipv6hdr *ip6 = data + sizeof(*eth);

	if (data + sizeof(*eth) + sizeof(*ip6) > end)
		return TC_ACT_OK;
	if (eth->h_proto != bpf_htons(ETH_P_IPV6) || ip6->nexthdr != IPPROTO_ICMPV6) {
		trace("not ICMPv6\n");
		return TC_ACT_OK;
	}
	if (bpf_skb_under_cgroup(skb, &cgroup, 0) != 1) {
		trace("passed\n");
		return TC_ACT_OK;
	}
	trace("dropped\n");
	return TC_ACT_SHOT;
}
