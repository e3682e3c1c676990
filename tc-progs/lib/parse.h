/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The packet parser of the classifiers, in stages that a program calls as needed:
 *
 *   packet__link       VLAN tags; where the network header starts and of which family it is
 *   packet__network    IPv4, or IPv6 and its extension headers: addresses, protocol, fragment
 *   packet__transport  ports, or ICMP type, code and id
 *   packet__enter      a tunnel's inner network header, input of packet__network
 *
 *   packet__parse      link, network, transport: for filters
 *   packet__innermost  link, network, and tunnels: for accounting
 *
 * Stages store offsets, not pointers: pulling headers into the linear part invalidates all
 * pointers into the packet. Everything is inlined, and nothing needs .rodata.
 */
#ifndef PARSE_H
#define PARSE_H

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "packet.h"

/* The size of the first pull: Ethernet, IPv6 and 24 bytes, enough for most packets. */
#define PACKET_PULL 78
/* The verifier tracks pointers into a packet up to 64 KiB; no header is further back. */
#define PACKET_REACH 0x7fff

#define IPV4_MORE_FRAGMENTS 0x2000
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_MORE_FRAGMENTS 0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8
#define ETHERTYPE_OLD_QINQ 0x9100

#define GRE_HAS_CHECKSUM 0x8000
#define GRE_HAS_ROUTING 0x4000
#define GRE_HAS_KEY 0x2000
#define GRE_HAS_SEQUENCE 0x1000
#define GRE_VERSION_BITS 0x0007

struct vlan_tag {
	__be16 tci;
	__be16 ethertype;
};

struct gre_base {
	__be16 flags;
	__be16 ethertype;
};

/* The start of all extension headers. */
struct ipv6_extension {
	__u8 next;
	__u8 length;
	__be16 fragment; /* of a fragment header */
	__u32 rest;	 /* the shortest header has 8 bytes */
};

/* They move unlikely code, with the registers it needs, out of the common path. */
#ifndef likely /* libbpf 1.6 defines both */
#define likely(condition) __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)
#endif

/* A pointer member of the context. In assembler, since the compiler treats it as the number that it is
 * declared as, and would shift and combine it, which the verifier forbids for pointers. */
#define packet__pointer(skb, member)                                                         \
	({                                                                                   \
		void *pointer;                                                               \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                        \
			     : "=r"(pointer)                                                 \
			     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, member))); \
		pointer;                                                                     \
	})

/* Returns NUMBER, but hides its range from the verifier. Otherwise the verifier walks each combination of
 * headers separately, which with tunnels and extension headers exceeds its limit. packet__at() checks the
 * range again. In assembler, so that the compiler does not keep a pointer into the context, which the
 * verifier forbids. */
static __always_inline __u64 packet__forget(struct __sk_buff *skb, __u64 number)
{
	__u64 unknown;

	asm volatile("%1 = *(u32 *)(%2 + %3)\n\t"
		     "%0 ^= %1\n\t"
		     "%0 ^= %1"
		     : "+r"(number), "=&r"(unknown)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, hash)));
	return number;
}

/* A pointer to OFFSET in the packet, which must be below PACKET_REACH. The added register itself gets the bound:
 * verifiers up to 6.1 do not derive it from a copy that was checked, or from the stack. */
static __always_inline void *packet__reach(struct __sk_buff *skb, __u64 offset)
{
	void *at;

	asm volatile("%0 = *(u32 *)(%2 + %3)\n\t"
		     "%1 &= %4\n\t"
		     "%0 += %1"
		     : "=&r"(at), "+r"(offset)
		     : "r"(skb), "i"(__builtin_offsetof(struct __sk_buff, data)), "i"(PACKET_REACH));
	return at;
}

/* SIZE readable bytes at OFFSET, or NULL. Pulls them into the linear part if needed. */
static __always_inline void *packet__at(struct __sk_buff *skb, __u64 offset, __u64 size)
{
	__u64 wanted;
	void *at;

	if (offset > PACKET_REACH)
		return NULL;
	at = packet__reach(skb, offset);
	if (at + size <= packet__pointer(skb, data_end))
		return at;
	wanted = packet__forget(skb, offset + size); /* so that comparing it does not split the range of OFFSET */
	if (wanted < PACKET_PULL)
		wanted = skb->len < PACKET_PULL ? skb->len : PACKET_PULL;
	if (bpf_skb_pull_data(skb, wanted))
		return NULL;
	at = packet__reach(skb, offset);
	return at + size <= packet__pointer(skb, data_end) ? at : NULL;
}

