// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts flows by their innermost addresses and ports. There is one program for each protocol (VLAN, MPLS,
 * IPv4, IPv6, tunnels, transport), which passes the packet on by a tail call. Each program can be replaced,
 * removed and restored while packets flow, and new ones can be added:
 *
 *   elfmap tc qdisc add dev DEV clsact
 *   elfmap tc filter add dev DEV ingress bpf da obj parser.o sec classifier
 *   elfmap map dump parser_flows4
 *   elfmap map dump parser_ends sum
 *   elfmap graft parser_stages udp_payload parser_quic.o sec quic
 *   elfmap graft parser_stages gre --empty
 *
 * On a device without link-layer header (tun, wireguard, ppp): sec classifier_l3.
 *
 * The verdict is always TC_ACT_UNSPEC. stage.h has the interface of a stage, parser.h the maps. If a
 * table is full, the least recently used flows are evicted. parser_percpu.o has values per CPU, which
 * are counted without locks.
 */
#include <linux/bpf.h>

#include "stage.h"

#ifndef PARSER_FLOWS_TYPE
#define PARSER_FLOWS_TYPE BPF_MAP_TYPE_LRU_HASH
#endif
#ifndef PARSER_FLOWS
#define PARSER_FLOWS 4096
#endif

#define ETHERTYPE_BRIDGED 0x6558 /* an Ethernet frame in GRE */
#define MPLS_BOTTOM 0x00000100
#define VXLAN_PORT 4789
#define VXLAN_PORT_OF_LINUX 8472 /* the default of `ip link add type vxlan` */
#define VXLAN_HAS_VNI 0x08000000

/* A stage in its slot. NUMBER is the value of SLOT, since a section's name cannot contain an enumerator. */
#define STRING(token) #token
#define SECTION(table, number) STRING(table) "/" STRING(number)
#define SLOT(number, slot, name)                                          \
	_Static_assert((number) == (slot), "the section names the slot"); \
	SEC(SECTION(PARSER_TABLE, number)) int name(struct __sk_buff *skb)

char _license[] SEC("license") = "GPL";

