// SPDX-License-Identifier: GPL-2.0-only
/*
 * Redirects packets for virtual addresses (VIPs) into tunnels or to devices before the stack routes
 * them, decapsulates them at the other end, and drops packets there that do not come from a tunnel.
 *
 *   elfmap tc qdisc add dev DEV clsact
 *   elfmap tc filter add dev DEV ingress bpf da obj l2_redirect.o sec redirect
 *   elfmap tc filter add dev DEV egress bpf da obj l2_redirect.o sec redirect
 *   elfmap tc filter add dev DEV ingress pref 2 bpf da obj l2_redirect.o sec forward
 *   elfmap tc filter add dev DEV ingress pref 1 bpf da obj l2_redirect.o sec drop_non_tun_vip
 *
 * redirect looks the destination up in l2_vips; the longest prefix determines the action. forward
 * decapsulates IPIP, 6in4 and the like whose destination is in l2_ends, and leaves transit traffic
 * unchanged. drop_non_tun_vip drops packets for a VIP that are not in a tunnel; it must precede forward,
 * after which it would see the inner packet. include/l2_redirect.h describes the maps,
 * man/elfmap-l2-redirect.8 how to fill them. Other packets go to the next filter (TC_ACT_UNSPEC).
 *
 * All fragments of a packet take the same path, since only addresses matter. VLAN tags belong to the
 * link, and are removed before a packet enters a tunnel. Needs Linux 6.0 (source address in tunnel keys).
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "ipip.h"
#include "l2_redirect.h"
#include "parse.h"

char _license[] SEC("license") = "GPL";

struct bpf_elf_map SEC("maps") tun_iface = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(ifindex),
	.max_elem = L2_DEVICES,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(tun_iface, __u32, ifindex);

struct bpf_elf_map SEC("maps") l2_vips = {
	.type = BPF_MAP_TYPE_LPM_TRIE,
	.size_key = sizeof(struct l2_prefix),
	.size_value = sizeof(struct l2_vip),
	.max_elem = L2_VIPS,
	.flags = BPF_F_NO_PREALLOC,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(l2_vips, struct l2_prefix, struct l2_vip);

struct bpf_elf_map SEC("maps") l2_ends = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct l2_end),
	.max_elem = L2_ENDS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(l2_ends, __u32, struct l2_end);

/* By slot: the tick and device number of the last success of find_device(). Not pinned, since namespaces
 * that share the other maps have different device numbers. */
struct bpf_elf_map SEC("maps") l2_seen = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = L2_DEVICES,
};

struct bpf_elf_map SEC("maps") l2_stats = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(struct l2_counts),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(l2_stats, __u32, struct l2_counts);

static __always_inline __u32 count_segments(struct __sk_buff *skb)
{
	return skb->gso_segs ? skb->gso_segs : 1;
}

#define count_packets(packets, member)                                           \
	do {                                                                     \
		__u32 all = 0;                                                   \
		struct l2_counts *counts = bpf_map_lookup_elem(&l2_stats, &all); \
                                                                                 \
		if (counts)                                                      \
			counts->member += (packets);                             \
	} while (0)

#define count(skb, member) count_packets(count_segments(skb), member)

/* ---- the packet and its action ---------------------------------------------------------------- */

/* Only what redirecting needs of the header: the destination and the protocol. */
static __always_inline enum packet_verdict read_ipv4(struct __sk_buff *skb, struct packet *pkt)
{
	const struct iphdr *header = packet__at(skb, pkt->l3_offset, sizeof(*header));

	if (!header)
		return PACKET_SHORT;
	if (header->version != 4 || header->ihl < 5)
		return PACKET_MALFORMED;
	pkt->protocol = header->protocol;
	pkt->daddr[0] = 0;
	pkt->daddr[1] = packet__map_ipv4(header->daddr);
	return PACKET_OK;
}

static __always_inline enum packet_verdict read_ipv6(struct __sk_buff *skb, struct packet *pkt)
{
	const struct ipv6hdr *header = packet__at(skb, pkt->l3_offset, sizeof(*header));
	const __u64 *address;

	if (!header)
		return PACKET_SHORT;
	if (header->version != 6)
		return PACKET_MALFORMED;
	pkt->protocol = header->nexthdr;
	address = (const void *)&header->daddr;
	pkt->daddr[0] = address[0];
	pkt->daddr[1] = address[1];
	return PACKET_OK;
}