/* The same for a header inside the IP packet, which may be shorter than the frame. */
static __always_inline void *packet__inside(struct __sk_buff *skb, const struct packet *pkt, __u64 offset, __u64 size)
{
	return offset + size <= pkt->end ? packet__at(skb, offset, size) : NULL;
}

static __always_inline bool packet__is_tag(__be16 ethertype)
{
	return ethertype == bpf_htons(ETH_P_8021Q) || ethertype == bpf_htons(ETH_P_8021AD) ||
	       ethertype == bpf_htons(ETHERTYPE_OLD_QINQ);
}

static __always_inline void packet__add_vlan(struct packet *pkt, __u32 tci)
{
	if (pkt->vlan_outer == PACKET_NO_VLAN)
		pkt->vlan_outer = tci & 0x0fff;
	else
		pkt->vlan_inner = tci & 0x0fff;
}

/*
 * skb->protocol is the type of the packet: the kernel moves the outer tag from the frame into the
 * metadata, and the type after it into skb->protocol. LINK_LENGTH is ETH_HLEN, or 0 on a device
 * without link-layer header (tun, wireguard, ppp): the context does not contain it.
 */
static __always_inline enum packet_verdict packet__link(struct __sk_buff *skb, __u32 link_length, struct packet *pkt)
{
	*pkt = (struct packet){
		.l3_offset = link_length,
		.end = skb->len,
		.ethertype = skb->protocol,
		.vlan_outer = PACKET_NO_VLAN,
		.vlan_inner = PACKET_NO_VLAN,
	};
	if (skb->vlan_present)
		packet__add_vlan(pkt, skb->vlan_tci);
#pragma unroll
	for (int tags = 0; tags < PACKET_TAGS_MAX; tags++) {
		const struct vlan_tag *tag;

		if (!packet__is_tag(pkt->ethertype))
			return PACKET_OK;
		tag = packet__at(skb, pkt->l3_offset, sizeof(*tag));
		if (!tag)
			return PACKET_SHORT;
		packet__add_vlan(pkt, bpf_ntohs(tag->tci));
		pkt->ethertype = tag->ethertype;
		pkt->l3_offset += sizeof(*tag);
	}
	return packet__is_tag(pkt->ethertype) ? PACKET_DEPTH : PACKET_OK;
}

/* The low word of ::ffff:a.b.c.d, whose high word is 0. */
static __always_inline __u64 packet__map_ipv4(__be32 address)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u64)address << 32 | 0xffff0000;
#else
	return 0x0000ffff00000000ull | address;
#endif
}

static __always_inline enum packet_fragment packet__ipv4_fragment(const struct iphdr *header)
{
	if (header->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return PACKET_FRAGMENT_LATER;
	return header->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS) ? PACKET_FRAGMENT_FIRST : PACKET_WHOLE;
}

static __always_inline enum packet_verdict packet__ipv4(struct __sk_buff *skb, struct packet *pkt)
{
	const struct iphdr *header = packet__inside(skb, pkt, pkt->l3_offset, sizeof(*header));
	__u32 length, total;

	if (!header)
		return PACKET_SHORT;
	if (header->version != 4 || header->ihl < 5)
		return PACKET_MALFORMED;
	length = header->ihl * 4;
	total = bpf_ntohs(header->tot_len);
	if (!total && skb->gso_size) /* a GSO packet of more than 64 KiB */
		total = pkt->end - pkt->l3_offset;
	if (total < length)
		return PACKET_MALFORMED;
	if (pkt->l3_offset + total > pkt->end)
		return PACKET_SHORT;
	pkt->end = packet__forget(skb, pkt->l3_offset + total);
	pkt->l4_offset = packet__forget(skb, pkt->l3_offset + length);
	pkt->family = 4;
	pkt->protocol = header->protocol;
	pkt->saddr[0] = pkt->daddr[0] = 0;
	pkt->saddr[1] = packet__map_ipv4(header->saddr);
	pkt->daddr[1] = packet__map_ipv4(header->daddr);
	pkt->fragment = packet__forget(skb, packet__ipv4_fragment(header));
	return PACKET_OK;
}

static __always_inline bool packet__is_extension(__u8 protocol)
{
	return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT ||
	       protocol == IPPROTO_AH || protocol == IPPROTO_DSTOPTS;
}

static __always_inline __u32 packet__extension_length(__u8 protocol, const struct ipv6_extension *header)
{
	if (protocol == IPPROTO_FRAGMENT)
		return 8;
	if (protocol == IPPROTO_AH)
		return (header->length + 2) * 4;
	return (header->length + 1) * 8;
}

