// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sends packets for virtual addresses (VIPs) into tunnels or out of devices, before the stack routes
 * them; takes tunnel packets apart at the far end; and sees to it there that nothing arrives bare.
 *
 *   elfmap tc qdisc add dev DEV clsact
 *   elfmap tc filter add dev DEV ingress bpf da obj l2_redirect.o sec redirect
 *   elfmap tc filter add dev DEV egress bpf da obj l2_redirect.o sec redirect
 *   elfmap tc filter add dev DEV ingress pref 2 bpf da obj l2_redirect.o sec forward
 *   elfmap tc filter add dev DEV ingress pref 1 bpf da obj l2_redirect.o sec drop_non_tun_vip
 *
 * redirect looks the destination up in l2_vips: the longest prefix says what is done. forward
 * handles IPIP, 6in4 and the like whose destination is one of l2_ends, and leaves those in transit
 * alone. drop_non_tun_vip drops what is for a VIP and not in a tunnel; it stands before forward, which
 * would show it the inner packet. include/l2_redirect.h has the maps, man/elfmap-l2-redirect.8 how they are
 * filled. What is not ours goes on to the next filter (TC_ACT_UNSPEC), unchanged.
 *
 * All fragments of a packet go the same way: only addresses decide. VLAN tags belong to the link, so
 * they are taken off before a packet enters a tunnel. Needs Linux 6.0 (source address in tunnel keys).
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "l2_redirect.h"
#include "parse.h"

#define VLAN_POPS (PACKET_TAGS_MAX + 1)
#define IPV4_DONT_FRAGMENT 0x4000
#define ECN_BITS 3
/* Newer than some <linux/bpf.h>; needed where the families of outer and inner header differ. */
#define ADJ_ROOM_DECAP_L3_IPV4 (1ull << 7)
#define ADJ_ROOM_DECAP_L3_IPV6 (1ull << 8)

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

/* By slot: tick and number with which find_device() last found the device there. Not pinned: namespaces
 * that share the other maps number their devices each for itself. */
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

#define count(skb, member)                                                       \
	do {                                                                     \
		__u32 all = 0;                                                   \
		struct l2_counts *counts = bpf_map_lookup_elem(&l2_stats, &all); \
                                                                                 \
		if (counts)                                                      \
			counts->member += (skb)->gso_segs ? (skb)->gso_segs : 1; \
	} while (0)

/* ---- what a packet is, and what is to be done with it ----------------------------------------- */