static __always_inline enum packet_verdict read_destination(struct __sk_buff *skb, struct packet *pkt)
{
	enum packet_verdict verdict;

	if (skb->protocol == bpf_htons(ETH_P_IP)) { /* the most frequent case; it has no tags in the payload */
		*pkt = (struct packet){.l3_offset = ETH_HLEN, .end = skb->len, .ethertype = bpf_htons(ETH_P_IP)};
		return read_ipv4(skb, pkt);
	}
	verdict = packet__link(skb, ETH_HLEN, pkt);
	if (verdict)
		return verdict;
	if (pkt->ethertype == bpf_htons(ETH_P_IP))
		return read_ipv4(skb, pkt);
	if (pkt->ethertype == bpf_htons(ETH_P_IPV6))
		return read_ipv6(skb, pkt);
	return PACKET_NON_IP;
}

static __always_inline void count_unparsed(struct __sk_buff *skb, enum packet_verdict verdict)
{
	if (verdict == PACKET_NON_IP)
		count(skb, non_ip);
	else if (verdict == PACKET_SHORT)
		count(skb, too_short);
	else if (verdict == PACKET_DEPTH)
		count(skb, depth);
	else
		count(skb, malformed);
}

/* The key starts in the middle of the first word, so that it is written in whole words. */
static __always_inline const struct l2_vip *find_vip(const struct packet *pkt)
{
	__u64 words[3] = {0, pkt->daddr[0], pkt->daddr[1]};

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	words[0] = 128ull << 32;
#else
	words[0] = 128;
#endif
	return bpf_map_lookup_elem(&l2_vips, (__u32 *)words + 1);
}

static __always_inline const struct l2_end *find_end(const struct packet *pkt)
{
#pragma unroll
	for (__u32 i = 0; i < L2_ENDS; i++) {
		__u32 slot = i;
		const struct l2_end *end = bpf_map_lookup_elem(&l2_ends, &slot);
		const __u64 *address = (const void *)end;

		if (end && address[1] == pkt->daddr[1] && address[0] == pkt->daddr[0])
			return end;
	}
	return NULL;
}

/* The number of the device in SLOT, or 0, which is counted: the kernel would silently drop a packet for
 * a device that does not exist. The check costs as much as the rest of the program, so it is done once
 * per tick. */
static __always_inline __u32 find_device(struct __sk_buff *skb, __u32 slot)
{
	const __u32 *ifindex = bpf_map_lookup_elem(&tun_iface, &slot);
	__u64 *seen = bpf_map_lookup_elem(&l2_seen, &slot);
	__u32 device, mtu = 0;
	__u64 now;

	if (!ifindex || !seen) {
		count(skb, invalid);
		return 0;
	}
	device = *(const volatile __u32 *)ifindex;
	if (!device) {
		count(skb, unset);
		return 0;
	}
	now = bpf_jiffies64() << 32 | device;
	if (*seen == now)
		return device;
	if (bpf_check_mtu(skb, device, &mtu, 0, 0) < 0) {
		count(skb, gone);
		return 0;
	}
	*seen = now;
	return device;
}

/* ---- redirect --------------------------------------------------------------------------------- */

static __always_inline bool set_destination(struct __sk_buff *skb, const struct l2_vip *vip)
{
	const __u16 *to = (const void *)vip->to;

	if (!(to[0] | to[1] | to[2]))
		return true;
	return !bpf_skb_store_bytes(skb, 0, vip->to, sizeof(vip->to), 0);
}

static __always_inline int send_to_device(struct __sk_buff *skb, const struct l2_vip *vip, __u32 device)
{
	__u32 mtu = 0;

	if (bpf_check_mtu(skb, device, &mtu, 0, 0)) {
		count(skb, too_big);
		return TC_ACT_SHOT;
	}
	if (!set_destination(skb, vip)) {
		count(skb, room_failed);
		return TC_ACT_SHOT;
	}
	count(skb, device);
	return bpf_redirect(device, 0);
}

