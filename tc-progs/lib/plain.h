/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fast path to the innermost destination of plain packets. A program tries it first, and uses
 * parse.h for all other packets.
 */
#ifndef PLAIN_H
#define PLAIN_H

#include "parse.h"

/* Moves *AT behind a tag, and subtracts it from *LEFT. False: it is not in the linear part. */
static __always_inline bool packet__plain_tag(const void **at, const void *end, __u64 *left, __be16 *ethertype)
{
	const struct vlan_tag *tag = *at;

	if (*at + sizeof(*tag) > end)
		return false;
	*ethertype = tag->ethertype;
	*at += sizeof(*tag);
	*left -= sizeof(*tag);
	return true;
}

enum plain_step {
	PLAIN_NO,    /* not plain */
	PLAIN_YES,   /* the innermost header, and PKT is filled */
	PLAIN_INNER, /* there is a header of *ETHERTYPE in the *LEFT bytes from *AT */
};

static __always_inline enum plain_step packet__plain_ipv4(const void **at, const void *end, __u64 *left,
							  __be16 *ethertype, struct packet *pkt)
{
	const struct iphdr *header = *at;
	__u64 total;

	if (unlikely(*at + sizeof(*header) > end || *(const __u8 *)*at != 0x45))
		return PLAIN_NO;
	total = bpf_ntohs(header->tot_len);
	/* 20 <= TOTAL <= *LEFT in one comparison: *LEFT is at least 20, and negative values are large. */
	if (unlikely(total - sizeof(*header) > *left - sizeof(*header) ||
		     header->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)))
		return PLAIN_NO;
	if (likely(!packet__is_tunnel(header->protocol))) {
		pkt->family = 4;
		pkt->daddr[0] = 0;
		pkt->daddr[1] = packet__map_ipv4(header->daddr);
		return PLAIN_YES;
	}
	if (header->protocol == IPPROTO_GRE || total < 2 * sizeof(*header))
		return PLAIN_NO;
	if (header->protocol == IPPROTO_IPV6)
		*ethertype = bpf_htons(ETH_P_IPV6);
	*at += sizeof(*header);
	*left = total - sizeof(*header);
	return PLAIN_INNER;
}

static __always_inline bool packet__plain_ipv6(const struct ipv6hdr *header, const void *end, __u64 left,
					       struct packet *pkt)
{
	const __u64 *addresses = (const void *)&header->saddr;
	__u64 payload;

	if ((const void *)(header + 1) > end || header->version != 6)
		return false;
	payload = bpf_ntohs(header->payload_len);
	if (!payload || payload + sizeof(*header) > left || packet__is_extension(header->nexthdr) ||
	    packet__is_tunnel(header->nexthdr))
		return false;
	pkt->family = 6;
	pkt->daddr[0] = addresses[2];
	pkt->daddr[1] = addresses[3];
	return true;
}

/* Most packets: IPv4 without tag and tunnel. A separate function is shorter, since all offsets are constant and
 * nothing is kept for later. */
static __always_inline bool packet__plainest(struct __sk_buff *skb, __u32 link_length, struct packet *pkt)
{
	const void *at = packet__pointer(skb, data) + link_length, *end = packet__pointer(skb, data_end);
	__u64 left = (__u64)skb->len - link_length;
	__be16 ethertype = skb->protocol;

	return likely(ethertype == bpf_htons(ETH_P_IP)) &&
	       likely(packet__plain_ipv4(&at, end, &left, &ethertype, pkt) == PLAIN_YES);
}

/*
 * The fast path for nearly all packets: IPv4 without options or IPv6 without extension headers, not fragmented, in the
 * linear part, with at most two tags; in tunnels with at most two IPv4 headers (IPIP) and one IPv6 header (6in4).
 * All offsets are constants, and nothing is on the stack. True: PKT has only the
 * family and the destination, as packet__innermost would find them. False: any other packet, which may be broken:
 * use packet__innermost.
 */
static __always_inline bool packet__plain(struct __sk_buff *skb, __u32 link_length, struct packet *pkt)
{
	const void *at, *end;
	enum plain_step step = PLAIN_INNER;
	__be16 ethertype;
	__u64 left; /* bytes of the IP packet */

	if (packet__plainest(skb, link_length, pkt))
		return true;
	barrier(); /* read it again below */
	at = packet__pointer(skb, data) + link_length;
	end = packet__pointer(skb, data_end);
	left = (__u64)skb->len - link_length;
	ethertype = skb->protocol;
	if (packet__is_tag(ethertype) &&
	    (!packet__plain_tag(&at, end, &left, &ethertype) ||
	     (packet__is_tag(ethertype) && !packet__plain_tag(&at, end, &left, &ethertype))))
		return false;
	if (ethertype == bpf_htons(ETH_P_IP))
		step = packet__plain_ipv4(&at, end, &left, &ethertype, pkt);
	if (step == PLAIN_INNER && ethertype == bpf_htons(ETH_P_IP))
		step = packet__plain_ipv4(&at, end, &left, &ethertype, pkt);
	if (step == PLAIN_INNER && ethertype == bpf_htons(ETH_P_IPV6))
		return packet__plain_ipv6(at, end, left, pkt);
	return step == PLAIN_YES;
}

#endif
