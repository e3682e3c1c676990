// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpf_skb_under_cgroup() takes the packet, the map and an index. An old header of examples omits the
 * packet, and the verifier then refuses the program.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

static long (*as_declared_once)(void *map, __u32 index) = (void *)BPF_FUNC_skb_under_cgroup;

struct bpf_elf_map SEC("maps") cgroups = {
	.type = BPF_MAP_TYPE_CGROUP_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("three")
int three_arguments(struct __sk_buff *skb)
{
	return bpf_skb_under_cgroup(skb, &cgroups, 0) == 1 ? 2 : -1;
}

SEC("two")
int two_arguments(struct __sk_buff *skb)
{
	(void)skb;
	return as_declared_once(&cgroups, 0) == 1 ? 2 : -1;
}

char _license[] SEC("license") = "GPL";
