// SPDX-License-Identifier: GPL-2.0-only
/* For tests/lab/l2_redirect.bats. Section outer records the headers of tunnel packets on the wire; tag and
 * tag_twice add VLAN tags at egress; hash counts packets with and without a hash. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"
#include "elfmap_types.h"

#define VXLAN_PORT 4789

char _license[] SEC("license") = "GPL";

struct outer {
	ip remote;
	__u32 protocol;
	__u32 ttl;
	__u32 tos;
	__u32 vni; /* 0: no vxlan */
};

struct bpf_elf_map SEC("maps") l2_outer = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(struct outer),
	.size_value = sizeof(__u64),
	.max_elem = 64,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(l2_outer, struct outer, __u64);

static __always_inline int read_vni(struct __sk_buff *skb, __u32 offset, struct outer *key)
{
	struct {
		struct udphdr udp;
		__be32 flags;
		__be32 vni;
	} vxlan;

	if (bpf_skb_load_bytes(skb, offset, &vxlan, sizeof(vxlan)) || vxlan.udp.dest != bpf_htons(VXLAN_PORT))
		return -1;
	key->vni = bpf_ntohl(vxlan.vni) >> 8;
	return 0;
}

static __always_inline int read_outer(struct __sk_buff *skb, struct outer *key, __u32 *ret_offset)
{
	struct ipv6hdr ipv6;
	struct iphdr ipv4;

	if (skb->protocol == bpf_htons(ETH_P_IP) && !bpf_skb_load_bytes(skb, ETH_HLEN, &ipv4, sizeof(ipv4))) {
		__u32 *words = (void *)key->remote;

		words[2] = bpf_htonl(0xffff);
		words[3] = ipv4.daddr;
		key->protocol = ipv4.protocol;
		key->ttl = ipv4.ttl;
		key->tos = ipv4.tos;
		*ret_offset = ETH_HLEN + sizeof(ipv4);
		return 0;
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6) && !bpf_skb_load_bytes(skb, ETH_HLEN, &ipv6, sizeof(ipv6))) {
		__builtin_memcpy(key->remote, &ipv6.daddr, sizeof(key->remote));
		key->protocol = ipv6.nexthdr;
		key->ttl = ipv6.hop_limit;
		key->tos = ipv6.priority << 4 | ipv6.flow_lbl[0] >> 4;
		*ret_offset = ETH_HLEN + sizeof(ipv6);
		return 0;
	}
	return -1;
}

SEC("outer")
int note_outer(struct __sk_buff *skb)
{
	struct outer key = {};
	__u64 one = 1, *packets;
	__u32 offset = 0;

	if (read_outer(skb, &key, &offset) || (key.protocol == IPPROTO_UDP && read_vni(skb, offset, &key)))
		return TC_ACT_UNSPEC;
	if (key.protocol != IPPROTO_UDP && key.protocol != IPPROTO_IPIP && key.protocol != IPPROTO_IPV6)
		return TC_ACT_UNSPEC;
	packets = bpf_map_lookup_elem(&l2_outer, &key);
	if (packets)
		__sync_fetch_and_add(packets, 1);
	else
		bpf_map_update_elem(&l2_outer, &key, &one, BPF_ANY);
	return TC_ACT_UNSPEC;
}

struct bpf_elf_map SEC("maps") l2_hashed = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 2, /* without, with */
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(l2_hashed, __u32, __u64);

SEC("hash")
int count_hashes(struct __sk_buff *skb)
{
	__u32 has_hash = skb->hash != 0;
	__u64 *packets = bpf_map_lookup_elem(&l2_hashed, &has_hash);

	if (packets && skb->protocol == bpf_htons(ETH_P_IP))
		__sync_fetch_and_add(packets, 1);
	return TC_ACT_UNSPEC;
}

SEC("tag")
int push_tag(struct __sk_buff *skb)
{
	bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 5);
	return TC_ACT_UNSPEC;
}

SEC("tag_twice")
int push_tags(struct __sk_buff *skb)
{
	bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 5);
	bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021AD), 6);
	return TC_ACT_UNSPEC;
}
