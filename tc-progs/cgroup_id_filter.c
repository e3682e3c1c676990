// SPDX-License-Identifier: GPL-2.0-only
/*
 * Filters packets by the sender's cgroup, for thousands of cgroups on one level of the tree: one rule for
 * each, found with one look-up. cgroup_filter.c walks a list of rules instead.
 *
 *   elfmap tc qdisc add dev DEV clsact
 *   elfmap tc filter add dev DEV egress bpf da obj cgroup_id_filter.o sec filter
 *   elfmap map set cgroup_id_policy 0 { unmatched next no_socket next unparsable next level 2 }
 *   elfmap map set cgroup_id_rules /web/backend { verdict drop family 4 protocol tcp port_first 25 port_last 0 }
 *   elfmap map dump cgroup_id_totals sum
 *
 * On a device without link-layer header (tun, wireguard, ppp): sec filter_l3.
 *
 * A packet belongs to the cgroup in which its socket was created, even if the process has moved since. The
 * level in the policy selects the ancestor of that cgroup whose rule applies. Needs Linux 5.3.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "cgroup_filter.h"
#include "cgroup_rule.h"

char _license[] SEC("license") = "GPL";

struct bpf_elf_map SEC("maps") cgroup_id_rules = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(cgroup_id),
	.size_value = sizeof(struct cgroup_id_rule),
	.max_elem = CGROUP_IDS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_id_rules, cgroup_id, struct cgroup_id_rule);

struct bpf_elf_map SEC("maps") cgroup_id_hits = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct cgroup_count),
	.max_elem = CGROUP_IDS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_id_hits, __u32, struct cgroup_count);

struct bpf_elf_map SEC("maps") cgroup_id_policy = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct cgroup_id_policy),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_id_policy, __u32, struct cgroup_id_policy);

struct bpf_elf_map SEC("maps") cgroup_id_totals = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct cgroup_totals),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(cgroup_id_totals, __u32, struct cgroup_totals);

union cgroup_id_rule_word {
	struct cgroup_id_rule rule;
	__u64 word;
};

static __always_inline struct cgroup_rule as_rule(__u64 word, __u32 *ret_counter)
{
	union cgroup_id_rule_word value = {.word = word};

	*ret_counter = value.rule.counter;
	return (struct cgroup_rule){
		.verdict = value.rule.verdict,
		.family = value.rule.family,
		.protocol = value.rule.protocol,
		.port_first = value.rule.port_first,
		.port_last = value.rule.port_last,
	};
}

static __always_inline bool has_conditions(__u64 word)
{
	union cgroup_id_rule_word others = {.rule = {.verdict = (enum cgroup_verdict)0xff, .counter = 0xfff}};

	return word & ~others.word;
}

static __always_inline int hit(const struct cgroup_count *size, struct cgroup_totals *totals, __u32 counter,
			       const struct cgroup_rule *rule)
{
	struct cgroup_count *count = bpf_map_lookup_elem(&cgroup_id_hits, &counter);

	if (count) {
		count->packets += size->packets;
		count->bytes += size->bytes;
	}
	return cgroup_rule__answer(totals, size->packets, rule->verdict);
}

/* The cgroup of the sender whose rule applies; 0: no sender. */
static __always_inline __u64 find_cgroup(struct __sk_buff *skb, __u32 level)
{
	__u64 cgroup = level ? bpf_skb_ancestor_cgroup_id(skb, level) : 0;

	return cgroup ? cgroup : bpf_skb_cgroup_id(skb);
}

static __always_inline int unmatched(struct cgroup_totals *totals, __u64 packets, enum cgroup_verdict verdict)
{
	totals->unmatched += packets;
	return cgroup_rule__answer(totals, packets, verdict);
}

static __always_inline int filter(struct __sk_buff *skb, __u32 link_length)
{
	const struct cgroup_id_policy *policy;
	struct cgroup_subject subject;
	struct cgroup_totals *totals;
	struct cgroup_rule rule;
	struct cgroup_count size;
	const void *found;
	__u32 counter, only = 0;
	__u64 cgroup, word;

	totals = bpf_map_lookup_elem(&cgroup_id_totals, &only);
	policy = bpf_map_lookup_elem(&cgroup_id_policy, &only);
	if (!totals || !policy)
		return TC_ACT_UNSPEC;
	size = cgroup_rule__measure(skb);
	cgroup = find_cgroup(skb, policy->level);
	if (!cgroup) {
		totals->no_socket += size.packets;
		return cgroup_rule__answer(totals, size.packets, policy->no_socket);
	}
	found = bpf_map_lookup_elem(&cgroup_id_rules, &cgroup);
	if (!found)
		return unmatched(totals, size.packets, policy->unmatched);
	word = cgroup_rule__read(found);
	rule = as_rule(word, &counter);
	if (rule.verdict == unset)
		return unmatched(totals, size.packets, policy->unmatched);
	if (!has_conditions(word))
		return hit(&size, totals, counter, &rule);
	if (!cgroup_rule__glance(skb, link_length, &subject) &&
	    !cgroup_rule__parse(skb, link_length, totals, size.packets, &subject))
		return cgroup_rule__answer(totals, size.packets, policy->unparsable);
	if (cgroup_rule__matches(&rule, &subject))
		return hit(&size, totals, counter, &rule);
	return unmatched(totals, size.packets, policy->unmatched);
}

SEC("filter")
int cgroup_id_filter_l2(struct __sk_buff *skb)
{
	return filter(skb, ETH_HLEN);
}

SEC("filter_l3")
int cgroup_id_filter_no_link(struct __sk_buff *skb)
{
	return filter(skb, 0);
}
