// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two jump tables: the entry jumps to one of two cases by the packet's hash, the second case to the first,
 * and the first to the exit in the other table. Each counts its runs, the entry also
 * those with an odd hash and those without a case.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

enum { RAN_ENTRY, RAN_ODD, RAN_FALL_THROUGH, RAN_CASE1, RAN_CASE2, RAN_EXIT, NR_RAN };

struct bpf_elf_map SEC("maps") cases = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.id = 42,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") exits = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
	.id = 43,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") tables_ran = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = NR_RAN,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(tables_ran, __u32, __u64);

static __always_inline void count(__u32 what)
{
	__u64 *runs = bpf_map_lookup_elem(&tables_ran, &what);

	if (runs)
		__sync_fetch_and_add(runs, 1);
}

SEC("42/0")
int case_one(struct __sk_buff *skb)
{
	count(RAN_CASE1);
	bpf_tail_call(skb, &exits, 0);
	return 0;
}

SEC("42/1")
int case_two(struct __sk_buff *skb)
{
	count(RAN_CASE2);
	bpf_tail_call(skb, &cases, 0);
	return 0;
}

SEC("43/0")
int exit_of_both(struct __sk_buff *skb)
{
	(void)skb;
	count(RAN_EXIT);
	return 0;
}

SEC("entry")
int choose_case(struct __sk_buff *skb)
{
	__u32 odd = bpf_get_hash_recalc(skb) & 1;

	count(RAN_ENTRY);
	if (odd)
		count(RAN_ODD);
	bpf_tail_call(skb, &cases, odd);
	count(RAN_FALL_THROUGH);
	return 0;
}

char _license[] SEC("license") = "GPL";
