// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer of dst_stats: the work of the kernel's sample sockex2 per packet, as a classifier. It parses
 * a flow with absolute loads, through one tunnel and with ports, and atomically adds packets and bytes
 * of its folded destination in a HASH.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include "absolute.h"
#include "bpf_elf.h"

struct flow {
	__u32 src;
	__u32 dst;
	__u32 ports;
	__u16 transport; /* offset */
	__u8 protocol;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct bpf_elf_map SEC("maps") by_destination = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct traffic),
	.max_elem = 1024,
};

char _license[] SEC("license") = "GPL";

static __always_inline __u64 parse_ipv4(struct __sk_buff *skb, __u64 at, __u64 *protocol, struct flow *flow)
{
	if (load_half(skb, at + offsetof(struct iphdr, frag_off)) & IPV4_IN_PIECES)
		*protocol = 0;
	else
		*protocol = load_byte(skb, at + offsetof(struct iphdr, protocol));
	if (*protocol != IPPROTO_GRE) {
		flow->src = load_word(skb, at + offsetof(struct iphdr, saddr));
		flow->dst = load_word(skb, at + offsetof(struct iphdr, daddr));
	}
	return at + ((load_byte(skb, at) & 0xf) << 2);
}

static __always_inline __u64 parse_ipv6(struct __sk_buff *skb, __u64 at, __u64 *protocol, struct flow *flow)
{
	*protocol = load_byte(skb, at + offsetof(struct ipv6hdr, nexthdr));
	flow->src = load_folded(skb, at + offsetof(struct ipv6hdr, saddr));
	flow->dst = load_folded(skb, at + offsetof(struct ipv6hdr, daddr));
	return at + sizeof(struct ipv6hdr);
}

/* From AT, behind the outer IP header, to behind the inner one if PROTOCOL is a tunnel's. Returns 0
 * for what the sample gives up on. */
static __always_inline __u64 parse_tunnel(struct __sk_buff *skb, __u64 at, __u64 *protocol, struct flow *flow)
{
	__u64 type, flags;

	if (*protocol == IPPROTO_IPIP)
		return parse_ipv4(skb, at, protocol, flow);
	if (*protocol == IPPROTO_IPV6)
		return parse_ipv6(skb, at, protocol, flow);
	if (*protocol != IPPROTO_GRE)
		return at;
	flags = load_half(skb, at);
	type = load_half(skb, at + 2);
	if (flags & GRE_VERSION_OR_ROUTING)
		return at;
	at += gre_length(flags);
	if (type == ETH_P_8021Q) {
		type = load_half(skb, at + 2);
		at += 4;
	}
	if (type == ETH_P_IP)
		return parse_ipv4(skb, at, protocol, flow);
	if (type == ETH_P_IPV6)
		return parse_ipv6(skb, at, protocol, flow);
	return 0;
}

static __always_inline bool dissect(struct __sk_buff *skb, struct flow *flow)
{
	__u64 type = load_half(skb, offsetof(struct ethhdr, h_proto)), at = ETH_HLEN, protocol;

	if (type == ETH_P_8021AD) {
		type = load_half(skb, at + 2);
		at += 4;
	}
	if (type == ETH_P_8021Q) {
		type = load_half(skb, at + 2);
		at += 4;
	}
	if (type == ETH_P_IP)
		at = parse_ipv4(skb, at, &protocol, flow);
	else if (type == ETH_P_IPV6)
		at = parse_ipv6(skb, at, &protocol, flow);
	else
		return false;
	at = parse_tunnel(skb, at, &protocol, flow);
	if (!at)
		return false;
	flow->protocol = protocol;
	flow->transport = at;
	flow->ports = load_word(skb, protocol == IPPROTO_AH ? at + 4 : at);
	return true;
}

SEC("classifier")
int sockex2(struct __sk_buff *skb)
{
	struct flow flow = {};
	struct traffic *traffic;
	__u32 key;

	if (!dissect(skb, &flow))
		return 0;
	key = flow.dst;
	traffic = bpf_map_lookup_elem(&by_destination, &key);
	if (traffic) {
		__sync_fetch_and_add(&traffic->packets, 1);
		__sync_fetch_and_add(&traffic->bytes, skb->len);
	} else {
		struct traffic fresh = {.packets = 1, .bytes = skb->len};

		bpf_map_update_elem(&by_destination, &key, &fresh, BPF_ANY);
	}
	return 0;
}