/* A second fragment header of an unfragmented packet does not change the result of the first. */
static __always_inline __u64 packet__ipv6_fragment(const struct ipv6_extension *header, __u64 fragment)
{
	if (header->fragment & bpf_htons(IPV6_FRAGMENT_OFFSET))
		return PACKET_FRAGMENT_LATER;
	return header->fragment & bpf_htons(IPV6_MORE_FRAGMENTS) ? PACKET_FRAGMENT_FIRST : fragment;
}

/* From the header PROTOCOL at l4_offset to the first that is not an extension. ESP, which hides the
 * rest, and "no next header" are not extensions, so they end the walk. */
static __always_inline enum packet_verdict packet__walk(struct __sk_buff *skb, struct packet *pkt)
{
	__u64 offset = pkt->l4_offset, protocol = pkt->protocol, fragment = PACKET_WHOLE;

#pragma unroll /* a longer program, but verification is several times faster */
	for (int headers = 0; headers < PACKET_HEADERS_MAX && packet__is_extension(protocol); headers++) {
		const struct ipv6_extension *header = packet__inside(skb, pkt, offset, sizeof(*header));

		if (!header)
			return PACKET_SHORT;
		if (protocol == IPPROTO_FRAGMENT)
			fragment = packet__ipv6_fragment(header, fragment);
		fragment = packet__forget(skb, fragment);
		offset = packet__forget(skb, offset + packet__extension_length(protocol, header));
		protocol = header->next;
		if (offset > pkt->end)
			return PACKET_SHORT;
		if (fragment == PACKET_FRAGMENT_LATER)
			break;
	}
	pkt->l4_offset = offset;
	pkt->protocol = protocol;
	pkt->fragment = fragment;
	return fragment != PACKET_FRAGMENT_LATER && packet__is_extension(protocol) ? PACKET_DEPTH : PACKET_OK;
}

static __always_inline enum packet_verdict packet__ipv6(struct __sk_buff *skb, struct packet *pkt)
{
	const struct ipv6hdr *header = packet__inside(skb, pkt, pkt->l3_offset, sizeof(*header));
	const __u64 *addresses;
	__u32 payload;

	if (!header)
		return PACKET_SHORT;
	if (header->version != 6)
		return PACKET_MALFORMED;
	pkt->l4_offset = packet__forget(skb, pkt->l3_offset + sizeof(*header));
	payload = bpf_ntohs(header->payload_len);
	/* 0 in a jumbogram, or in a GSO packet of more than 64 KiB, which extends to the end. */
	if (payload || (header->nexthdr != IPPROTO_HOPOPTS && !skb->gso_size)) {
		if (pkt->l4_offset + payload > pkt->end)
			return PACKET_SHORT;
		pkt->end = packet__forget(skb, pkt->l4_offset + payload);
	}
	pkt->family = 6;
	pkt->protocol = header->nexthdr;
	addresses = (const void *)&header->saddr;
	pkt->saddr[0] = addresses[0];
	pkt->saddr[1] = addresses[1];
	pkt->daddr[0] = addresses[2];
	pkt->daddr[1] = addresses[3];
	return packet__walk(skb, pkt);
}

/* The header of PKT's ethertype at l3_offset, as packet__link and packet__enter leave them. */
static __always_inline enum packet_verdict packet__network(struct __sk_buff *skb, struct packet *pkt)
{
	if (pkt->ethertype == bpf_htons(ETH_P_IP))
		return packet__ipv4(skb, pkt);
	if (pkt->ethertype == bpf_htons(ETH_P_IPV6))
		return packet__ipv6(skb, pkt);
	return PACKET_NON_IP;
}

static __always_inline bool packet__has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_DCCP;
}

