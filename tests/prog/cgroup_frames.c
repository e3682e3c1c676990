// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* See cgroup_frames.h. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "cgroup_frames.h"
#include "test.h"

static void build_ipv4(struct frame *frame, enum frame_kind kind)
{
	switch (kind) {
	case OPTIONS4_53:
		frame__ipv4_with(frame, A4, B4, 8, 0);
		break;
	case FIRST4_53:
		frame__ipv4_with(frame, A4, B4, 0, 0x2000);
		break;
	case LATER4:
		frame__ipv4_with(frame, A4, B4, 0, 0x0010);
		break;
	case L3_IN_ETHERNET: /* the bytes of the ethertype are part of the address: 8.0 is IPv4 */
		frame__ipv4(frame, "8.0.0.1", B4);
		break;
	default:
		frame__ipv4(frame, A4, B4);
	}
	if (kind == ICMP4)
		frame__icmp(frame, IPPROTO_ICMP, 8, 1);
	else if (kind == SHORT4)
		frame__protocol(frame, IPPROTO_TCP);
	else if (kind == LATER4)
		frame__protocol(frame, IPPROTO_UDP);
	else if (kind == TCP4_80)
		frame__tcp(frame, 4000, 80);
	else if (kind == OPTIONS4_53)
		frame__tcp(frame, 4000, 53);
	else
		frame__udp(frame, 4000, 53);
}

static void build_ipv6(struct frame *frame, enum frame_kind kind)
{
	frame__ipv6(frame, A6, B6);
	if (kind == ICMP6_BEHIND_HOPS)
		frame__extension(frame, IPPROTO_HOPOPTS, 0);
	for (int i = 0; kind == DEEP6 && i < 9; i++)
		frame__extension(frame, IPPROTO_DSTOPTS, 0);
	if (kind == LATER6)
		frame__ipv6_fragment(frame, 0x0010);
	if (kind == LATER6)
		frame__protocol(frame, IPPROTO_UDP);
	else if (kind == ICMP6_BEHIND_HOPS)
		frame__icmp(frame, IPPROTO_ICMPV6, 143, 0);
	else if (kind == ICMP6)
		frame__icmp(frame, IPPROTO_ICMPV6, 128, 1);
	else
		frame__udp(frame, 4000, 53);
}

void build(struct frame *frame, enum frame_kind kind)
{
	if (kind == L3_IN_ETHERNET)
		frame__no_link(frame);
	else
		frame__ethernet(frame);
	if (kind == TAGGED4_53) { /* on a device the first tag moves into the metadata; here it stays */
		frame__tag(frame, ETH_P_8021AD, 7);
		frame__tag(frame, ETH_P_8021Q, 8);
	}
	if (kind == ARP)
		frame__arp(frame);
	else if (kind == UDP6_53 || kind == ICMP6 || kind == ICMP6_BEHIND_HOPS || kind == LATER6 || kind == DEEP6)
		build_ipv6(frame, kind);
	else
		build_ipv4(frame, kind);
	if (kind != SHORT4)
		frame__payload(frame, 20);
	if (kind != ARP)
		frame__seal(frame);
	if (kind == BAD_VERSION4)
		frame->bytes[14] = 0x75;
}

#define PORTS(first, last) .port_first = (first), .port_last = (last)

