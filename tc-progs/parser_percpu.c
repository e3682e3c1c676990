// SPDX-License-Identifier: GPL-2.0-only
/*
 * parser.c with flows whose values are per CPU: counting locks nothing, and readers add up (`elfmap map
 * dump parser_flows4 sum`). Takes a value's memory for every CPU. Same sections, same map names and
 * layouts; for the same reason the two cannot both be loaded: the loader refuses the second, whose
 * definition differs from the pinned map.
 *
 *   elfmap tc filter add dev DEV ingress bpf da obj parser_percpu.o sec classifier
 */
#include <linux/bpf.h>

#define PARSER_FLOWS_TYPE BPF_MAP_TYPE_LRU_PERCPU_HASH

#include "parser.c"
