/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * IP in IP without a tunnel device, IPv4 and IPv6 on both sides: adds and removes outer headers.
 * For frames with an Ethernet header and without VLAN tags in the payload.
 *
 * Afterwards all offsets and pointers into the packet are invalid. After a failure the packet must
 * be dropped.
 */
#ifndef IPIP_H
#define IPIP_H

#include "parse.h"

#define VLAN_POPS (PACKET_TAGS_MAX + 1)
#define IPV4_DONT_FRAGMENT 0x4000
#define ECN_BITS 3
/* Missing in older <linux/bpf.h>; needed if the families of outer and inner header differ. */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ull << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ull << 8)

/* An address as words, as in the parser; IPv4 is mapped, ::ffff:a.b.c.d. */
union address {
	__u64 words[2];
	__be32 quarters[4];
};

/* The contents of an outer header. */
struct ipip_outer {
	union address remote;
	union address local; /* of the same family */
	__u8 ttl;
	__u8 tos; /* without the ECN bits, which come from the inner packet */
};

static __always_inline union address address__read(const __u8 *from)
{
	const __u64 *words = (const void *)from;

	return (union address){.words = {words[0], words[1]}};
}

static __always_inline bool address__is_unset(const union address *address)
{
	return !(address->words[0] | address->words[1]);
}

static __always_inline bool address__is_ipv4(const union address *address)
{
	return !address->words[0] && address->quarters[2] == bpf_htonl(0xffff);
}

/* Removes all tags, in the metadata and in the frame. */
static __always_inline bool packet__pop_tags(struct __sk_buff *skb, const struct packet *pkt)
{
	if (!skb->vlan_present && pkt->l3_offset == ETH_HLEN)
		return true;
#pragma unroll
	for (int i = 0; i < VLAN_POPS; i++) {
		if (!skb->vlan_present && !packet__is_tag(skb->protocol))
			break;
		if (bpf_skb_vlan_pop(skb))
			return false;
	}
	return !skb->vlan_present && !packet__is_tag(skb->protocol);
}

static __always_inline __sum16 ipip__checksum(const struct iphdr *header)
{
	__s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)header, sizeof(*header), 0);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u8 ipip__read_tos(struct __sk_buff *skb, const struct packet *pkt)
{
	const __u8 *header = packet__at(skb, pkt->l3_offset, 2);

	if (!header)
		return 0;
	return pkt->family == 4 ? header[1] : header[0] << 4 | header[1] >> 4;
}

static __always_inline bool ipip__store_ipv4(struct __sk_buff *skb, const struct ipip_outer *outer, __u8 protocol,
					     __u8 tos, __u32 length)
{
	struct iphdr header = {
		.version = 4,
		.ihl = 5,
		.tos = tos,
		.tot_len = bpf_htons(length + sizeof(header) > 0xffff ? 0 : length + sizeof(header)),
		.frag_off = bpf_htons(IPV4_DONT_FRAGMENT),
		.ttl = outer->ttl,
		.protocol = protocol,
		.saddr = outer->local.quarters[3],
		.daddr = outer->remote.quarters[3],
	};
	__be16 ethertype = bpf_htons(ETH_P_IP);

	header.check = ipip__checksum(&header);
	return !bpf_skb_store_bytes(skb, ETH_HLEN, &header, sizeof(header), 0) &&
	       !bpf_skb_store_bytes(skb, ETH_HLEN - 2, &ethertype, 2, 0);
}

static __always_inline bool ipip__store_ipv6(struct __sk_buff *skb, const struct ipip_outer *outer, __u8 protocol,
					     __u8 tos, __u32 length)
{
	struct ipv6hdr header = {
		.version = 6,
		.priority = tos >> 4,
		.payload_len = bpf_htons(length > 0xffff ? 0 : length),
		.nexthdr = protocol,
		.hop_limit = outer->ttl,
	};
	__be16 ethertype = bpf_htons(ETH_P_IPV6);

	header.flow_lbl[0] = tos << 4;
	__builtin_memcpy(&header.saddr, &outer->local, sizeof(outer->local));
	__builtin_memcpy(&header.daddr, &outer->remote, sizeof(outer->remote));
	return !bpf_skb_store_bytes(skb, ETH_HLEN, &header, sizeof(header), 0) &&
	       !bpf_skb_store_bytes(skb, ETH_HLEN - 2, &ethertype, 2, 0);
}

static __always_inline __u32 ipip__size(bool is_ipv4)
{
	return is_ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
}

/* TCP segments are reduced by the size of the header; datagrams must keep their size. */
static __always_inline __u64 ipip__room_flags(struct __sk_buff *skb, const struct packet *pkt, bool to_ipv4)
{
	__u64 flags = to_ipv4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	if (skb->gso_size && pkt->protocol == IPPROTO_UDP)
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	return flags;
}

/* Adds an outer header of either family. False: the kernel cannot add the space. */
static __always_inline bool ipip__wrap(struct __sk_buff *skb, const struct ipip_outer *outer)
{
	bool to_ipv4 = address__is_ipv4(&outer->remote);
	struct packet pkt;
	__u8 protocol, tos;
	__u32 length;

	if (packet__link(skb, ETH_HLEN, &pkt) || packet__network(skb, &pkt))
		return false;
	length = pkt.end - pkt.l3_offset; /* without the padding of the link layer */
	protocol = pkt.family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	tos = (outer->tos & ~ECN_BITS) | (ipip__read_tos(skb, &pkt) & ECN_BITS);
	if (bpf_skb_adjust_room(skb, ipip__size(to_ipv4), BPF_ADJ_ROOM_MAC, ipip__room_flags(skb, &pkt, to_ipv4)))
		return false;
	return to_ipv4 ? ipip__store_ipv4(skb, outer, protocol, tos, length)
		       : ipip__store_ipv6(skb, outer, protocol, tos, length);
}

/* Removes PKT's IP header with its options or extension headers, and copies its congestion mark to the
 * inner one. False: the kernel cannot remove the space. */
static __always_inline bool ipip__unwrap(struct __sk_buff *skb, const struct packet *pkt)
{
	bool congested = (ipip__read_tos(skb, pkt) & ECN_BITS) == ECN_BITS;
	bool to_ipv4 = pkt->protocol == IPPROTO_IPIP;
	__be16 ethertype = to_ipv4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u64 flags = 0;

	if (to_ipv4 != (pkt->family == 4))
		flags = to_ipv4 ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6;
	if (bpf_skb_adjust_room(skb, -(__s32)(pkt->l4_offset - pkt->l3_offset), BPF_ADJ_ROOM_MAC, flags) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN - 2, &ethertype, sizeof(ethertype), 0))
		return false;
	if (congested)
		bpf_skb_ecn_set_ce(skb);
	bpf_set_hash_invalid(skb); /* it is that of the tunnel, the same for all flows inside */
	return true;
}

#endif
