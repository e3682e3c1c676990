// SPDX-License-Identifier: GPL-2.0-only
/* Helpers of bpf_api.h that read and change a packet: bytes, checksums, VLANs, tunnels; and its byte order. */
#include <linux/if_ether.h>
#include <linux/ip.h>

#include "bpf_api.h"

#define TTL (ETH_HLEN + offsetof(struct iphdr, ttl))

BPF_ARRAY4(seen, 0, PIN_GLOBAL_NS, 8);

static __inline__ void note(uint32_t slot, uint32_t value)
{
	map_update_elem(&seen, &slot, &value, BPF_ANY);
}

/* Constants, in case labels and initial values. */
static __inline__ int is_ipv4(__be16 protocol)
{
	switch (protocol) {
	case htons(ETH_P_IP):
		return 1;
	default:
		return 0;
	}
}

/* Sets the TTL of an IPv4 packet to 9 and its checksum right. */
__section("ttl")
int set_ttl(struct __sk_buff *skb)
{
	uint16_t before, after;
	struct iphdr ip, copy;

	if (!is_ipv4(skb->protocol) || skb_load_bytes(skb, ETH_HLEN, &ip, sizeof(ip)))
		return TC_ACT_OK;
	memset(&copy, 0, sizeof(copy));
	memcpy(&copy, &ip, sizeof(copy));
	copy.ttl = 9;
	memcpy(&before, &ip.ttl, sizeof(before));
	memcpy(&after, &copy.ttl, sizeof(after));
	skb_store_bytes(skb, TTL, &copy.ttl, sizeof(copy.ttl), 0);
	l3_csum_replace(skb, ETH_HLEN + offsetof(struct iphdr, check), before, after, sizeof(after));
	note(0, load_half(skb, offsetof(struct ethhdr, h_proto)));
	note(1, load_byte(skb, TTL));
	note(2, bpf_ntohl(htonl(load_word(skb, ETH_HLEN))) == load_word(skb, ETH_HLEN));
	note(3, ntohs(bpf_htons(0x1234)));
	return TC_ACT_OK;
}

__section("rest")
int change(struct __sk_buff *skb)
{
	uint32_t zero = 0, sum;

	sum = csum_diff(&zero, sizeof(zero), &zero, sizeof(zero), 0);
	if (skb_pull_data(skb, ETH_HLEN) || skb_change_tail(skb, 64, 0) || skb_change_type(skb, 0))
		return TC_ACT_SHOT;
	csum_update(skb, sum);
	l4_csum_replace(skb, 40, 0, sum, BPF_F_PSEUDO_HDR);
	return skb_change_proto(skb, htons(ETH_P_IPV6), 0) ? TC_ACT_SHOT : TC_ACT_OK;
}

__section("vlan")
int tag(struct __sk_buff *skb)
{
	return skb_vlan_push(skb, htons(ETH_P_8021Q), 42) || skb_vlan_pop(skb) ? TC_ACT_SHOT : TC_ACT_OK;
}

__section("tunnel")
int encap(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {};
	uint8_t option[4] = {};

	if (!skb_get_tunnel_key(skb, &key, sizeof(key), 0))
		skb_get_tunnel_opt(skb, option, sizeof(option));
	key.tunnel_id = 42;
	key.remote_ipv4 = 0x0a090002;
	skb_set_tunnel_key(skb, &key, sizeof(key), BPF_F_ZERO_CSUM_TX);
	skb_set_tunnel_opt(skb, option, sizeof(option));
	return TC_ACT_OK;
}

BPF_LICENSE("GPL");
