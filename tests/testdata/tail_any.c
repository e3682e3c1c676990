// SPDX-License-Identifier: GPL-2.0-only
/* A jump table with programs that load as any type; the kernel allows only one type in a table. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") jmp_any = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
	.id = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("1/0")
int stage(void *ctx)
{
	(void)ctx;
	return 2;
}

SEC("enter")
int start_chain(void *ctx)
{
	bpf_tail_call(ctx, &jmp_any, 0);
	return 2;
}

char _license[] SEC("license") = "GPL";