/* No more of the header than redirecting needs: destination, and the protocol that stands in it. */
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

	if (skb->protocol == bpf_htons(ETH_P_IP)) { /* the most frequent case, and then there are no tags to look for */
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

/* The key begins in the middle of the first word, so that all of it is written in whole words. */
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

/* The number of the device in SLOT, or 0, which has been counted: the kernel itself would drop a packet
 * for a device that there is not, and tell nobody. Asking costs as much as all the rest, so it is
 * done once a tick. */
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

/* An address as words, like the parser has it. */
union address {
	__u64 words[2];
	__u32 quarters[4];
};

static __always_inline union address read_address(const ip *from)
{
	const __u64 *words = (const void *)from;

	return (union address){.words = {words[0], words[1]}};
}

static __always_inline bool is_unset(const union address *address)
{
	return !(address->words[0] | address->words[1]);
}

static __always_inline bool is_ipv4(const union address *address)
{
	return !address->words[0] && address->quarters[2] == bpf_htonl(0xffff);
}

/* ---- redirect --------------------------------------------------------------------------------- */

/* All tags, in the metadata or not. */
static __always_inline bool pop_tags(struct __sk_buff *skb, const struct packet *pkt)
{
	if (!skb->vlan_present && pkt->l3_offset == ETH_HLEN)
		return true;
#pragma unroll
	for (int i = 0; i < VLAN_POPS; i++) {
		if (!skb->vlan_present && !packet__is_tag(skb->protocol))
			break;
		if (bpf_skb_vlan_pop(skb))
			return false;
	}
	return !skb->vlan_present && !packet__is_tag(skb->protocol);
}

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

/* The helper wants IPv4 in host order and IPv6 in network order. */
static __always_inline int set_tunnel_key(struct __sk_buff *skb, const struct l2_vip *vip, const union address *remote)
{
	union address local = read_address(&vip->local);
	struct bpf_tunnel_key key = {
		.tunnel_id = vip->tunnel_id,
		.tunnel_ttl = vip->ttl ? vip->ttl : L2_TTL,
		.tunnel_tos = vip->tos,
	};
	__u64 flags = vip->tunnel_flags & ~BPF_F_TUNINFO_IPV6;

	if (is_ipv4(remote)) {
		key.remote_ipv4 = bpf_ntohl(remote->quarters[3]);
		key.local_ipv4 = is_ipv4(&local) ? bpf_ntohl(local.quarters[3]) : 0;
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
	if (!pop_tags(skb, pkt) || !set_destination(skb, vip)) {
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

/* ---- redirect: the outer header made here -------------------------------------------------------- */

static __always_inline __u16 ipv4_checksum(const struct iphdr *header)
{
	__s64 sum = bpf_csum_diff(NULL, 0, (__be32 *)header, sizeof(*header), 0);

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline __u8 read_tos(struct __sk_buff *skb, const struct packet *pkt)
{
	const __u8 *header = packet__at(skb, pkt->l3_offset, 2);

	if (!header)
		return 0;
	return pkt->family == 4 ? header[1] : header[0] << 4 | header[1] >> 4;
}

static __always_inline bool store_ipv4(struct __sk_buff *skb, const struct l2_vip *vip, const union address *remote,
				       __u8 protocol, __u8 tos, __u32 length)
{
	union address local = read_address(&vip->local);
	struct iphdr header = {
		.version = 4,
		.ihl = 5,
		.tos = tos,
		.tot_len = bpf_htons(length + sizeof(header) > 0xffff ? 0 : length + sizeof(header)),
		.frag_off = bpf_htons(IPV4_DONT_FRAGMENT),
		.ttl = vip->ttl ? vip->ttl : L2_TTL,
		.protocol = protocol,
		.saddr = local.quarters[3],
		.daddr = remote->quarters[3],
	};
	__be16 ethertype = bpf_htons(ETH_P_IP);

	header.check = ipv4_checksum(&header);
	return !bpf_skb_store_bytes(skb, ETH_HLEN, &header, sizeof(header), 0) &&
	       !bpf_skb_store_bytes(skb, ETH_HLEN - 2, &ethertype, 2, 0);
}

static __always_inline bool store_ipv6(struct __sk_buff *skb, const struct l2_vip *vip, const union address *remote,
				       __u8 protocol, __u8 tos, __u32 length)
{
	union address local = read_address(&vip->local);
	struct ipv6hdr header = {
		.version = 6,
		.priority = tos >> 4,
		.payload_len = bpf_htons(length > 0xffff ? 0 : length),
		.nexthdr = protocol,
		.hop_limit = vip->ttl ? vip->ttl : L2_TTL,
	};
	__be16 ethertype = bpf_htons(ETH_P_IPV6);

	header.flow_lbl[0] = tos << 4;
	__builtin_memcpy(&header.saddr, &local, sizeof(local));
	__builtin_memcpy(&header.daddr, remote, sizeof(*remote));
	return !bpf_skb_store_bytes(skb, ETH_HLEN, &header, sizeof(header), 0) &&
	       !bpf_skb_store_bytes(skb, ETH_HLEN - 2, &ethertype, 2, 0);
}

/* TCP segments are made smaller by the room that the header takes; datagrams must stay what they are. */
static __always_inline __u64 room_flags(struct __sk_buff *skb, const struct packet *pkt, bool to_ipv4)
{
	__u64 flags = to_ipv4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;

	if (skb->gso_size && pkt->protocol == IPPROTO_UDP)
		flags |= BPF_F_ADJ_ROOM_FIXED_GSO;
	return flags;
}

static __always_inline bool encapsulate(struct __sk_buff *skb, const struct l2_vip *vip, const union address *remote,
					bool to_ipv4)
{
	struct packet pkt;
	__u32 length;
	__u8 protocol, tos;

	if (packet__link(skb, ETH_HLEN, &pkt) || packet__network(skb, &pkt))
		return false;
	length = pkt.end - pkt.l3_offset;
	protocol = pkt.family == 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
	tos = (vip->tos & ~ECN_BITS) | (read_tos(skb, &pkt) & ECN_BITS);
	if (to_ipv4)
		return !bpf_skb_adjust_room(skb, sizeof(struct iphdr), BPF_ADJ_ROOM_MAC, room_flags(skb, &pkt, true)) &&
		       store_ipv4(skb, vip, remote, protocol, tos, length);
	return !bpf_skb_adjust_room(skb, sizeof(struct ipv6hdr), BPF_ADJ_ROOM_MAC, room_flags(skb, &pkt, false)) &&
	       store_ipv6(skb, vip, remote, protocol, tos, length);
}

/* The stack finds the next hop of the outer header. */
static __always_inline int send_encapsulated(struct __sk_buff *skb, const struct packet *pkt, const struct l2_vip *vip,
					     const union address *remote, __u32 device)
{
	bool to_ipv4 = is_ipv4(remote);
	__u32 mtu = 0;

	if (!pop_tags(skb, pkt)) {
		count(skb, room_failed);
		return TC_ACT_SHOT;
	}
	if (bpf_check_mtu(skb, device, &mtu, to_ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr), 0)) {
		count(skb, too_big);
		return TC_ACT_SHOT;
	}
	if (!encapsulate(skb, vip, remote, to_ipv4)) {
		count(skb, room_failed);
		return TC_ACT_SHOT;
	}
	count(skb, ipip);
	return bpf_redirect_neigh(device, NULL, 0, 0);
}

/* ---- redirect: which of the three ----------------------------------------------------------------- */

static __always_inline bool is_contradiction(const struct l2_vip *vip, const union address *remote)
{
	union address local = read_address(&vip->local);

	if (vip->action == L2_DEVICE)
		return false;
	if (vip->action == L2_TUNNEL)
		return is_unset(remote);
	return vip->action != L2_IPIP || is_unset(remote) || is_unset(&local) || is_ipv4(remote) != is_ipv4(&local);
}

/* What the tunnel sends to its far end is not to enter the tunnel again, should a VIP's prefix cover it. */
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
	remote = read_address(&vip->remote);
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

static __always_inline bool is_congested(struct __sk_buff *skb, const struct packet *pkt)
{
	return (read_tos(skb, pkt) & ECN_BITS) == ECN_BITS;
}

/* Takes off the IP header with its options or extension headers. */
static __always_inline bool strip(struct __sk_buff *skb, const struct packet *pkt)
{
	bool to_ipv4 = pkt->protocol == IPPROTO_IPIP, congested = is_congested(skb, pkt);
	__be16 ethertype = to_ipv4 ? bpf_htons(ETH_P_IP) : bpf_htons(ETH_P_IPV6);
	__u64 flags = 0;

	if (to_ipv4 != (pkt->family == 4))
		flags = to_ipv4 ? ADJ_ROOM_DECAP_L3_IPV4 : ADJ_ROOM_DECAP_L3_IPV6;
	if (bpf_skb_adjust_room(skb, -(__s32)(pkt->l4_offset - pkt->l3_offset), BPF_ADJ_ROOM_MAC, flags) ||
	    bpf_skb_store_bytes(skb, ETH_HLEN - 2, &ethertype, sizeof(ethertype), 0))
		return false;
	if (congested)
		bpf_skb_ecn_set_ce(skb);
	return true;
}

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
	if (!strip(skb, pkt)) {
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

/* Only IPv6 headers have others between them and the packet inside. */
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

/* What it cannot judge it drops: a guard that lets odd packets through is none. */
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
