// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two stages for UDP that do the same as the parser's own stage and count their runs: `even` in cell 0,
 * `odd` in cell 1. Each packet must run through exactly one of them.
 */
#include <linux/bpf.h>

#include "bpf_elf.h"
#include "stage.h"

struct bpf_elf_map SEC("maps") twin_ran = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 2,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(twin_ran, __u32, __u64);

static __always_inline int run(struct __sk_buff *skb, __u32 cell)
{
	__u64 *runs = bpf_map_lookup_elem(&twin_ran, &cell);
	const __be32 *ports;

	if (runs)
		*runs += 1;
	ports = stage__header(skb, 8);
	if (!ports)
		return stage__end(skb, too_short);
	STAGE(skb, ports) = *ports;
	stage__skip(skb, 8);
	return stage__next(skb, PARSER_FLOW);
}

SEC("even")
int twin_even(struct __sk_buff *skb)
{
	return run(skb, 0);
}

SEC("odd")
int twin_odd(struct __sk_buff *skb)
{
	return run(skb, 1);
}

char _license[] SEC("license") = "GPL";
