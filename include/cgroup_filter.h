/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of tc-progs/cgroup_filter.c and tc-progs/cgroup_id_filter.c: rules for packets that the
 * processes of a cgroup send.
 *
 * A rule is one aligned 64-bit word, which the kernel and the program copy atomically: a packet sees the
 * old rule or the new one. Therefore counters are in separate maps.
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
 * Enumerators have no prefix, since `elfmap map set` uses them as words.
 */
#ifndef CGROUP_FILTER_H
#define CGROUP_FILTER_H

#include "elfmap_types.h"

#define CGROUP_SLOTS 64
#define CGROUP_IDS 4096

/* 0 is "not configured": the slot has no rule, or the policy is `next`. */
enum cgroup_verdict {
	unset,
	next, /* continue with the next filter (TC_ACT_UNSPEC) */
	ok,   /* accept the packet, and skip the next filters (TC_ACT_OK) */
	drop, /* TC_ACT_SHOT */
} __attribute__((packed));

/* Common protocols; others are numbers (IPPROTO_..., after IPv6 extension headers). */
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

/* Members that are 0 match everything. Ports are destination ports; fragments without a transport header
 * do not match rules with ports. */
struct cgroup_rule {
	enum cgroup_verdict verdict;
	__u8 family; /* 4, 6; 0: any, including other packets */
	enum cgroup_protocol protocol;
	__u8 : 8;
	__u16 port_first;
	__u16 port_last; /* inclusive; 0: only port_first */
};

_Static_assert(sizeof(struct cgroup_rule) == 8, "one word");
_Static_assert(__builtin_offsetof(struct cgroup_rule, protocol) == 2, "no hidden padding in front");
_Static_assert(__builtin_offsetof(struct cgroup_rule, port_last) == 6, "port_last is the end");

/* The same with a counter, an index of cgroup_id_hits; the default is 0. (A counter for each cgroup would need a
 * second look-up, which doubles the cost.) */
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

/* The verdicts for packets that match no rule. */
struct cgroup_policy {
	enum cgroup_verdict unmatched;	/* no rule matches */
	enum cgroup_verdict no_socket;	/* no sender: made by the kernel, or received from a device */
	enum cgroup_verdict unparsable; /* a rule needs a field that cannot be read */
	__u8 : 8;
	__u32 : 32;
};

_Static_assert(sizeof(struct cgroup_policy) == 8, "one word");
_Static_assert(__builtin_offsetof(struct cgroup_policy, unparsable) == 2, "bytes without padding");

/* LEVEL is the level of the cgroups with rules in the tree; the root is level 0, its children level 1. The rule for a
 * packet is that of its sender's ancestor at that level. For a sender above that level, or if LEVEL is 0, it is that
 * of the sender's own cgroup. */
struct cgroup_id_policy {
	enum cgroup_verdict unmatched;
	enum cgroup_verdict no_socket;
	enum cgroup_verdict unparsable;
	__u8 level;
	__u32 : 32;
};

_Static_assert(sizeof(struct cgroup_id_policy) == 8, "one word");
_Static_assert(__builtin_offsetof(struct cgroup_id_policy, level) == 3, "bytes without padding");

/* On the wire: a GSO packet counts as its segments, and the bytes of all of them. */
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
	__u64 too_short;    /* got policy.unparsable: a header or a length exceeds the packet, */
	__u64 too_deep;	    /* too many VLAN tags or extension headers, */
	__u64 malformed;    /* an inconsistent IP header */
	__u64 empty_slots;  /* in addition: rules whose slot had no cgroup, */
	__u64 bad_verdicts; /* invalid verdicts in a rule or a policy; they count as `next`, */
	__u64 failures;	    /* slots that the kernel could not look up */
};

_Static_assert(sizeof(struct cgroup_totals) == 88, "eleven words");
_Static_assert(__builtin_offsetof(struct cgroup_totals, malformed) == 56, "the reasons follow the verdicts");
_Static_assert(__builtin_offsetof(struct cgroup_totals, failures) == 80, "failures is the last word");

/*
 * The kernel does not report which cgroup is in a slot of a CGROUP_ARRAY. `elfmap cgroup` records it in a companion
 * array, PIN_ids, by slot. Records of another array, which had the same pin before, are ignored.
 */
struct cgroup_note {
	cgroup_id cgroup; /* 0: not recorded */
	__u32 map_id;	  /* of the CGROUP_ARRAY */
	__u32 : 32;
};

_Static_assert(sizeof(struct cgroup_note) == 16, "two words");
_Static_assert(__builtin_offsetof(struct cgroup_note, map_id) == 8, "no hidden padding in front");

#endif
