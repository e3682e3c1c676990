// SPDX-License-Identifier: GPL-2.0-only
/* The object for measuring `elfmap tc`: legacy maps. */
#include "load.h"

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") load_flows = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(struct load_key),
	.size_value = sizeof(struct load_value),
	.max_elem = LOAD_FLOWS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(load_flows, struct load_key, struct load_value);

struct bpf_elf_map SEC("maps") load_total = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(load_total, __u32, __u64);

LOAD_PROGRAM;
