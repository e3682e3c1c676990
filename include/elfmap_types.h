/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Type names that say how a key or a value is meant.
 *
 * BTF keeps the names of typedefs, so a tool that prints a map can write a member of type `ip` as
 * an address instead of sixteen numbers. A name is added here together with its first use.
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

/* A network device by its number in the network namespace of whoever reads it; 0 for none. */
typedef __u32 ifindex;

/* An address in network byte order. */
typedef __u32 ipv4;
typedef __u8 ipv6[16];

/* A cgroup of version 2, as bpf_skb_cgroup_id() has it: the number of its directory. Written as its path. */
typedef __u64 cgroup_id;

/* Nanoseconds of CLOCK_MONOTONIC, 0 for never. Of several CPUs' values the smallest that is not 0
 * counts, or the largest: they are not to be added up. */
typedef __u64 earliest_ns;
typedef __u64 latest_ns;

#endif