struct bpf_elf_map SEC("maps") parser_flows4 = {
	.type = PARSER_FLOWS_TYPE,
	.size_key = sizeof(struct parser_key4),
	.size_value = sizeof(struct parser_flow),
	.max_elem = PARSER_FLOWS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(parser_flows4, struct parser_key4, struct parser_flow);

struct bpf_elf_map SEC("maps") parser_flows6 = {
	.type = PARSER_FLOWS_TYPE,
	.size_key = sizeof(struct parser_key6),
	.size_value = sizeof(struct parser_flow),
	.max_elem = PARSER_FLOWS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(parser_flows6, struct parser_key6, struct parser_flow);

struct bpf_elf_map SEC("maps") parser_ends = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct parser_ends),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(parser_ends, __u32, struct parser_ends);

struct bpf_elf_map SEC("maps") parser_empty = {
	.type = BPF_MAP_TYPE_PERCPU_HASH,
	.size_key = sizeof(enum parser_slot),
	.size_value = sizeof(__u64),
	.max_elem = PARSER_SLOTS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(parser_empty, enum parser_slot, __u64);

/* ---- ethertypes -------------------------------------------------------------------------------------- */

/* The stage for ETHERTYPE. The common ones are handled before. */
static __always_inline int next_link(struct __sk_buff *skb, __be16 ethertype)
{
	STAGE(skb, ethertype) = ethertype;
	return stage__next(skb, PARSER_LINK);
}

static __always_inline int next_protocol(struct __sk_buff *skb, __u8 protocol)
{
	enum parser_slot slot;

	switch (protocol) {
	case IPPROTO_TCP:
		stage__try(skb, PARSER_TCP);
		slot = PARSER_TCP;
		break;
	case IPPROTO_UDP:
		stage__try(skb, PARSER_UDP);
		slot = PARSER_UDP;
		break;
	case IPPROTO_ICMP:
		slot = PARSER_ICMP;
		break;
	case IPPROTO_ICMPV6:
		slot = PARSER_ICMPV6;
		break;
	case IPPROTO_SCTP:
		slot = PARSER_SCTP;
		break;
	case IPPROTO_IPIP:
		slot = PARSER_IPIP;
		break;
	case IPPROTO_IPV6:
		slot = PARSER_SIX_IN_IP;
		break;
	case IPPROTO_GRE:
		slot = PARSER_GRE;
		break;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_FRAGMENT:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
		slot = PARSER_EXTENSION;
		break;
	default:
		stage__try(skb, PARSER_OTHER_PROTOCOL);
		return stage__end(skb, unknown_protocol);
	}
	return stage__next(skb, slot);
}

/* ---- the link layer ---------------------------------------------------------------------------------- */

/* skb->protocol is the type of the packet: the kernel has moved the outer tag out of the frame. */
static __always_inline int start(struct __sk_buff *skb, __u32 link_length)
{
	STAGE(skb, offset) = link_length;
	STAGE(skb, limit) = skb->len;
	STAGE(skb, state) = 0;
	if (skb->protocol == bpf_htons(ETH_P_IP))
		stage__try(skb, PARSER_IPV4);
	else if (skb->protocol == bpf_htons(ETH_P_IPV6))
		stage__try(skb, PARSER_IPV6);
	STAGE(skb, protocol) = 0; /* a previous filter may have written there */
	if (skb->protocol == bpf_htons(ETH_P_8021Q))
		stage__try(skb, PARSER_VLAN);
	return next_link(skb, skb->protocol);
}

SEC("classifier")
int parser(struct __sk_buff *skb)
{
	return start(skb, ETH_HLEN);
}

SEC("classifier_l3")
int parser_l3(struct __sk_buff *skb)
{
	return start(skb, 0);
}

SLOT(10, PARSER_LINK, parser_link)
{
	__u32 ethertype = STAGE(skb, ethertype);
	enum parser_slot slot;

	if (ethertype == bpf_htons(ETH_P_IP)) {
		slot = PARSER_IPV4;
	} else if (ethertype == bpf_htons(ETH_P_IPV6)) {
		slot = PARSER_IPV6;
	} else if (packet__is_tag(ethertype)) {
		slot = PARSER_VLAN;
	} else if (ethertype == bpf_htons(ETH_P_MPLS_UC) || ethertype == bpf_htons(ETH_P_MPLS_MC)) {
		slot = PARSER_MPLS;
	} else {
		stage__try(skb, PARSER_OTHER_LINK);
		return stage__end(skb, unknown_link);
	}
	return stage__next(skb, slot);
}

SLOT(1, PARSER_VLAN, parser_vlan)
{
	const struct vlan_tag *tag = stage__header(skb, sizeof(*tag));
	__be16 ethertype;

	if (!tag)
		return stage__end(skb, too_short);
	ethertype = tag->ethertype;
	if (!stage__descend(skb, sizeof(*tag)))
		return stage__end(skb, depth);
	if (ethertype == bpf_htons(ETH_P_IP))
		stage__try(skb, PARSER_IPV4);
	return next_link(skb, ethertype);
}

/* MPLS does not identify its payload; IP starts with its version. */
SLOT(2, PARSER_MPLS, parser_mpls)
{
	const struct {
		__be32 label;
		__u8 payload[4];
	} *mpls = stage__header(skb, sizeof(*mpls));

	if (!mpls)
		return stage__end(skb, too_short);
	if (!stage__descend(skb, sizeof(mpls->label)))
		return stage__end(skb, depth);
	if (!(mpls->label & bpf_htonl(MPLS_BOTTOM)))
		return stage__next(skb, PARSER_MPLS);
	if (mpls->payload[0] >> 4 == 4)
		return stage__next(skb, PARSER_IPV4);
	if (mpls->payload[0] >> 4 == 6)
		return stage__next(skb, PARSER_IPV6);
	return stage__end(skb, unknown_link);
}

/* ---- the network layer ------------------------------------------------------------------------------- */

SLOT(3, PARSER_IPV4, parser_ipv4)
{
	__u64 offset = stage__offset(skb), limit = STAGE(skb, limit), length = sizeof(struct iphdr), total;
	const struct iphdr *ip = packet__at(skb, offset, sizeof(*ip));
	__u8 start, protocol, state;

	if (!ip)
		return stage__end(skb, too_short);
	/* A branch, so that the length is available before the packet is read. */
	start = *(const __u8 *)ip;
	if (start != 0x45) {
		length = (start & 0xf) << 2;
		if (start >> 4 != 4 || length < sizeof(*ip))
			return stage__end(skb, malformed);
	}
	total = bpf_ntohs(ip->tot_len);
	if (!total && skb->gso_size) /* a GSO packet of more than 64 KiB */
		total = limit - offset;
	if (total < length)
		return stage__end(skb, malformed);
	if (offset + total > limit)
		return stage__end(skb, too_short);
	if (ip->frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
		return stage__end(skb, fragment);
	state = STAGE(skb, state) & ~(STAGE_DEPTH - 1);
	if (ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS))
		state |= STAGE_FRAGMENT;
	protocol = ip->protocol;
	STAGE(skb, offset) = offset + length;
	STAGE(skb, limit) = offset + total;
	STAGE(skb, protocol) = protocol;
	STAGE(skb, state) = state;
	STAGE(skb, ipv4_addresses) = *(const __u64 *)&ip->saddr;
	STAGE(skb, ports) = 0;
	return next_protocol(skb, protocol);
}

SLOT(4, PARSER_IPV6, parser_ipv6)
{
	__u64 offset = stage__offset(skb), limit = STAGE(skb, limit), end;
	const struct ipv6hdr *ip = packet__at(skb, offset, sizeof(*ip));
	__u8 protocol;

	if (!ip || offset + sizeof(*ip) > limit)
		return stage__end(skb, too_short);
	if (*(const __u8 *)ip >> 4 != 6)
		return stage__end(skb, malformed);
	protocol = ip->nexthdr;
	end = offset + sizeof(*ip) + bpf_ntohs(ip->payload_len);
	/* 0 in a jumbogram, or in a GSO packet of more than 64 KiB, which extends to the end. */
	if (!ip->payload_len && (protocol == IPPROTO_HOPOPTS || skb->gso_size))
		end = limit;
	if (end > limit)
		return stage__end(skb, too_short);
	STAGE(skb, limit) = end;
	STAGE(skb, offset) = offset + sizeof(*ip);
	STAGE(skb, protocol) = protocol;
	STAGE(skb, state) = (STAGE(skb, state) & ~(STAGE_DEPTH - 1)) | STAGE_IPV6;
	STAGE(skb, ipv6_offset) = offset;
	STAGE(skb, ports) = 0;
	return next_protocol(skb, protocol);
}

SLOT(5, PARSER_EXTENSION, parser_extension)
{
	const struct ipv6_extension *header = stage__header(skb, sizeof(*header));
	__u8 protocol = STAGE(skb, protocol);
	__u32 length;

	if (!header)
		return stage__end(skb, too_short);
	length = packet__extension_length(protocol, header);
	if (STAGE(skb, offset) + length > STAGE(skb, limit))
		return stage__end(skb, too_short);
	if (protocol == IPPROTO_FRAGMENT) {
		if (header->fragment & bpf_htons(IPV6_FRAGMENT_OFFSET))
			return stage__end(skb, fragment);
		if (header->fragment & bpf_htons(IPV6_MORE_FRAGMENTS))
			STAGE(skb, state) |= STAGE_FRAGMENT;
	}
	protocol = header->next;
	STAGE(skb, protocol) = protocol;
	if (!stage__descend(skb, length))
		return stage__end(skb, depth);
	return next_protocol(skb, protocol);
}

/* ---- tunnels ----------------------------------------------------------------------------------------- */

/* Only the first fragment has the inner header, so fragments of tunnel packets are not parsed further:
 * all fragments of a packet must be counted in the same place. */
#define enter_tunnel(skb, length)                         \
	do {                                              \
		if (STAGE(skb, state) & STAGE_FRAGMENT)   \
			return stage__end(skb, fragment); \
		if (!stage__descend(skb, length))         \
			return stage__end(skb, depth);    \
	} while (0)

SLOT(6, PARSER_IPIP, parser_ipip)
{
	enter_tunnel(skb, 0);
	stage__try(skb, PARSER_IPV4);
	return stage__next(skb, PARSER_IPV4);
}

SLOT(7, PARSER_SIX_IN_IP, parser_six_in_ip)
{
	enter_tunnel(skb, 0);
	return stage__next(skb, PARSER_IPV6);
}

/* A frame in a tunnel counts as an additional header, since it takes an additional jump. */
static __always_inline int next_frame(struct __sk_buff *skb)
{
	const struct ethhdr *ethernet = stage__header(skb, sizeof(*ethernet));
	__be16 ethertype;

	if (!ethernet)
		return stage__end(skb, too_short);
	ethertype = ethernet->h_proto;
	if (!stage__descend(skb, sizeof(*ethernet)))
		return stage__end(skb, depth);
	return next_link(skb, ethertype);
}

SLOT(8, PARSER_GRE, parser_gre)
{
	const struct gre_base *gre = stage__header(skb, sizeof(*gre));
	__u32 flags, length = sizeof(*gre);
	__be16 ethertype;

	if (!gre)
		return stage__end(skb, too_short);
	flags = bpf_ntohs(gre->flags);
	ethertype = gre->ethertype;
	if (flags & (GRE_HAS_ROUTING | GRE_VERSION_BITS))
		return stage__end(skb, unknown_tunnel);
	length += packet__gre_options(flags);
	enter_tunnel(skb, length);
	return ethertype == bpf_htons(ETHERTYPE_BRIDGED) ? next_frame(skb) : next_link(skb, ethertype);
}

SLOT(9, PARSER_VXLAN, parser_vxlan)
{
	const __be32 *vxlan = stage__header(skb, 2 * sizeof(*vxlan));

	if (!vxlan)
		return stage__end(skb, too_short);
	if (!(vxlan[0] & bpf_htonl(VXLAN_HAS_VNI)))
		return stage__end(skb, unknown_tunnel);
	enter_tunnel(skb, 2 * sizeof(*vxlan));
	return next_frame(skb);
}

/* ---- the end ------------------------------------------------------------------------------------------ */

static __always_inline void count_empty(enum parser_slot slot, __u64 packets)
{
	__u64 *count = bpf_map_lookup_elem(&parser_empty, &slot), none = 0;

	if (!count) {
		bpf_map_update_elem(&parser_empty, &slot, &none, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&parser_empty, &slot);
	}
	if (count)
		*count += packets;
}

SLOT(0, PARSER_END, parser_end)
{
	__u32 only = 0;
	__u64 *ends = bpf_map_lookup_elem(&parser_ends, &only), end = STAGE(skb, end);

	if (end & STAGE_EMPTY)
		count_empty(end & ~STAGE_EMPTY, stage__packets(skb));
	else if (ends && end < sizeof(struct parser_ends) / sizeof(*ends))
		ends[end] += stage__packets(skb);
	return TC_ACT_UNSPEC;
}

/* ---- the flow ---------------------------------------------------------------------------------------- */

/* Keys as words: a look-up reads 64-bit words, and reading a word that was written in parts stalls
 * until all of them are stored. */
union key4 {
	struct parser_key4 key;
	__u64 words[2];
};

union key6 {
	struct parser_key6 key;
	__u64 words[5];
};

_Static_assert(sizeof(union key4) == sizeof(struct parser_key4), "the words are the whole key");
_Static_assert(sizeof(union key6) == sizeof(struct parser_key6), "the words are the whole key");

static __always_inline __u64 last_word(__be32 ports, __u8 protocol)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u64)protocol << 32 | ports;
#else
	return (__u64)ports << 32 | protocol;
#endif
}

