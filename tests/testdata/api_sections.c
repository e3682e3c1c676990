// SPDX-License-Identifier: GPL-2.0-only
/* Sections with the names of bpf_api.h, included from the path that iproute2's examples use. */
#include "../../include/bpf_api.h"

#define JUMPS 7
#define FIRST 0
#define SECOND 1

BPF_PROG_ARRAY(jumps, JUMPS, PIN_GLOBAL_NS, 2);

struct bpf_elf_map __section_maps runs = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(uint32_t),
	.size_value = sizeof(uint32_t),
	.pinning = PIN_GLOBAL_NS,
	.max_elem = 3,
};

static __inline__ void count(int place)
{
	int *run = map_lookup_elem(&runs, &place);

	if (likely(run))
		lock_xadd(run, 1);
}

__section_tail(JUMPS, FIRST)
int first(struct __sk_buff *skb)
{
	count(1);
	tail_call(skb, &jumps, SECOND);
	return BPF_H_DEFAULT;
}

__section_tail(JUMPS, SECOND)
int second(struct __sk_buff *skb)
{
	(void)skb;
	count(2);
	return BPF_H_DEFAULT;
}

__section("own/name")
int own(struct __sk_buff *skb)
{
	(void)skb;
	return TC_H_MAKE(1, 42);
}

__section_cls_entry
int entry(struct __sk_buff *skb)
{
	count(0);
	tail_call(skb, &jumps, FIRST);
	return BPF_H_DEFAULT;
}

BPF_LICENSE("GPL");
