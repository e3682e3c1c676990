// SPDX-License-Identifier: GPL-2.0-only
/*
 * parser.c with values per CPU: counting needs no locks, readers add up the values (`elfmap map dump
 * parser_flows4 sum`), and each value takes memory for each CPU. Sections, map names and layouts are
 * the same. Only one of the two can be loaded: the loader refuses the other, since its definition
 * differs from the pinned map.
 *
 *   elfmap tc filter add dev DEV ingress bpf da obj parser_percpu.o sec classifier
 */
#include <linux/bpf.h>

#define PARSER_FLOWS_TYPE BPF_MAP_TYPE_LRU_PERCPU_HASH

#include "parser.c"