const struct cgroup_case cgroup_cases[] = {
	{"no condition", UDP4_53, {}, true},
	{"no condition, no IP", ARP, {}, true},
	{"no condition, not to be parsed", SHORT4, {}, true},

	{"family 4", UDP4_53, {.family = 4}, true},
	{"family 6 of IPv4", UDP4_53, {.family = 6}, false},
	{"family 6", UDP6_53, {.family = 6}, true},
	{"family 4 of IPv6", UDP6_53, {.family = 4}, false},
	{"family 4 of ARP", ARP, {.family = 4}, false},

	{"udp", UDP4_53, {.protocol = udp}, true},
	{"udp of IPv6", UDP6_53, {.protocol = udp}, true},
	{"tcp of udp", UDP4_53, {.protocol = tcp}, false},
	{"tcp", TCP4_80, {.protocol = tcp}, true},
	{"icmp", ICMP4, {.protocol = icmp}, true},
	{"icmpv6 of icmp", ICMP4, {.protocol = icmpv6}, false},
	{"icmpv6", ICMP6, {.protocol = icmpv6}, true},
	{"icmpv6 behind hop-by-hop options", ICMP6_BEHIND_HOPS, {.family = 6, .protocol = icmpv6}, true},
	{"udp of ARP", ARP, {.protocol = udp}, false},
	{"udp of a later fragment", LATER4, {.protocol = udp}, true},
	{"udp of a later IPv6 fragment", LATER6, {.protocol = udp}, true},

	{"port", UDP4_53, {PORTS(53, 0)}, true},
	{"port twice", UDP4_53, {PORTS(53, 53)}, true},
	{"another port", UDP4_53, {PORTS(54, 0)}, false},
	{"range", UDP6_53, {PORTS(50, 60)}, true},
	{"start of the range", UDP4_53, {PORTS(53, 60)}, true},
	{"end of the range", UDP4_53, {PORTS(1, 53)}, true},
	{"before the range", UDP4_53, {PORTS(54, 60)}, false},
	{"behind the range", UDP4_53, {PORTS(1, 52)}, false},
	{"range from 0", UDP4_53, {PORTS(0, 53)}, true},
	{"all ports", UDP4_53, {PORTS(0, 65535)}, true},
	{"range backwards", UDP4_53, {PORTS(60, 50)}, false},
	{"source port", UDP4_53, {PORTS(4000, 0)}, false},
	{"all ports of icmp", ICMP4, {PORTS(0, 65535)}, false},
	{"all ports of ARP", ARP, {PORTS(0, 65535)}, false},
	{"port of another protocol", TCP4_80, {.protocol = udp, PORTS(80, 0)}, false},
	{"everything", TCP4_80, {.family = 4, .protocol = tcp, PORTS(80, 80)}, true},
	{"everything of another family", TCP4_80, {.family = 6, .protocol = tcp, PORTS(80, 80)}, false},

	{"port behind options", OPTIONS4_53, {.family = 4, .protocol = tcp, PORTS(53, 0)}, true},
	{"another port behind options", OPTIONS4_53, {PORTS(52, 0)}, false},
	{"port behind tags", TAGGED4_53, {.family = 4, .protocol = udp, PORTS(53, 0)}, true},
	{"another port behind tags", TAGGED4_53, {PORTS(52, 0)}, false},
	{"port of a first fragment", FIRST4_53, {PORTS(53, 0)}, true},
	{"all ports of a later fragment", LATER4, {PORTS(0, 65535)}, false},
	{"all ports of a later IPv6 fragment", LATER6, {PORTS(0, 65535)}, false},
};
const size_t nr_cgroup_cases = sizeof(cgroup_cases) / sizeof(*cgroup_cases);

/* Sums WORDS counters over the CPUs. */
static void sum(int map, __u32 cell, __u64 *ret_sum, size_t words)
{
	int cpus = libbpf_num_possible_cpus();
	__u64 *values = calloc((size_t)cpus, words * sizeof(*values));

	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(map, &cell, values), 0);
	for (size_t i = 0; i < (size_t)cpus * words; i++)
		ret_sum[i % words] += values[i];
	free(values);
}

struct cgroup_totals cgroup_frames__totals(int map)
{
	union {
		struct cgroup_totals totals;
		__u64 words[sizeof(struct cgroup_totals) / sizeof(__u64)];
	} all = {};

	sum(map, 0, all.words, sizeof(all) / sizeof(__u64));
	return all.totals;
}

struct cgroup_count cgroup_frames__count(int map, __u32 cell)
{
	__u64 words[2] = {};

	sum(map, cell, words, 2);
	return (struct cgroup_count){.packets = words[0], .bytes = words[1]};
}

__u64 cgroup_frames__reasons(const struct cgroup_totals *totals)
{
	return totals->unmatched + totals->no_socket + totals->too_short + totals->too_deep + totals->malformed;
}
