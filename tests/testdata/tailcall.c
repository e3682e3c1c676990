// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tail calls: two PROG_ARRAYs with ids, and sections "ID/KEY" that the loader puts into their slots.
 * A packet runs through classifier, 42/0, 42/1, 43/0; each stage counts its runs, so the counters
 * show which slots are filled. Both arrays are pinned, since an unpinned one is emptied when the
 * loader exits.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

enum { STAGE_ENTRY, STAGE_FIRST, STAGE_SECOND, STAGE_LAST, NR_STAGES };

struct bpf_elf_map SEC("maps") jmp_parse = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.id = 42,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") jmp_end = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
	.id = 43,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") stages = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = NR_STAGES,
	.pinning = PIN_GLOBAL_NS,
};

static __always_inline void count(__u32 stage)
{
	__u64 *runs = bpf_map_lookup_elem(&stages, &stage);

	if (runs)
		__sync_fetch_and_add(runs, 1);
}

SEC("42/0")
int stage_first(struct __sk_buff *skb)
{
	count(STAGE_FIRST);
	bpf_tail_call(skb, &jmp_parse, 1);
	return 0;
}

SEC("42/1")
int stage_second(struct __sk_buff *skb)
{
	count(STAGE_SECOND);
	bpf_tail_call(skb, &jmp_end, 0);
	return 0;
}

SEC("43/0")
int stage_last(struct __sk_buff *skb)
{
	(void)skb;
	count(STAGE_LAST);
	return 0;
}

SEC("classifier")
int entry(struct __sk_buff *skb)
{
	count(STAGE_ENTRY);
	bpf_tail_call(skb, &jmp_parse, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
