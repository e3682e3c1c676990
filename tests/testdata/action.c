// SPDX-License-Identifier: GPL-2.0-only
/*
 * A legacy object as an action (SCHED_ACT): counts packets and passes them on. Many kernels lack
 * act_bpf; the kernel of tests/vm has it.
 *
 *   elfmap tc actions add action bpf obj action.o
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") action_hits = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("action")
int count_action(struct __sk_buff *skb)
{
	__u32 key = 0;
	__u64 *hits = bpf_map_lookup_elem(&action_hits, &key);

	(void)skb;
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return TC_ACT_PIPE;
}

char _license[] SEC("license") = "GPL";
