/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The time, at the price of a comparison. The coarse clock changes once per timer tick, and asking for it
 * costs a call; the number of ticks costs one load. So each CPU keeps the time of the tick in a map
 * of one entry and asks once per tick. Exact to two ticks: the clock changes a little after the number.
 * Needs Linux 5.11.
 *
 *   struct bpf_elf_map SEC("maps") NAME = CLOCK_MAP;
 *   now = clock__now(&NAME);
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct clock {
	__u64 tick;
	__u64 ns;
};

#define CLOCK_MAP                                                                                                 \
	{                                                                                                         \
		.type = BPF_MAP_TYPE_PERCPU_ARRAY, .size_key = sizeof(__u32), .size_value = sizeof(struct clock), \
		.max_elem = 1,                                                                                    \
	}

/* Nanoseconds of CLOCK_MONOTONIC; never less than before on the same CPU. */
static __always_inline __u64 clock__now(void *map)
{
	__u32 slot = 0;
	struct clock *clock = bpf_map_lookup_elem(map, &slot);
	__u64 tick;

	if (!clock) /* which cannot be */
		return bpf_ktime_get_coarse_ns();
	tick = bpf_jiffies64();
	if (clock->tick != tick) {
		clock->tick = tick;
		clock->ns = bpf_ktime_get_coarse_ns();
	}
	return clock->ns;
}

#endif
