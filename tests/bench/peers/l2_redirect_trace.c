// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer of the L2 redirect: the work of the kernel's sample tc_l2_redirect per packet. The VIPs are
 * constants, the device is in an ARRAY, and each redirected packet prints a line to the trace.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#define VIP 0x0a0a0100
#define VIP_MASK 0xffffff00
#define REMOTE 0x0a020166

struct bpf_elf_map SEC("maps") device = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
};

char _license[] SEC("license") = "GPL";

/* Tunnel packets go to the tunnel device's ingress, where the kernel takes them out. */
SEC("forward")
int l2_forward(struct __sk_buff *skb)
{
	char line[] = "forward to %d, ingress, from %d, protocol %d\n";
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 key = 0, *ifindex = bpf_map_lookup_elem(&device, &key);
	struct ethhdr *eth = data;
	__u8 protocol;

	if (data + sizeof(*eth) > end || !ifindex)
		return TC_ACT_OK;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct iphdr *ip = data + sizeof(*eth);

		if ((void *)(ip + 1) > end || ip->protocol != IPPROTO_IPIP)
			return TC_ACT_OK;
		protocol = ip->protocol;
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6 = data + sizeof(*eth);

		if ((void *)(ip6 + 1) > end || (ip6->nexthdr != IPPROTO_IPIP && ip6->nexthdr != IPPROTO_IPV6))
			return TC_ACT_OK;
		protocol = ip6->nexthdr;
	} else {
		return TC_ACT_OK;
	}
	bpf_trace_printk(line, sizeof(line), *ifindex, skb->ifindex, protocol);
	return bpf_redirect(*ifindex, BPF_F_INGRESS);
}

SEC("tunnel")
int l2_tunnel(struct __sk_buff *skb)
{
	char line[] = "tunnel from %d to %d\n";
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	__u32 key = 0, *ifindex = bpf_map_lookup_elem(&device, &key);
	struct bpf_tunnel_key tunnel = {.tunnel_id = 10000, .remote_ipv4 = REMOTE, .tunnel_ttl = 64};
	struct ethhdr *eth = data;
	struct iphdr *ip = data + sizeof(*eth);

	if ((void *)(ip + 1) > end || !ifindex || eth->h_proto != bpf_htons(ETH_P_IP))
		return TC_ACT_OK;
	if ((ip->daddr & bpf_htonl(VIP_MASK)) != bpf_htonl(VIP))
		return TC_ACT_OK;
	bpf_skb_set_tunnel_key(skb, &tunnel, sizeof(tunnel), 0);
	bpf_trace_printk(line, sizeof(line), skb->ifindex, *ifindex);
	return bpf_redirect(*ifindex, 0);
}
