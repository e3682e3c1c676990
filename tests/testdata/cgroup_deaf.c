// SPDX-License-Identifier: GPL-2.0-only
/* The maps of tc-progs/cgroup_filter.c that a lab writes, without a filter. */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"
#include "cgroup_filter.h"

char _license[] SEC("license") = "GPL";

struct bpf_elf_map SEC("maps") cgroup_acl = {
	.type = BPF_MAP_TYPE_CGROUP_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = CGROUP_SLOTS,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") cgroup_rules = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct cgroup_rule),
	.max_elem = CGROUP_SLOTS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_rules, __u32, struct cgroup_rule);

SEC("filter")
int cgroup_deaf(struct __sk_buff *skb)
{
	__u32 slot = 0;
	void *rule = bpf_map_lookup_elem(&cgroup_rules, &slot);

	return rule && bpf_skb_under_cgroup(skb, &cgroup_acl, 0) == 2 ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
