/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shared by the tests of both cgroup filters: frames, the rules that match them, and sums of counters over
 * the CPUs.
 */
#ifndef CGROUP_FRAMES_H
#define CGROUP_FRAMES_H

#include <stdbool.h>

#include "cgroup_filter.h"
#include "frames.h"

enum frame_kind {
	UDP4_53, /* to port 53 */
	TCP4_80,
	ICMP4,
	OPTIONS4_53, /* TCP after an IPv4 header with options */
	TAGGED4_53,  /* UDP after a VLAN tag in the payload */
	FIRST4_53,   /* the first fragment of a UDP datagram */
	LATER4,	     /* a later fragment */
	UDP6_53,
	ICMP6,
	ICMP6_BEHIND_HOPS, /* ICMPv6 after a hop-by-hop header, as in MLD */
	LATER6,
	ARP,
	SHORT4, /* TCP without ports */
	DEEP6,	/* more extension headers than the parser follows */
	BAD_VERSION4,
	L3_IN_ETHERNET, /* UDP to port 53; the IPv4 header is in the place of a link-layer header */
};

void build(struct frame *frame, enum frame_kind kind);

/* Does RULE, with any verdict, match the frame? */
struct cgroup_case {
	const char *what;
	enum frame_kind frame;
	struct cgroup_rule rule;
	bool matches;
};
extern const struct cgroup_case cgroup_cases[];
extern const size_t nr_cgroup_cases;

struct cgroup_totals cgroup_frames__totals(int map);
struct cgroup_count cgroup_frames__count(int map, __u32 cell);
/* The packets without a matching rule. */
__u64 cgroup_frames__reasons(const struct cgroup_totals *totals);

#endif
