// SPDX-License-Identifier: GPL-2.0-only
/*
 * The peer of the parser: the work of the kernel's sample sockex3 per packet, as a classifier. It has one
 * program for each protocol, chained by tail calls, which parse with absolute loads. The flow is in an
 * ARRAY by CPU number, the offset in cb[0]; packets and bytes of the flow are added atomically in a
 * HASH.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#include <bpf/bpf_helpers.h>

#include "absolute.h"
#include "bpf_elf.h"

#define TABLE 3
#define VLAN 1
#define MPLS 2
#define IPV4 3
#define IPV6 4
#define MPLS_BOTTOM 0x100

#define STRING(token) #token
#define SLOT_NAME(table, slot) STRING(table) "/" STRING(slot)
#define SLOT(slot) SEC(SLOT_NAME(TABLE, slot))

struct flow {
	__u32 src;
	__u32 dst;
	__u32 ports;
	__u32 protocol;
};

struct traffic {
	__u64 packets;
	__u64 bytes;
};

struct bpf_elf_map SEC("maps") stages = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 8,
	.id = TABLE,
};

struct bpf_elf_map SEC("maps") records = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct flow),
	.max_elem = 32,
};

struct bpf_elf_map SEC("maps") by_flow = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(struct flow),
	.size_value = sizeof(struct traffic),
	.max_elem = 1024,
};

char _license[] SEC("license") = "GPL";

static __always_inline struct flow *this_record(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&records, &cpu);
}

static __always_inline void dispatch(struct __sk_buff *skb, __u64 ethertype)
{
	switch (ethertype) {
	case ETH_P_8021Q:
	case ETH_P_8021AD:
		bpf_tail_call(skb, &stages, VLAN);
		break;
	case ETH_P_MPLS_UC:
	case ETH_P_MPLS_MC:
		bpf_tail_call(skb, &stages, MPLS);
		break;
	case ETH_P_IP:
		bpf_tail_call(skb, &stages, IPV4);
		break;
	case ETH_P_IPV6:
		bpf_tail_call(skb, &stages, IPV6);
		break;
	}
}

static __always_inline void count(struct __sk_buff *skb, const struct flow *record)
{
	struct flow key = *record;
	struct traffic *traffic = bpf_map_lookup_elem(&by_flow, &key);

	if (traffic) {
		__sync_fetch_and_add(&traffic->packets, 1);
		__sync_fetch_and_add(&traffic->bytes, skb->len);
	} else {
		struct traffic fresh = {.packets = 1, .bytes = skb->len};

		bpf_map_update_elem(&by_flow, &key, &fresh, BPF_ANY);
	}
}

static __always_inline void parse_gre(struct __sk_buff *skb, __u64 at)
{
	__u64 flags = load_half(skb, at), type = load_half(skb, at + 2);

	if (flags & GRE_VERSION_OR_ROUTING)
		return;
	at += gre_length(flags);
	if (type == ETH_P_8021Q) {
		type = load_half(skb, at + 2);
		at += 4;
	}
	skb->cb[0] = at;
	dispatch(skb, type);
}

/* What follows an IP header, which ended at cb[0]. */
static __always_inline void parse_protocol(struct __sk_buff *skb, struct flow *record, __u64 protocol)
{
	__u64 at = skb->cb[0];

	switch (protocol) {
	case IPPROTO_GRE:
		parse_gre(skb, at);
		break;
	case IPPROTO_IPIP:
		dispatch(skb, ETH_P_IP);
		break;
	case IPPROTO_IPV6:
		dispatch(skb, ETH_P_IPV6);
		break;
	case IPPROTO_TCP:
	case IPPROTO_UDP:
		record->ports = load_word(skb, at);
		record->protocol = protocol;
		count(skb, record);
		break;
	case IPPROTO_ICMP:
		record->protocol = protocol;
		count(skb, record);
		break;
	}
}

SLOT(IPV4)
int sockex3_ipv4(struct __sk_buff *skb)
{
	struct flow *record = this_record();
	__u64 at = skb->cb[0], protocol;

	if (!record || load_half(skb, at + offsetof(struct iphdr, frag_off)) & IPV4_IN_PIECES)
		return 0;
	protocol = load_byte(skb, at + offsetof(struct iphdr, protocol));
	if (protocol != IPPROTO_GRE) {
		record->src = load_word(skb, at + offsetof(struct iphdr, saddr));
		record->dst = load_word(skb, at + offsetof(struct iphdr, daddr));
	}
	skb->cb[0] = at + ((load_byte(skb, at) & 0xf) << 2);
	parse_protocol(skb, record, protocol);
	return 0;
}

SLOT(IPV6)
int sockex3_ipv6(struct __sk_buff *skb)
{
	struct flow *record = this_record();
	__u64 at = skb->cb[0];

	if (!record)
		return 0;
	record->src = load_folded(skb, at + offsetof(struct ipv6hdr, saddr));
	record->dst = load_folded(skb, at + offsetof(struct ipv6hdr, daddr));
	skb->cb[0] = at + sizeof(struct ipv6hdr);
	parse_protocol(skb, record, load_byte(skb, at + offsetof(struct ipv6hdr, nexthdr)));
	return 0;
}

SLOT(VLAN)
int sockex3_vlan(struct __sk_buff *skb)
{
	__u64 at = skb->cb[0], type = load_half(skb, at + 2);

	skb->cb[0] = at + 4;
	dispatch(skb, type);
	return 0;
}

SLOT(MPLS)
int sockex3_mpls(struct __sk_buff *skb)
{
	__u64 at = skb->cb[0], label = load_word(skb, at);

	at += 4;
	skb->cb[0] = at;
	if (label & MPLS_BOTTOM)
		dispatch(skb, (load_byte(skb, at) & 0xf0) == 0x40 ? ETH_P_IP : ETH_P_IPV6);
	else
		dispatch(skb, ETH_P_MPLS_UC);
	return 0;
}

SEC("classifier")
int sockex3(struct __sk_buff *skb)
{
	skb->cb[0] = ETH_HLEN;
	dispatch(skb, load_half(skb, offsetof(struct ethhdr, h_proto)));
	return 0;
}
