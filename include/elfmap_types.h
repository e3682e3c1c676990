/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Types that define the notation of keys and values.
 *
 * BTF has the names of typedefs, so that a tool can print a member of type `ip` as an address
 * instead of sixteen numbers.
 */
#ifndef ELFMAP_TYPES_H
#define ELFMAP_TYPES_H

#include <linux/types.h>

#if defined(__cplusplus) && !defined(_Static_assert) /* for the layouts, which all include this */
#define _Static_assert static_assert
#endif

/* An address of either family in network byte order; IPv4 as ::ffff:a.b.c.d, printed as a.b.c.d. */
typedef __u8 ip[16];

/* A hardware address. */
typedef __u8 mac[6];

/* The number of a network device in the reader's network namespace; 0: none. */
typedef __u32 ifindex;

/* An address in network byte order. */
typedef __u32 ipv4;
typedef __u8 ipv6[16];

/* The id of a cgroup (version 2), as from bpf_skb_cgroup_id(). Printed as its path. */
typedef __u64 cgroup_id;

/* Nanoseconds of CLOCK_MONOTONIC; 0: never. The values of several CPUs are combined as the smallest
 * that is not 0, or as the largest. */
typedef __u64 earliest_ns;
typedef __u64 latest_ns;

#endif
