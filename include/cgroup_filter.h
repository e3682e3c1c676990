/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the maps of tc-progs/cgroup_filter.c and tc-progs/cgroup_id_filter.c hold: rules for what the
 * processes of a cgroup send.
 *
 * A rule is one aligned 64-bit word, which the kernel copies and the program reads in one go: a packet
 * meets the old rule or the new one, never half of each. That is why counters are in maps of their own.
 *
 *   cgroup_filter.c     cgroup_acl        slot -> cgroup      (CGROUP_ARRAY)
 *                       cgroup_rules      slot -> cgroup_rule
 *                       cgroup_hits       slot -> cgroup_count, per CPU
 *                       cgroup_policy     0 -> cgroup_policy
 *                       cgroup_totals     0 -> cgroup_totals, per CPU
 *   cgroup_id_filter.c  cgroup_id_rules   cgroup -> cgroup_id_rule
 *                       cgroup_id_hits    counter -> cgroup_count, per CPU
 *                       cgroup_id_policy  0 -> cgroup_id_policy
 *                       cgroup_id_totals  0 -> cgroup_totals, per CPU
 *
 * The enumerators are the words of `elfmap map set`, so they have no prefix.
 */
#ifndef CGROUP_FILTER_H
#define CGROUP_FILTER_H

#include "elfmap_types.h"

#define CGROUP_SLOTS 64
#define CGROUP_IDS 4096

/* 0 is "not configured": of a rule, that there is none, and of a policy the same as `next`. */
enum cgroup_verdict {
	unset,
	next, /* the filters behind this one decide (TC_ACT_UNSPEC) */
	ok,   /* the packet goes, and filters behind this one don't see it (TC_ACT_OK) */
	drop, /* TC_ACT_SHOT */
} __attribute__((packed));

/* The usual protocols by name; any other is a number (IPPROTO_…, behind IPv6's extension headers). */
enum cgroup_protocol {
	any,
	icmp = 1,
	tcp = 6,
	udp = 17,
	dccp = 33,
	gre = 47,
	esp = 50,
	icmpv6 = 58,
	sctp = 132,
	udplite = 136,
} __attribute__((packed));

/* Members that are 0 say nothing. Ports are destination ports; fragments without a transport header
 * have none, so they match no rule with ports. */
struct cgroup_rule {
	enum cgroup_verdict verdict;
	__u8 family; /* 4, 6; 0: packets that are neither, too */
	enum cgroup_protocol protocol;
	__u8 : 8;
	__u16 port_first;
	__u16 port_last; /* inclusive; 0: port_first alone */
};

_Static_assert(sizeof(struct cgroup_rule) == 8, "one word");
_Static_assert(__builtin_offsetof(struct cgroup_rule, protocol) == 2, "no hidden padding in front");
_Static_assert(__builtin_offsetof(struct cgroup_rule, port_last) == 6, "port_last is the end");

/* The same with a counter to choose: the cell of cgroup_id_hits. Rules that name none share cell 0. (A counter for
 * each cgroup by itself would cost a second look-up, as much as all the rest.) */
struct cgroup_id_rule {
	enum cgroup_verdict verdict;
	enum cgroup_protocol protocol;
	__u16 family : 4;
	__u16 counter : 12; /* below CGROUP_IDS */
	__u16 port_first;
	__u16 port_last;
};

_Static_assert(CGROUP_IDS == 1 << 12, "every cgroup can have a counter of its own");
_Static_assert(sizeof(struct cgroup_id_rule) == 8, "one word");
_Static_assert(__builtin_offsetof(struct cgroup_id_rule, protocol) == 1, "no hidden padding in front");
_Static_assert(__builtin_offsetof(struct cgroup_id_rule, port_last) == 6, "port_last is the end");

/* What a packet gets that no rule decides about. */
struct cgroup_policy {
	enum cgroup_verdict unmatched;	/* it is of no cgroup that a rule is for, or the rules are for others */
	enum cgroup_verdict no_socket;	/* it has no sender: the kernel made it, or it came in from a wire */
	enum cgroup_verdict unparsable; /* a rule asks for what cannot be read in it */
	__u8 : 8;
	__u32 : 32;
};

_Static_assert(sizeof(struct cgroup_policy) == 8, "one word");
_Static_assert(__builtin_offsetof(struct cgroup_policy, unparsable) == 2, "bytes without padding");

/* LEVEL: where in the tree the cgroups with rules are; the root is level 0, its children level 1. A packet is
 * its sender's ancestor's at that level, so it does not matter how deep below that the sender is. A sender
 * less deep than that counts by its own cgroup; with 0 every sender does. */
struct cgroup_id_policy {
	enum cgroup_verdict unmatched;
	enum cgroup_verdict no_socket;
	enum cgroup_verdict unparsable;
	__u8 level;
	__u32 : 32;
};

_Static_assert(sizeof(struct cgroup_id_policy) == 8, "one word");
_Static_assert(__builtin_offsetof(struct cgroup_id_policy, level) == 3, "bytes without padding");

/* On the wire: a GSO packet counts its segments, and the bytes that those have together. */
struct cgroup_count {
	__u64 packets;
	__u64 bytes;
};

_Static_assert(sizeof(struct cgroup_count) == 16, "two words");
_Static_assert(__builtin_offsetof(struct cgroup_count, bytes) == 8, "bytes is the second word");

/* Packets. Every packet has one verdict, `passed` or `accepted` or `dropped`, and one reason: it is counted
 * with the rule that matched (cgroup_hits), or in one of `unmatched` to `malformed`. */
struct cgroup_totals {
	__u64 passed;	    /* next */
	__u64 accepted;	    /* ok */
	__u64 dropped;	    /* drop */
	__u64 unmatched;    /* got policy.unmatched */
	__u64 no_socket;    /* got policy.no_socket */
	__u64 too_short;    /* got policy.unparsable: a header or a length reaches beyond the packet's end, */
	__u64 too_deep;	    /* more VLAN tags or extension headers than are followed, */
	__u64 malformed;    /* an IP header that contradicts itself */
	__u64 empty_slots;  /* beside all that: rules whose slot had no cgroup when the packet came by, */
	__u64 bad_verdicts; /* verdicts in a rule or a policy that are none; they count as `next`, */
	__u64 failures;	    /* slots that the kernel could not look up */
};

_Static_assert(sizeof(struct cgroup_totals) == 88, "eleven words");
_Static_assert(__builtin_offsetof(struct cgroup_totals, malformed) == 56, "the reasons follow the verdicts");
_Static_assert(__builtin_offsetof(struct cgroup_totals, failures) == 80, "failures is the last word");

/*
 * The kernel does not tell which cgroup is in a slot of a CGROUP_ARRAY. `elfmap cgroup` notes it in an array
 * pinned beside, PIN_ids, by slot. What is noted for another array, with the same pin once, is worth nothing.
 */
struct cgroup_note {
	cgroup_id cgroup; /* 0: nothing is noted */
	__u32 map_id;	  /* of the CGROUP_ARRAY */
	__u32 : 32;
};

_Static_assert(sizeof(struct cgroup_note) == 16, "two words");
_Static_assert(__builtin_offsetof(struct cgroup_note, map_id) == 8, "no hidden padding in front");

#endif
