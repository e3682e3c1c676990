// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters packets by the sender's cgroup: up to 64 rules, each for the cgroup in its slot and all cgroups below it.
 * The first rule that matches decides.
 *
 *   elfmap tc qdisc add dev DEV clsact
 *   elfmap tc filter add dev DEV egress bpf da obj cgroup_filter.o sec filter
 *   elfmap cgroup set cgroup_acl 0 web/backend
 *   elfmap map set cgroup_rules 0 { verdict drop family 4 protocol tcp port_first 25 port_last 0 }
 *   elfmap map dump cgroup_totals sum
 *
 * On a device without link-layer header (tun, wireguard, ppp): sec filter_l3.
 *
 * The list ends at the first slot without a rule; a rule whose slot has no cgroup is skipped. Packets that match
 * no rule get the verdict of cgroup_policy, which is `next` by default. A packet belongs to the cgroup in which
 * its socket was created, even if the process has moved since. Needs Linux 5.3.
 */
#include <linux/bpf.h>
#include <linux/errno.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "cgroup_filter.h"
#include "cgroup_rule.h"

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

struct bpf_elf_map SEC("maps") cgroup_hits = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct cgroup_count),
	.max_elem = CGROUP_SLOTS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_hits, __u32, struct cgroup_count);

struct bpf_elf_map SEC("maps") cgroup_policy = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct cgroup_policy),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_policy, __u32, struct cgroup_policy);

struct bpf_elf_map SEC("maps") cgroup_totals = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct cgroup_totals),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_totals, __u32, struct cgroup_totals);

/* The rule of a slot; without a verdict: the end of the list. */
static __always_inline __u64 read_rule(__u64 slot)
{
	__u32 key = slot;
	const void *rule = bpf_map_lookup_elem(&cgroup_rules, &key);

	return rule ? cgroup_rule__read(rule) : 0;
}

static __always_inline int hit(struct __sk_buff *skb, struct cgroup_totals *totals, __u64 slot,
			       const struct cgroup_rule *rule)
{
	struct cgroup_count size = cgroup_rule__measure(skb);
	struct cgroup_count *count;
	__u32 key = slot;

	count = bpf_map_lookup_elem(&cgroup_hits, &key);
	if (count) {
		count->packets += size.packets;
		count->bytes += size.bytes;
	}
	return cgroup_rule__answer(totals, size.packets, rule->verdict);
}

enum sender {
	UNDER_CGROUP,
	ELSEWHERE,
	NO_SOCKET,
};

static __always_inline enum sender ask_sender(struct __sk_buff *skb, struct cgroup_totals *totals, __u64 slot)
{
	long under = bpf_skb_under_cgroup(skb, &cgroup_acl, slot);

	if (likely(under == 1))
		return UNDER_CGROUP;
	if (under == -ENOENT)
		return NO_SOCKET;
	if (under == -EAGAIN)
		totals->empty_slots++;
	else if (under < 0)
		totals->failures++;
	return ELSEWHERE;
}

union cgroup_policy_word {
	struct cgroup_policy policy;
	__u64 word;
};

static __always_inline struct cgroup_policy read_policy(void)
{
	union cgroup_policy_word value = {};
	const __u64 *word;
	__u32 only = 0;

	word = bpf_map_lookup_elem(&cgroup_policy, &only);
	if (word)
		value.word = *word;
	return value.policy;
}

static __always_inline int no_socket(struct __sk_buff *skb, struct cgroup_totals *totals)
{
	__u64 packets = cgroup_rule__measure(skb).packets;

	totals->no_socket += packets;
	return cgroup_rule__answer(totals, packets, read_policy().no_socket);
}

static __always_inline int unmatched(struct __sk_buff *skb, struct cgroup_totals *totals)
{
	__u64 packets = cgroup_rule__measure(skb).packets;

	totals->unmatched += packets;
	return cgroup_rule__answer(totals, packets, read_policy().unmatched);
}

/* The rules from SLOT on. The fields of a packet are compared first, which is cheaper than its cgroup. */
static __always_inline int walk_parsed(struct __sk_buff *skb, struct cgroup_totals *totals, __u64 slot,
				       const struct cgroup_subject *subject)
{
#pragma clang loop unroll(disable)
	for (; slot < CGROUP_SLOTS; slot++) {
		struct cgroup_rule rule = cgroup_rule__of(read_rule(slot));

		if (rule.verdict == unset)
			break;
		if (cgroup_rule__matches(&rule, subject) && ask_sender(skb, totals, slot) == UNDER_CGROUP)
			return hit(skb, totals, slot, &rule);
	}
	return unmatched(skb, totals);
}

/* Only the packets of cgroups with rules are parsed, and only if a rule asks for it. */
static __always_inline int filter(struct __sk_buff *skb, __u32 link_length)
{
	enum sender sender = ELSEWHERE;
	struct cgroup_totals *totals;
	struct cgroup_subject subject;
	struct cgroup_rule rule;
	__u64 slot, word;
	__u32 only = 0;

	totals = bpf_map_lookup_elem(&cgroup_totals, &only);
	if (!totals)
		return TC_ACT_UNSPEC;
#pragma clang loop unroll(disable)
	for (slot = 0; slot < CGROUP_SLOTS; slot++) {
		word = read_rule(slot);
		rule = cgroup_rule__of(word);
		if (rule.verdict == unset)
			break;
		sender = ask_sender(skb, totals, slot);
		if (sender != ELSEWHERE)
			break;
	}
	if (sender == NO_SOCKET)
		return no_socket(skb, totals);
	if (sender == ELSEWHERE)
		return unmatched(skb, totals);
	if (!cgroup_rule__has_conditions(word))
		return hit(skb, totals, slot, &rule);
	if (unlikely(!cgroup_rule__glance(skb, link_length, &subject))) {
		__u64 packets = cgroup_rule__measure(skb).packets;

		slot = packet__forget(skb, slot); /* so that the verifier does not walk the parser for each slot */
		if (!cgroup_rule__parse(skb, link_length, totals, packets, &subject))
			return cgroup_rule__answer(totals, packets, read_policy().unparsable);
	}
	if (likely(cgroup_rule__matches(&rule, &subject)))
		return hit(skb, totals, slot, &rule);
	return walk_parsed(skb, totals, slot + 1, &subject);
}

SEC("filter")
int cgroup_filter_l2(struct __sk_buff *skb)
{
	return filter(skb, ETH_HLEN);
}

SEC("filter_l3")
int cgroup_filter_no_link(struct __sk_buff *skb)
{
	return filter(skb, 0);
}
