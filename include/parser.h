/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the maps of tc-progs/parser.c hold, and the slots of its jump table.
 *
 * parser_stages   the jump table: one program a protocol, each in the slot of its name. Any of them
 *                 can be replaced, taken out and put back while packets flow (elfmap graft).
 * parser_flows4   packets and bytes per flow, IPv4: the innermost addresses, ports and protocol
 * parser_flows6   the same for IPv6. A table a family: a key of 16 bytes is found in half the time
 *                 that one of 40 bytes takes.
 * parser_ends     packets of no flow: how parsing ended
 * parser_empty    packets that needed a stage whose slot is empty
 *
 * Every packet is counted exactly once: in a flow (which can be forgotten when its table is full), in
 * parser_empty, or in one member of parser_ends.
 */
#ifndef PARSER_H
#define PARSER_H

#include "elfmap_types.h"

#define PARSER_TABLE 0x70 /* id of the jump table, the first number of a stage's section "0x70/SLOT" */

/* Slots of parser_stages. `elfmap graft` takes the names as they are, or as `ipv4`, `udp_payload`. */
enum parser_slot {
	/* The parser's own stages. */
	PARSER_END,  /* counts why a packet went no further; without it nothing does */
	PARSER_VLAN, /* one 802.1Q or 802.1ad tag */
	PARSER_MPLS, /* one label */
	PARSER_IPV4,
	PARSER_IPV6,	  /* the fixed header */
	PARSER_EXTENSION, /* one IPv6 extension header; the authentication header of IPv4, too */
	PARSER_IPIP,	  /* IPv4 in IP */
	PARSER_SIX_IN_IP, /* IPv6 in IP (6in4) */
	PARSER_GRE,
	PARSER_VXLAN,
	PARSER_LINK, /* whatever has an ethertype before it */
	PARSER_TCP,
	PARSER_UDP,
	PARSER_SCTP,
	PARSER_ICMP,
	PARSER_ICMPV6,
	PARSER_FLOW, /* counts the flow of whoever does not do it himself, as TCP and UDP do */

	/* Empty until somebody grafts a stage of his own; packets pass by as if they weren't there. */
	PARSER_OTHER_LINK,     /* what is behind an ethertype without a stage */
	PARSER_OTHER_PROTOCOL, /* an IP protocol without a stage */
	PARSER_TCP_PAYLOAD,
	PARSER_UDP_PAYLOAD,

	/* Nobody jumps there but stages that somebody grafted. */
	PARSER_SPARE0,
	PARSER_SPARE1,
	PARSER_SPARE2,
};

#define PARSER_SLOTS (PARSER_SPARE2 + 1)

/* Tags, labels, tunnels, frames in tunnels and extension headers that are followed in one packet. With
 * three tail calls each the kernel's limit of 33 is not reached. */
#define PARSER_DEPTH_MAX 8

/* IP protocols as keys show them; other numbers come from stages that somebody grafted. */
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

/* Packets per way in which parsing ended other than in a flow: the one value of parser_ends, per CPU. */
struct parser_ends {
	__u64 flow_refused;	/* a new flow, and no room for it */
	__u64 too_short;	/* a header or a length reaches beyond the end */
	__u64 malformed;	/* a header that contradicts itself */
	__u64 fragment;		/* a later fragment, which has no ports; a tunnel in fragments */
	__u64 depth;		/* more headers within headers than PARSER_DEPTH_MAX */
	__u64 unknown_link;	/* an ethertype, or something in MPLS, without a stage */
	__u64 unknown_protocol; /* an IP protocol without a stage */
	__u64 unknown_tunnel;	/* a GRE or VXLAN header whose kind is not followed */
};

_Static_assert(sizeof(struct parser_ends) == 64, "eight 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct parser_ends, unknown_tunnel) == 56, "unknown_tunnel is the last");

#endif
