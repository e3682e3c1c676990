// SPDX-License-Identifier: GPL-2.0-only
/*
 * The minimum cost of loading parser.o: its maps, and the same number of empty programs in the same
 * slots.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "stage.h"

struct bpf_elf_map SEC("maps") parser_flows4 = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.size_key = sizeof(struct parser_key4),
	.size_value = sizeof(struct parser_flow),
	.max_elem = 4096,
};

struct bpf_elf_map SEC("maps") parser_flows6 = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.size_key = sizeof(struct parser_key6),
	.size_value = sizeof(struct parser_flow),
	.max_elem = 4096,
};

struct bpf_elf_map SEC("maps") parser_ends = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct parser_ends),
	.max_elem = 1,
};

struct bpf_elf_map SEC("maps") parser_empty = {
	.type = BPF_MAP_TYPE_PERCPU_HASH,
	.size_key = sizeof(enum parser_slot),
	.size_value = sizeof(__u64),
	.max_elem = PARSER_SLOTS,
};

char _license[] SEC("license") = "GPL";

#define EMPTY(section, name)          \
	SEC(section)                  \
	int name(void *skb)           \
	{                             \
		(void)skb;            \
		return TC_ACT_UNSPEC; \
	}

EMPTY("classifier", parser)
EMPTY("classifier_l3", parser_l3)
EMPTY("0x70/0", parser_end)
EMPTY("0x70/1", parser_vlan)
EMPTY("0x70/2", parser_mpls)
EMPTY("0x70/3", parser_ipv4)
EMPTY("0x70/4", parser_ipv6)
EMPTY("0x70/5", parser_extension)
EMPTY("0x70/6", parser_ipip)
EMPTY("0x70/7", parser_six_in_ip)
EMPTY("0x70/8", parser_gre)
EMPTY("0x70/9", parser_vxlan)
EMPTY("0x70/10", parser_link)
EMPTY("0x70/11", parser_tcp)
EMPTY("0x70/12", parser_udp)
EMPTY("0x70/13", parser_sctp)
EMPTY("0x70/14", parser_icmp)
EMPTY("0x70/15", parser_icmpv6)
EMPTY("0x70/16", parser_flow)
