// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls tc-progs/lib/parse.h and plain.h for a packet: the section selects the
 * function, whose verdict and struct packet are stored in the map `probe`.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "parse.h"
#include "parse_probe.h"
#include "plain.h"

char _license[] SEC("license") = "GPL";

struct bpf_elf_map SEC("maps") probe = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct probe),
	.max_elem = 1,
};
BPF_ANNOTATE_KV_PAIR(probe, __u32, struct probe);

static __always_inline int record(enum packet_verdict verdict, const struct packet *pkt)
{
	struct probe seen = {.verdict = verdict, .packet = *pkt};
	__u32 zero = 0;

	bpf_map_update_elem(&probe, &zero, &seen, BPF_ANY);
	return TC_ACT_UNSPEC;
}

SEC("parse")
int probe_parse(struct __sk_buff *skb)
{
	enum packet_verdict verdict;
	struct packet pkt;

	verdict = packet__parse(skb, ETH_HLEN, &pkt);
	return record(verdict, &pkt);
}

SEC("parse_l3")
int probe_parse_l3(struct __sk_buff *skb)
{
	enum packet_verdict verdict;
	struct packet pkt;

	verdict = packet__parse(skb, 0, &pkt);
	return record(verdict, &pkt);
}

SEC("innermost")
int probe_innermost(struct __sk_buff *skb)
{
	enum packet_verdict verdict;
	struct packet pkt;

	verdict = packet__innermost(skb, ETH_HLEN, &pkt);
	return record(verdict, &pkt);
}

/* PACKET_NON_IP stands for: not plain. */
SEC("plain")
int probe_plain(struct __sk_buff *skb)
{
	struct packet pkt = {};

	return record(packet__plain(skb, ETH_HLEN, &pkt) ? PACKET_OK : PACKET_NON_IP, &pkt);
}
