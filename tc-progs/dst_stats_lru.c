// SPDX-License-Identifier: GPL-2.0-only
/*
 * dst_stats.c with an LRU map: a new destination replaces the least recently used ones, whose
 * counters are lost. Sections, map names and layouts are the same, so that readers work with
 * both. Only one of the two can be loaded: the loader refuses the other, since its definition
 * differs from the pinned map.
 *
 *   elfmap tc filter add dev DEV ingress bpf da obj dst_stats_lru.o sec ingress
 */
#include <linux/bpf.h>

#define DST_STATS_TYPE BPF_MAP_TYPE_LRU_PERCPU_HASH

#include "dst_stats.c"
