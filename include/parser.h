/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of tc-progs/parser.c, and the slots of its PROG_ARRAY.
 *
 * parser_stages   the PROG_ARRAY: one program for each protocol, in the slot of its name. Each can be
 *                 replaced, removed and restored while packets flow (elfmap graft).
 * parser_flows4   packets and bytes per IPv4 flow: the innermost addresses, ports and protocol
 * parser_flows6   the same for IPv6. The families have separate tables, since looking up a key of 16 bytes
 *                 takes half the time of one of 40 bytes.
 * parser_ends     packets without a flow, by the reason why parsing ended
 * parser_empty    packets that needed a stage whose slot is empty
 *
 * Each packet is counted exactly once: in a flow (which is evicted when its table is full), in parser_empty,
 * or in one member of parser_ends.
 */
#ifndef PARSER_H
#define PARSER_H

#include "elfmap_types.h"

#define PARSER_TABLE 0x70 /* id of parser_stages: the first number of a stage's section "0x70/SLOT" */

/* Slots of parser_stages. `elfmap graft` accepts these names, and short ones: `ipv4`, `udp_payload`. */
enum parser_slot {
	/* The parser's own stages. */
	PARSER_END,  /* counts why parsing ended; without it these packets are not counted */
	PARSER_VLAN, /* one 802.1Q or 802.1ad tag */
	PARSER_MPLS, /* one label */
	PARSER_IPV4,
	PARSER_IPV6,	  /* the fixed header */
	PARSER_EXTENSION, /* one IPv6 extension header, or the authentication header of IPv4 */
	PARSER_IPIP,	  /* IPv4 in IP */
	PARSER_SIX_IN_IP, /* IPv6 in IP (6in4) */
	PARSER_GRE,
	PARSER_VXLAN,
	PARSER_LINK, /* anything after an ethertype */
	PARSER_TCP,
	PARSER_UDP,
	PARSER_SCTP,
	PARSER_ICMP,
	PARSER_ICMPV6,
	PARSER_FLOW, /* counts a flow, for stages that do not do so themselves; TCP and UDP do */

	/* For external stages. Empty slots have no effect. */
	PARSER_OTHER_LINK,     /* after an ethertype without a stage */
	PARSER_OTHER_PROTOCOL, /* an IP protocol without a stage */
	PARSER_TCP_PAYLOAD,
	PARSER_UDP_PAYLOAD,

	/* Only external stages jump to these. */
	PARSER_SPARE0,
	PARSER_SPARE1,
	PARSER_SPARE2,
};

#define PARSER_SLOTS (PARSER_SPARE2 + 1)

/* The maximum number of tags, labels, tunnels, frames in tunnels and extension headers in a packet. Each
 * takes at most three tail calls; the kernel's limit is 33. */
#define PARSER_DEPTH_MAX 8

/* IP protocols in keys; other numbers are of external stages. */
enum parser_protocol {
	PARSER_PROTO_ICMP = 1,
	PARSER_PROTO_TCP = 6,
	PARSER_PROTO_UDP = 17,
	PARSER_PROTO_ICMPV6 = 58,
	PARSER_PROTO_SCTP = 132,
};

struct parser_key4 {
	ipv4 src;
	ipv4 dst;
	__be16 sport; /* 0 in ICMP */
	__be16 dport;
	enum parser_protocol protocol;
};

_Static_assert(sizeof(struct parser_key4) == 16, "two 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct parser_key4, dst) == 4, "the addresses are one word, as in the packet");
_Static_assert(__builtin_offsetof(struct parser_key4, sport) == 8, "ports and protocol are the other");

struct parser_key6 {
	ipv6 src;
	ipv6 dst;
	__be16 sport;
	__be16 dport;
	enum parser_protocol protocol;
};

_Static_assert(sizeof(struct parser_key6) == 40, "five 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct parser_key6, sport) == 32, "the addresses are whole words");

struct parser_flow {
	__u64 packets; /* on the wire: a GSO packet counts its segments */
	__u64 bytes;   /* on the wire, all headers included */
};

_Static_assert(sizeof(struct parser_flow) == 16, "two 64-bit words without padding");

/* Packets by the reason why parsing ended without a flow: the only value of parser_ends, per CPU. */
struct parser_ends {
	__u64 flow_refused;	/* a new flow, and the table is full */
	__u64 too_short;	/* a header or a length exceeds the packet */
	__u64 malformed;	/* an inconsistent header */
	__u64 fragment;		/* a later fragment, which has no ports; a tunnel in fragments */
	__u64 depth;		/* more nested headers than PARSER_DEPTH_MAX */
	__u64 unknown_link;	/* an ethertype, or something in MPLS, without a stage */
	__u64 unknown_protocol; /* an IP protocol without a stage */
	__u64 unknown_tunnel;	/* an unsupported kind of GRE or VXLAN header */
};

_Static_assert(sizeof(struct parser_ends) == 64, "eight 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct parser_ends, unknown_tunnel) == 56, "unknown_tunnel is the last");

#endif
