/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The result of parse.h. It is a separate header, so that tests and tools in user space can
 * include it.
 */
#ifndef PACKET_H
#define PACKET_H

#include <linux/types.h>

/* A packet that cannot be parsed is neither a match nor a mismatch: the classifier's policy decides. */
enum packet_verdict {
	PACKET_OK,
	PACKET_SHORT,	  /* a header or a length exceeds the packet */
	PACKET_NON_IP,	  /* neither IPv4 nor IPv6: ARP, LLDP, MPLS, ... */
	PACKET_DEPTH,	  /* too many VLAN tags, extension headers or tunnels */
	PACKET_MALFORMED, /* an inconsistent IP header: version, header length */
};

enum packet_fragment {
	PACKET_WHOLE,
	PACKET_FRAGMENT_FIRST,
	PACKET_FRAGMENT_LATER, /* has no transport header, so no ports */
};

#define PACKET_TAGS_MAX 3    /* VLAN tags in the payload, in addition to the one in the metadata */
#define PACKET_HEADERS_MAX 8 /* IPv6 extension headers */
#define PACKET_TUNNELS_MAX 4 /* nested IPIP, 6in4, GRE */
#define PACKET_NO_VLAN 0xffff

struct packet {
	__u64 saddr[2]; /* network byte order; IPv4 as ::ffff:a.b.c.d */
	__u64 daddr[2];
	__u32 l3_offset; /* bytes from skb->data */
	__u32 l4_offset; /* after extension headers; in a later fragment: of its data */
	__u32 end;	 /* of the IP packet, without the link layer's padding */
	__be16 ethertype;
	__be16 icmp_id; /* of echo messages, else 0 */
	__be16 sport;	/* TCP, UDP, UDP-Lite, SCTP, DCCP; else 0 */
	__be16 dport;
	__u16 vlan_outer; /* ids; PACKET_NO_VLAN without a tag */
	__u16 vlan_inner; /* the innermost tag */
	__u8 icmp_type;
	__u8 icmp_code;
	__u8 family;   /* 4 or 6 */
	__u8 protocol; /* IPPROTO_… behind extension headers */
	__u8 fragment; /* enum packet_fragment */
	__u8 tunnels;  /* entered so far */
	__u8 pad[2];
};

_Static_assert(sizeof(struct packet) == 64, "no hidden padding");
_Static_assert(__builtin_offsetof(struct packet, ethertype) == 44, "the words come first");
_Static_assert(__builtin_offsetof(struct packet, icmp_type) == 56, "the bytes come last");

#endif