/* The helper takes IPv4 addresses in host order, and IPv6 addresses in network order. */
static __always_inline int set_tunnel_key(struct __sk_buff *skb, const struct l2_vip *vip, const union address *remote)
{
	union address local = address__read(vip->local);
	struct bpf_tunnel_key key = {
		.tunnel_id = vip->tunnel_id,
		.tunnel_ttl = vip->ttl ? vip->ttl : L2_TTL,
		.tunnel_tos = vip->tos,
	};
	__u64 flags = vip->tunnel_flags & ~BPF_F_TUNINFO_IPV6;

	if (address__is_ipv4(remote)) {
		key.remote_ipv4 = bpf_ntohl(remote->quarters[3]);
		key.local_ipv4 = address__is_ipv4(&local) ? bpf_ntohl(local.quarters[3]) : 0;
	} else {
		flags |= BPF_F_TUNINFO_IPV6;
		__builtin_memcpy(key.remote_ipv6, remote, sizeof(*remote));
		__builtin_memcpy(key.local_ipv6, &local, sizeof(local));
	}
	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), flags);
}

static __always_inline int send_to_tunnel(struct __sk_buff *skb, const struct packet *pkt, const struct l2_vip *vip,
					  const union address *remote, __u32 device)
{
	if (!packet__pop_tags(skb, pkt) || !set_destination(skb, vip)) {
		count(skb, room_failed);
		return TC_ACT_SHOT;
	}
	if (set_tunnel_key(skb, vip, remote)) {
		count(skb, key_failed);
		return TC_ACT_SHOT;
	}
	count(skb, tunnel);
	return bpf_redirect(device, 0);
}

/* The stack looks up the next hop of the outer header. */
static __always_inline int send_encapsulated(struct __sk_buff *skb, const struct packet *pkt, const struct l2_vip *vip,
					     const union address *remote, __u32 device)
{
	struct ipip_outer outer = {
		.remote = *remote,
		.local = address__read(vip->local),
		.ttl = vip->ttl ? vip->ttl : L2_TTL,
		.tos = vip->tos,
	};
	__u32 mtu = 0, packets = count_segments(skb); /* before the kernel changes it with the space for a header */

	if (!packet__pop_tags(skb, pkt)) {
		count(skb, room_failed);
		return TC_ACT_SHOT;
	}
	if (bpf_check_mtu(skb, device, &mtu, ipip__size(address__is_ipv4(remote)), 0)) {
		count(skb, too_big);
		return TC_ACT_SHOT;
	}
	if (!ipip__wrap(skb, &outer)) {
		count(skb, room_failed);
		return TC_ACT_SHOT;
	}
	count_packets(packets, ipip);
	return bpf_redirect_neigh(device, NULL, 0, 0);
}

/* ---- redirect: actions ---------------------------------------------------------------------------- */

static __always_inline bool is_contradiction(const struct l2_vip *vip, const union address *remote)
{
	union address local = address__read(vip->local);

	if (vip->action == L2_DEVICE)
		return false;
	if (vip->action == L2_TUNNEL)
		return address__is_unset(remote);
	return vip->action != L2_IPIP || address__is_unset(remote) || address__is_unset(&local) ||
	       address__is_ipv4(remote) != address__is_ipv4(&local);
}

/* Packets of the tunnel itself must not enter it again, even if the prefix of a VIP covers the endpoint. */
static __always_inline bool is_for_far_end(const struct packet *pkt, const union address *remote)
{
	return pkt->daddr[1] == remote->words[1] && pkt->daddr[0] == remote->words[0];
}