static __always_inline void add(__u64 *counter, __u64 number)
{
	if (PARSER_FLOWS_TYPE == BPF_MAP_TYPE_LRU_HASH)
		__sync_fetch_and_add(counter, number);
	else
		*counter += number;
}

/* A new entry is all zeros, and the packet is always added afterwards. So if two CPUs insert at the same
 * time, both add their packets to the same entry. */
static __always_inline int count_in(struct __sk_buff *skb, void *flows, const void *key)
{
	struct parser_flow *flow = bpf_map_lookup_elem(flows, key);

	if (!flow) {
		struct parser_flow fresh = {};

		bpf_map_update_elem(flows, key, &fresh, BPF_NOEXIST);
		flow = bpf_map_lookup_elem(flows, key);
		if (!flow)
			return stage__end(skb, flow_refused);
	}
	add(&flow->packets, stage__packets(skb));
	add(&flow->bytes, skb->wire_len > skb->len ? skb->wire_len : skb->len);
	return TC_ACT_UNSPEC;
}

static __always_inline int count_flow4(struct __sk_buff *skb, __u64 ports_and_protocol)
{
	union key4 key = {.words = {STAGE(skb, ipv4_addresses), ports_and_protocol}};

	return count_in(skb, &parser_flows4, &key);
}

static __always_inline int count_flow6(struct __sk_buff *skb, __u64 ports_and_protocol)
{
	const void *ip = packet__pointer(skb, data) + (STAGE(skb, ipv6_offset) & PACKET_REACH);
	const __u64 *addresses;
	union key6 key;

	/* Cannot happen, since it was read before; for the verifier. */
	if (ip + sizeof(struct ipv6hdr) > packet__pointer(skb, data_end))
		return stage__end(skb, too_short);
	addresses = ip + __builtin_offsetof(struct ipv6hdr, saddr);
	key.words[0] = addresses[0];
	key.words[1] = addresses[1];
	key.words[2] = addresses[2];
	key.words[3] = addresses[3];
	key.words[4] = ports_and_protocol;
	return count_in(skb, &parser_flows6, &key);
}

