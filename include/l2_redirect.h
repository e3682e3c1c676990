/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of tc-progs/l2_redirect.c: where packets for virtual addresses (VIPs) are sent.
 *
 * tun_iface  devices by slot, so that a device that is created again changes one entry only. 0: unset.
 * l2_vips    the action for a packet, by the longest prefix of its destination. It is a single value,
 *            since the kernel replaces values of a trie atomically: a packet sees the old or the new one.
 *            (Values of arrays are overwritten while programs read them.)
 * l2_ends    the tunnel endpoints of this host: their packets are decapsulated here.
 * l2_stats   results, per CPU. Each run of a program increments one member.
 *
 * What is 0 is not configured, and packets are processed as without the program.
 */
#ifndef L2_REDIRECT_H
#define L2_REDIRECT_H

#include "elfmap_types.h"

#define L2_DEVICES 16
#define L2_VIPS 4096
#define L2_ENDS 8
#define L2_TTL 64 /* of outer headers, if the entry has 0 */

/* IPv4 is mapped, ::ffff:a.b.c.d, so an IPv4 prefix is 96 bits longer than it is written. */
struct l2_prefix {
	__u32 prefixlen;
	ip address;
};

_Static_assert(sizeof(struct l2_prefix) == 20, "a trie's key: the length, then the bits");

enum l2_action {
	L2_NORMAL, /* no action; for an exception within a shorter prefix */
	L2_DEVICE, /* send the unchanged frame on the device */
	L2_TUNNEL, /* send on a tunnel device in external mode (vxlan, ipip, ip6tnl), with a tunnel key */
	L2_IPIP,   /* encapsulate in IP, and send on the device; needs no tunnel device */
	L2_HERE,   /* an address of this host: not redirected, but guarded */
};

struct l2_vip {
	enum l2_action action;
	__u32 device;	    /* slot in tun_iface; 0 in that slot means L2_NORMAL */
	__u32 tunnel_id;    /* L2_TUNNEL: the VNI, or the key */
	__u32 tunnel_flags; /* L2_TUNNEL: BPF_F_ZERO_CSUM_TX, BPF_F_DONT_FRAGMENT, ... */
	__u8 ttl;	    /* of the outer header; 0: L2_TTL */
	__u8 tos;	    /* likewise; L2_IPIP takes its two ECN bits from the packet */
	mac to;		    /* L2_DEVICE, L2_TUNNEL: new destination address of the frame; 0: unchanged */
	ip remote;	    /* the remote tunnel endpoint, IPv4 or IPv6 */
	ip local;	    /* the local one; L2_TUNNEL: 0 is chosen by the routing table */
};

_Static_assert(sizeof(struct l2_vip) == 56, "seven 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct l2_vip, ttl) == 16, "ttl, tos and the address share a word");
_Static_assert(__builtin_offsetof(struct l2_vip, remote) == 24, "addresses are two whole words each");

enum l2_end_action {
	L2_END_UNUSED,
	L2_END_DEVICE, /* to the ingress of the device: the stack decapsulates the packet */
	L2_END_STRIP,  /* decapsulate here, and continue on the same device; `device` is ignored */
};

struct l2_end {
	ip address; /* destination of the outer header */
	enum l2_end_action action;
	__u32 device; /* slot in tun_iface */
};

_Static_assert(sizeof(struct l2_end) == 24, "three 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct l2_end, action) == 16, "what is done, and with which device, is one word");

/* Packets on the wire: a GSO packet counts as its segments, if the kernel knows their number (which it does not if
 * another program did the IPIP encapsulation). */
struct l2_counts {
	/* Not changed. */
	__u64 passed;	  /* no VIP, and no tunnel of this host */
	__u64 unset;	  /* an entry matches, but its action or device is 0 */
	__u64 gone;	  /* an entry matches, but its device does not exist any more */
	__u64 invalid;	  /* an entry matches, but has an invalid action or slot, or no remote */
	__u64 unstripped; /* L2_END_STRIP cannot decapsulate them: fragments, and frames with two tags */
	__u64 non_ip;
	__u64 too_short;
	__u64 depth;
	__u64 malformed;
	/* Redirected or decapsulated. */
	__u64 device;
	__u64 tunnel;
	__u64 ipip;
	__u64 forwarded;
	__u64 stripped;
	/* Dropped. */
	__u64 guarded;	    /* for a VIP, but not from a tunnel */
	__u64 guard_unsure; /* the guard could not parse them */
	__u64 key_failed;   /* the kernel refused the tunnel key */
	__u64 room_failed;  /* or to add or remove the space for a header */
	__u64 too_big;	    /* for the device, with the outer header */
};

_Static_assert(sizeof(struct l2_counts) == 19 * 8, "64-bit words without padding");

#endif