static __always_inline bool packet__is_icmp(const struct packet *pkt)
{
	return pkt->protocol == (pkt->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static __always_inline bool packet__is_echo(const struct packet *pkt)
{
	__u8 type = pkt->icmp_type;

	return pkt->family == 4 ? type == 8 || type == 0 : type == 128 || type == 129;
}

/* Protocols without ports and later fragments are no errors: their ports are 0. */
static __always_inline enum packet_verdict packet__transport(struct __sk_buff *skb, struct packet *pkt)
{
	if (pkt->fragment == PACKET_FRAGMENT_LATER)
		return PACKET_OK;
	if (packet__has_ports(pkt->protocol)) {
		const __be16 *ports = packet__inside(skb, pkt, pkt->l4_offset, 2 * sizeof(*ports));

		if (!ports)
			return PACKET_SHORT;
		pkt->sport = ports[0];
		pkt->dport = ports[1];
	} else if (packet__is_icmp(pkt)) {
		const __u8 *icmp = packet__inside(skb, pkt, pkt->l4_offset, 8);

		if (!icmp)
			return PACKET_SHORT;
		pkt->icmp_type = icmp[0];
		pkt->icmp_code = icmp[1];
		if (packet__is_echo(pkt))
			pkt->icmp_id = *(const __be16 *)(icmp + 4);
	}
	return PACKET_OK;
}

/* Bytes after the base header; without branches, which the verifier would all walk. */
static __always_inline __u32 packet__gre_options(__u32 flags)
{
	return !!(flags & GRE_HAS_CHECKSUM) * 4 + !!(flags & GRE_HAS_KEY) * 4 + !!(flags & GRE_HAS_SEQUENCE) * 4;
}

/* Only version 0 without routing has a known length; everything else is not treated as a tunnel. */
static __always_inline enum packet_verdict packet__gre(struct __sk_buff *skb, const struct packet *pkt,
						       __be16 *ret_ethertype, __u32 *ret_length)
{
	const struct gre_base *gre = packet__inside(skb, pkt, pkt->l4_offset, sizeof(*gre));
	__u32 flags;

	if (!gre)
		return PACKET_SHORT;
	flags = bpf_ntohs(gre->flags);
	if (flags & (GRE_HAS_ROUTING | GRE_VERSION_BITS))
		return PACKET_OK;
	*ret_ethertype = gre->ethertype;
	*ret_length = sizeof(*gre) + packet__gre_options(flags);
	return PACKET_OK;
}

static __always_inline bool packet__is_tunnel(__u8 protocol)
{
	return protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6 || protocol == IPPROTO_GRE;
}

/*
 * Moves PKT to the IP packet inside an IPIP, 6in4 or GRE packet, and sets *ret_entered if there is
 * one. Fragments are not entered: only the first has the inner header, and all fragments of a packet
 * must be counted for the same address.
 */
static __always_inline enum packet_verdict packet__enter(struct __sk_buff *skb, struct packet *pkt, bool *ret_entered)
{
	enum packet_verdict verdict;
	__be16 ethertype = 0;
	__u32 length = 0;

	*ret_entered = false;
	if (pkt->fragment != PACKET_WHOLE)
		return PACKET_OK;
	if (pkt->protocol == IPPROTO_IPIP) {
		ethertype = bpf_htons(ETH_P_IP);
	} else if (pkt->protocol == IPPROTO_IPV6) {
		ethertype = bpf_htons(ETH_P_IPV6);
	} else if (pkt->protocol == IPPROTO_GRE) {
		verdict = packet__gre(skb, pkt, &ethertype, &length);
		if (verdict)
			return verdict;
	}
	if (ethertype != bpf_htons(ETH_P_IP) && ethertype != bpf_htons(ETH_P_IPV6))
		return PACKET_OK;
	pkt->ethertype = ethertype;
	pkt->l3_offset = packet__forget(skb, pkt->l4_offset + length);
	pkt->tunnels++;
	*ret_entered = true;
	return PACKET_OK;
}

/* Fills PKT from the outermost IP header and what follows it. */
static __always_inline enum packet_verdict packet__parse(struct __sk_buff *skb, __u32 link_length, struct packet *pkt)
{
	enum packet_verdict verdict = packet__link(skb, link_length, pkt);

	if (!verdict)
		verdict = packet__network(skb, pkt);
	return verdict ? verdict : packet__transport(skb, pkt);
}

/* Fills PKT from the innermost IP header, without ports. If the inner packet of a tunnel cannot be
 * parsed, the packet cannot be parsed. */
static __always_inline enum packet_verdict packet__innermost(struct __sk_buff *skb, __u32 link_length,
							     struct packet *pkt)
{
	enum packet_verdict verdict = packet__link(skb, link_length, pkt);
	bool entered = true;

	if (verdict)
		return verdict;
#pragma clang loop unroll(disable)
	for (int levels = 0; levels <= PACKET_TUNNELS_MAX; levels++) {
		verdict = packet__network(skb, pkt);
		if (!verdict)
			verdict = packet__enter(skb, pkt, &entered);
		if (verdict || !entered)
			return verdict;
	}
	return PACKET_DEPTH;
}

#endif