static __always_inline int count_flow(struct __sk_buff *skb, __be32 ports, __u8 protocol)
{
	__u64 word = last_word(ports, protocol);

	return STAGE(skb, state) & STAGE_IPV6 ? count_flow6(skb, word) : count_flow4(skb, word);
}

/* For the stages without ports, SCTP and external stages. TCP and UDP count by themselves, without
 * this jump. */
SLOT(16, PARSER_FLOW, parser_flow)
{
	return count_flow(skb, STAGE(skb, ports), STAGE(skb, protocol));
}

/* ---- the transport layer ----------------------------------------------------------------------------- */

struct tcp_header {
	__be32 ports;
	__be32 sequence;
	__be32 acknowledgement;
	__be16 length_and_flags; /* the first four bits: 32-bit words */
	__be16 window;
	__be32 checksum_and_urgent;
};

_Static_assert(sizeof(struct tcp_header) == 20, "TCP's header without options");

SLOT(11, PARSER_TCP, parser_tcp)
{
	const struct tcp_header *tcp = stage__header(skb, sizeof(*tcp));
	__be32 ports;
	__u32 length;

	if (!tcp)
		return stage__end(skb, too_short);
	length = bpf_ntohs(tcp->length_and_flags) >> 12 << 2;
	if (length < sizeof(*tcp))
		return stage__end(skb, malformed);
	if (STAGE(skb, offset) + length > STAGE(skb, limit))
		return stage__end(skb, too_short);
	ports = STAGE(skb, ports) = tcp->ports;
	stage__skip(skb, length);
	stage__try(skb, PARSER_TCP_PAYLOAD);
	return count_flow(skb, ports, IPPROTO_TCP);
}

