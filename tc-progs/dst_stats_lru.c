// SPDX-License-Identifier: GPL-2.0-only
/*
 * dst_stats.c with a map that makes room: a new destination replaces the least recently used ones,
 * whose counters are lost. Same sections, same map names and layouts, so that readers need not
 * know which of the two is loaded; for the same reason they cannot both be: the loader refuses
 * the second, whose definition differs from the pinned map.
 *
 *   elfmap tc filter add dev DEV ingress bpf da obj dst_stats_lru.o sec ingress
 */
#include <linux/bpf.h>

#define DST_STATS_TYPE BPF_MAP_TYPE_LRU_PERCPU_HASH

#include "dst_stats.c"