SEC("redirect")
int l2_redirect(struct __sk_buff *skb)
{
	enum packet_verdict verdict;
	const struct l2_vip *vip;
	union address remote;
	struct packet pkt;
	__u32 device;

	verdict = read_destination(skb, &pkt);
	if (verdict) {
		count_unparsed(skb, verdict);
		return TC_ACT_UNSPEC;
	}
	vip = find_vip(&pkt);
	if (!vip || vip->action == L2_HERE) {
		count(skb, passed);
		return TC_ACT_UNSPEC;
	}
	if (vip->action == L2_NORMAL) {
		count(skb, unset);
		return TC_ACT_UNSPEC;
	}
	remote = address__read(vip->remote);
	if (is_contradiction(vip, &remote)) {
		count(skb, invalid);
		return TC_ACT_UNSPEC;
	}
	if (is_for_far_end(&pkt, &remote)) {
		count(skb, passed);
		return TC_ACT_UNSPEC;
	}
	device = find_device(skb, vip->device);
	if (!device)
		return TC_ACT_UNSPEC;
	if (vip->action == L2_DEVICE)
		return send_to_device(skb, vip, device);
	if (vip->action == L2_TUNNEL)
		return send_to_tunnel(skb, &pkt, vip, &remote, device);
	return send_encapsulated(skb, &pkt, vip, &remote, device);
}

/* ---- forward -------------------------------------------------------------------------------------- */

static __always_inline int take_apart(struct __sk_buff *skb, struct packet *pkt)
{
	enum packet_verdict verdict = packet__network(skb, pkt);

	if (verdict) {
		count_unparsed(skb, verdict);
		return TC_ACT_UNSPEC;
	}
	if (pkt->fragment != PACKET_WHOLE || pkt->l3_offset != ETH_HLEN) {
		count(skb, unstripped);
		return TC_ACT_UNSPEC;
	}
	if (!ipip__unwrap(skb, pkt)) {
		count(skb, room_failed);
		return TC_ACT_SHOT;
	}
	count(skb, stripped);
	return TC_ACT_UNSPEC;
}

static __always_inline bool is_tunnel(const struct packet *pkt)
{
	return pkt->protocol == IPPROTO_IPIP || pkt->protocol == IPPROTO_IPV6;
}

/* Only IPv6 may have extension headers before the inner packet. */
static __always_inline enum packet_verdict find_inside(struct __sk_buff *skb, struct packet *pkt)
{
	enum packet_verdict verdict = read_destination(skb, pkt);

	if (verdict || is_tunnel(pkt) || pkt->ethertype == bpf_htons(ETH_P_IP))
		return verdict;
	return packet__is_extension(pkt->protocol) ? packet__network(skb, pkt) : PACKET_OK;
}

static __always_inline int send_to_ingress(struct __sk_buff *skb, const struct l2_end *end)
{
	__u32 device = find_device(skb, end->device);

	if (!device)
		return TC_ACT_UNSPEC;
	count(skb, forwarded);
	return bpf_redirect(device, BPF_F_INGRESS);
}

SEC("forward")
int l2_forward(struct __sk_buff *skb)
{
	enum packet_verdict verdict;
	const struct l2_end *end;
	struct packet pkt;

	verdict = find_inside(skb, &pkt);
	if (verdict) {
		count_unparsed(skb, verdict);
		return TC_ACT_UNSPEC;
	}
	end = is_tunnel(&pkt) ? find_end(&pkt) : NULL;
	if (!end) {
		count(skb, passed);
		return TC_ACT_UNSPEC;
	}
	if (end->action == L2_END_DEVICE)
		return send_to_ingress(skb, end);
	if (end->action == L2_END_STRIP)
		return take_apart(skb, &pkt);
	count(skb, unset);
	return TC_ACT_UNSPEC;
}

/* ---- guard ---------------------------------------------------------------------------------------- */

/* It drops packets that it cannot parse. */
SEC("drop_non_tun_vip")
int l2_guard(struct __sk_buff *skb)
{
	enum packet_verdict verdict;
	const struct l2_vip *vip;
	struct packet pkt;

	verdict = read_destination(skb, &pkt);
	if (verdict == PACKET_NON_IP) {
		count(skb, non_ip);
		return TC_ACT_UNSPEC;
	}
	if (verdict) {
		count(skb, guard_unsure);
		return TC_ACT_SHOT;
	}
	vip = find_vip(&pkt);
	if (!vip || vip->action == L2_NORMAL) {
		count(skb, passed);
		return TC_ACT_UNSPEC;
	}
	count(skb, guarded);
	return TC_ACT_SHOT;
}
