/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of tc-progs/dst_stats.c: packets and bytes per destination address.
 *
 * dst_stats  one entry per destination and direction. Values are per CPU, so that counting is exact
 *            without atomic operations. Readers combine the values of all CPUs with
 *            dst_value__add().
 * dst_errs   packets without an entry, by reason (enum dst_error), also per CPU.
 *
 * Each packet is counted exactly once: in one entry or in one cell.
 */
#ifndef DST_STATS_H
#define DST_STATS_H

#include "elfmap_types.h"

/* The hook that saw the packet. Part of the key, since both hooks share the pinned map. */
enum dst_direction {
	DST_INGRESS,
	DST_EGRESS,
};

struct dst_key {
	__u32 family; /* 4 or 6 */
	enum dst_direction direction;
	ip addr; /* destination of the innermost IP header */
};

_Static_assert(sizeof(struct dst_key) == 24, "three 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct dst_key, direction) == 4, "family and direction share a word");
_Static_assert(__builtin_offsetof(struct dst_key, addr) == 8, "the address is two whole words");

struct dst_value {
	__u64 packets;	      /* on the wire: a GSO packet counts its segments */
	__u64 bytes;	      /* on the wire, link-layer header and outer headers included */
	earliest_ns first_ns; /* exact to a timer tick; 0: this CPU saw no packet */
	latest_ns last_ns;
	__u64 : 64; /* internal to the program: the timer tick in which last_ns was read */
};

_Static_assert(sizeof(struct dst_value) == 40, "five 64-bit words without padding");
_Static_assert(__builtin_offsetof(struct dst_value, last_ns) == 24, "the times follow the counters");

/* Keys of dst_errs; the values are packets. */
enum dst_error {
	DST_ERR_SHORT,	     /* a header or a length exceeds the packet */
	DST_ERR_NON_IP,	     /* neither IPv4 nor IPv6 */
	DST_ERR_DEPTH,	     /* too many tags, extension headers or tunnels */
	DST_ERR_MALFORMED,   /* an inconsistent IP header */
	DST_ERR_INSERT_FAIL, /* a new destination, and the map is full */
	DST_ERRS,
};

/* Adds one CPU's value to TOTAL, which must be zero at first. */
static inline void dst_value__add(struct dst_value *total, const struct dst_value *cpu)
{
	if (cpu->first_ns && (!total->first_ns || cpu->first_ns < total->first_ns))
		total->first_ns = cpu->first_ns;
	if (cpu->last_ns > total->last_ns)
		total->last_ns = cpu->last_ns;
	total->packets += cpu->packets;
	total->bytes += cpu->bytes;
}

#endif
