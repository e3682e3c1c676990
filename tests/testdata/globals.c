// SPDX-License-Identifier: GPL-2.0-only
/*
 * Features that the old loader lacks and libbpf has: .data, .bss, .rodata, and a static function in
 * .text that is not inlined and uses a legacy map.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") totals = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 4,
	.pinning = PIN_GLOBAL_NS,
};

volatile __u64 step = 3;	      /* .data */
volatile __u64 runs;		      /* .bss */
const volatile __u32 chosen_cell = 2; /* .rodata */

static __noinline int add(__u32 cell, __u64 amount)
{
	__u64 *total = bpf_map_lookup_elem(&totals, &cell);

	if (!total)
		return -1;
	__sync_fetch_and_add(total, amount);
	return 0;
}

SEC("classifier")
int count(struct __sk_buff *skb)
{
	runs += 1;
	if (add(chosen_cell, step) || add(0, skb->len))
		return 2;
	return 0;
}

char _license[] SEC("license") = "GPL";