struct udp_header {
	__be32 ports;
	__be16 length;
	__be16 checksum;
};

static __always_inline bool is_vxlan(__be32 ports)
{
	__u32 port = bpf_ntohl(ports) & 0xffff;

	return port == VXLAN_PORT || port == VXLAN_PORT_OF_LINUX;
}

SLOT(12, PARSER_UDP, parser_udp)
{
	const struct udp_header *udp = stage__header(skb, sizeof(*udp));
	__be32 ports;

	if (!udp)
		return stage__end(skb, too_short);
	ports = STAGE(skb, ports) = udp->ports;
	stage__skip(skb, sizeof(*udp));
	if (is_vxlan(ports))
		return stage__next(skb, PARSER_VXLAN);
	stage__try(skb, PARSER_UDP_PAYLOAD);
	return count_flow(skb, ports, IPPROTO_UDP);
}

SLOT(13, PARSER_SCTP, parser_sctp)
{
	const __be32 *sctp = stage__header(skb, 3 * sizeof(*sctp));

	if (!sctp)
		return stage__end(skb, too_short);
	STAGE(skb, ports) = sctp[0];
	stage__skip(skb, 3 * sizeof(*sctp));
	return stage__next(skb, PARSER_FLOW);
}

static __always_inline int count_icmp(struct __sk_buff *skb)
{
	if (!stage__header(skb, 8))
		return stage__end(skb, too_short);
	return stage__next(skb, PARSER_FLOW);
}

SLOT(14, PARSER_ICMP, parser_icmp)
{
	return count_icmp(skb);
}

SLOT(15, PARSER_ICMPV6, parser_icmpv6)
{
	return count_icmp(skb);
}
