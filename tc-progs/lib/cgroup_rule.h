/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What cgroup_filter.c and cgroup_id_filter.c share: whether a rule matches a packet, and the verdict
 * with its counter.
 */
#ifndef CGROUP_RULE_H
#define CGROUP_RULE_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "cgroup_filter.h"
#include "parse.h"

/* A rule is read with one load as one word, so that a concurrent change is never seen in part. */
static __always_inline __u64 cgroup_rule__read(const void *at)
{
	return *(const volatile __u64 *)at;
}

union cgroup_rule_word {
	struct cgroup_rule rule;
	__u64 word;
};

static __always_inline struct cgroup_rule cgroup_rule__of(__u64 word)
{
	union cgroup_rule_word value = {.word = word};

	return value.rule;
}

/* Does it have conditions other than the cgroup? */
static __always_inline bool cgroup_rule__has_conditions(__u64 word)
{
	union cgroup_rule_word others = {.rule = {.verdict = (enum cgroup_verdict)0xff}};

	return word & ~others.word;
}

/* The fields of a packet that rules compare. */
struct cgroup_subject {
	__u64 family;	/* 0: not IP */
	__u64 protocol; /* 0: not IP */
	__u64 port;	/* destination; CGROUP_NO_PORT */
};
#define CGROUP_NO_PORT 0x10000

static __always_inline bool cgroup_rule__matches(const struct cgroup_rule *rule, const struct cgroup_subject *subject)
{
	__u64 last = rule->port_last ? rule->port_last : rule->port_first;

	if (rule->family && rule->family != subject->family)
		return false;
	if (rule->protocol && rule->protocol != subject->protocol)
		return false;
	return !last || (subject->port >= rule->port_first && subject->port <= last);
}

/* Counts a packet as it is on the wire. */
static __always_inline struct cgroup_count cgroup_rule__measure(struct __sk_buff *skb)
{
	return (struct cgroup_count){
		.packets = skb->gso_segs ? skb->gso_segs : 1,
		.bytes = skb->wire_len > skb->len ? skb->wire_len : skb->len,
	};
}

/* Counts the verdict, and converts it for tc. */
static __always_inline int cgroup_rule__answer(struct cgroup_totals *totals, __u64 packets, enum cgroup_verdict verdict)
{
	if (verdict == drop) {
		totals->dropped += packets;
		return TC_ACT_SHOT;
	}
	if (verdict == ok) {
		totals->accepted += packets;
		return TC_ACT_OK;
	}
	if (verdict > drop)
		totals->bad_verdicts += packets;
	totals->passed += packets;
	return TC_ACT_UNSPEC;
}

static __always_inline bool cgroup_rule__is_usual(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* The fast path for most packets: TCP or UDP directly after an IP header without options. False: the packet must be
 * parsed, which takes much longer. */
static __always_inline bool cgroup_rule__glance(struct __sk_buff *skb, __u32 link_length,
						struct cgroup_subject *ret_subject)
{
	void *data = packet__pointer(skb, data), *data_end = packet__pointer(skb, data_end);
	const struct ipv6hdr *ipv6 = data + link_length;
	const struct iphdr *ipv4 = data + link_length;
	const __be16 *ports; /* source, destination */
	__u64 end;

	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		ports = (const void *)(ipv4 + 1);
		if ((const void *)(ports + 2) > data_end || *(const __u8 *)ipv4 != 0x45 ||
		    (ipv4->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_FRAGMENT_OFFSET)))
			return false;
		ret_subject->family = 4;
		ret_subject->protocol = ipv4->protocol;
		end = bpf_ntohs(ipv4->tot_len);
		if (end < sizeof(*ipv4) + 2 * sizeof(*ports))
			return false;
	} else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		ports = (const void *)(ipv6 + 1);
		if ((const void *)(ports + 2) > data_end || ipv6->version != 6)
			return false;
		ret_subject->family = 6;
		ret_subject->protocol = ipv6->nexthdr;
		end = sizeof(*ipv6) + bpf_ntohs(ipv6->payload_len);
		if (end < sizeof(*ipv6) + 2 * sizeof(*ports))
			return false;
	} else {
		return false;
	}
	ret_subject->port = bpf_ntohs(ports[1]);
	return cgroup_rule__is_usual(ret_subject->protocol) && link_length + end <= skb->len;
}

/* Parses the packet for rules with conditions. False: it cannot be parsed, which is counted. Packets other than IP
 * have family and protocol 0. */
static __always_inline bool cgroup_rule__parse(struct __sk_buff *skb, __u32 link_length, struct cgroup_totals *totals,
					       __u64 packets, struct cgroup_subject *ret_subject)
{
	enum packet_verdict verdict;
	struct packet pkt;
	bool has_port;

	verdict = packet__parse(skb, link_length, &pkt);
	has_port = packet__has_ports(pkt.protocol) && pkt.fragment != PACKET_FRAGMENT_LATER;
	*ret_subject = (struct cgroup_subject){
		.family = pkt.family,
		.protocol = pkt.protocol,
		.port = has_port ? bpf_ntohs(pkt.dport) : CGROUP_NO_PORT,
	};
	if (verdict == PACKET_OK || verdict == PACKET_NON_IP)
		return true;
	if (verdict == PACKET_SHORT)
		totals->too_short += packets;
	else if (verdict == PACKET_DEPTH)
		totals->too_deep += packets;
	else
		totals->malformed += packets;
	return false;
}

#endif
