/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the maps of tc-progs/l2_redirect.c hold: where packets for virtual addresses (VIPs) go.
 *
 * tun_iface  devices by slot, so that a device made anew is one word to mend. 0: none.
 * l2_vips    what is done with a packet, by the longest prefix of its destination. All of it stands
 *            in one value, since the kernel replaces the values of a trie whole: a packet sees the old
 *            one or the new one. (Values of arrays it overwrites, while programs read them.)
 * l2_ends    the ends of tunnels on this host: whose packets are taken apart here.
 * l2_stats   what became of the packets, per CPU. Each run of a program counts in one member.
 *
 * Everything that is 0 is not configured, and packets take the way they would take without us.
 */
#ifndef L2_REDIRECT_H
#define L2_REDIRECT_H

#include "elfmap_types.h"

#define L2_DEVICES 16
#define L2_VIPS 4096
#define L2_ENDS 8
#define L2_TTL 64 /* of outer headers, where none is given */

/* IPv4 is mapped, ::ffff:a.b.c.d, so an IPv4 prefix is 96 bits longer than it is written. */
struct l2_prefix {
	__u32 prefixlen;
	ip address;
};

_Static_assert(sizeof(struct l2_prefix) == 20, "a trie's key: the length, then the bits");

enum l2_action {
	L2_NORMAL, /* as if there were no entry; an exception from a shorter prefix */
	L2_DEVICE, /* out of the device, as the frame is */
	L2_TUNNEL, /* to a tunnel device in external mode (vxlan, ipip, ip6tnl), with a tunnel key */
	L2_IPIP,   /* put into an IP packet here, then out of the device; no tunnel device is needed */
	L2_HERE,   /* the address is this host's: not redirected, but guarded */
};

struct l2_vip {
	enum l2_action action;
	__u32 device;	    /* slot in tun_iface; 0 there is treated like L2_NORMAL */
	__u32 tunnel_id;    /* L2_TUNNEL: the VNI, or the key */
	__u32 tunnel_flags; /* L2_TUNNEL: BPF_F_ZERO_CSUM_TX, BPF_F_DONT_FRAGMENT, ... */
	__u8 ttl;	    /* of the outer header; 0: L2_TTL */
	__u8 tos;	    /* likewise; L2_IPIP takes its two ECN bits from the packet */
	mac to;		    /* L2_DEVICE, L2_TUNNEL: new destination of the frame; 0: the old one */
	ip remote;	    /* the tunnel's far end, IPv4 or IPv6 */
	ip local;	    /* its near end; L2_TUNNEL: 0 leaves it to the routing table */
};

_Static_assert(sizeof(struct l2_vip) == 56, "seven 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct l2_vip, ttl) == 16, "ttl, tos and the address share a word");
_Static_assert(__builtin_offsetof(struct l2_vip, remote) == 24, "addresses are two whole words each");

enum l2_end_action {
	L2_END_UNUSED,
	L2_END_DEVICE, /* into the device's ingress: the stack takes the packet apart */
	L2_END_STRIP,  /* taken apart here; the packet goes on where it came in. The device is ignored */
};

struct l2_end {
	ip address; /* destination of the outer header */
	enum l2_end_action action;
	__u32 device; /* slot in tun_iface */
};

_Static_assert(sizeof(struct l2_end) == 24, "three 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct l2_end, action) == 16, "what is done, and with which device, is one word");

/* Packets on the wire: a GSO packet counts its segments, where the kernel knows their number (not in what another
 * program has put into IPIP). */
struct l2_counts {
	/* They went the normal way. */
	__u64 passed;	  /* not ours: no VIP, no tunnel that ends here */
	__u64 unset;	  /* ours, but action or device is 0 */
	__u64 gone;	  /* ours, but there is no device of that number any more */
	__u64 invalid;	  /* ours, but the entry contradicts itself: no such action, no such slot, no remote */
	__u64 unstripped; /* L2_END_STRIP cannot take them apart: fragments, and frames with two tags */
	__u64 non_ip;
	__u64 too_short;
	__u64 depth;
	__u64 malformed;
	/* They were sent elsewhere, or taken apart. */
	__u64 device;
	__u64 tunnel;
	__u64 ipip;
	__u64 forwarded;
	__u64 stripped;
	/* They were dropped. */
	__u64 guarded;	    /* for a VIP, and not in a tunnel */
	__u64 guard_unsure; /* the guard could not parse them */
	__u64 key_failed;   /* the kernel refused the tunnel key */
	__u64 room_failed;  /* or to make or take away the room for a header */
	__u64 too_big;	    /* for the device, with the header that is put before them */
};

_Static_assert(sizeof(struct l2_counts) == 19 * 8, "64-bit words without padding");

#endif
