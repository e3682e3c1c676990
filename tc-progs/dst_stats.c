// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts packets and bytes per destination address: IPv4 and IPv6, both directions, inside tunnels.
 *
 *   elfmap tc qdisc add dev DEV clsact
 *   elfmap tc filter add dev DEV ingress bpf da obj dst_stats.o sec ingress
 *   elfmap tc filter add dev DEV egress bpf da obj dst_stats.o sec egress
 *   elfmap map dump dst_stats sum
 *   elfmap map dump dst_errs sum
 *
 * On a device without link-layer header (tun, wireguard, ppp): sec ingress_l3, sec egress_l3.
 *
 * A packet in IPIP, 6in4 or GRE counts for its inner destination, a fragment for the destination
 * in its own header. Bytes and packets are those on the wire (wire_len, gso_segs), as in `tc -s`:
 * skb->len contains the headers of a GSO packet only once. The verdict is always TC_ACT_UNSPEC,
 * so that the next filters see the packet. Needs Linux 5.11 (coarse clock).
 *
 * If the map is full, new destinations are refused, and dst_errs counts that;
 * dst_stats_lru.o evicts the least recently used ones instead.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "bpf_elf.h"
#include "dst_stats.h"
#include "plain.h"

#ifndef DST_STATS_TYPE
#define DST_STATS_TYPE BPF_MAP_TYPE_PERCPU_HASH
#endif
#ifndef DST_STATS_ENTRIES
#define DST_STATS_ENTRIES 4096
#endif

char _license[] SEC("license") = "GPL";

struct bpf_elf_map SEC("maps") dst_stats = {
	.type = DST_STATS_TYPE,
	.size_key = sizeof(struct dst_key),
	.size_value = sizeof(struct dst_value),
	.max_elem = DST_STATS_ENTRIES,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(dst_stats, struct dst_key, struct dst_value);

struct bpf_elf_map SEC("maps") dst_errs = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = DST_ERRS,
	.pinning = PIN_GLOBAL_NS,
};
BPF_ANNOTATE_KV_PAIR(dst_errs, __u32, __u64);

/* The key as words: a look-up reads 64-bit words, and reading a word that was written in parts
 * stalls until all of them are stored. */
union dst_key_words {
	struct dst_key key;
	__u64 words[3];
};

/* The value with its unnamed word. */
union dst_value_words {
	struct dst_value value;
	__u64 words[5];
};

_Static_assert(sizeof(union dst_key_words) == sizeof(struct dst_key), "the words are the whole key");
_Static_assert(sizeof(union dst_value_words) == sizeof(struct dst_value), "the words are the whole value");
_Static_assert(DST_ERR_SHORT == PACKET_SHORT - 1 && DST_ERR_NON_IP == PACKET_NON_IP - 1 &&
		       DST_ERR_DEPTH == PACKET_DEPTH - 1 && DST_ERR_MALFORMED == PACKET_MALFORMED - 1,
	       "the cells of dst_errs are the parser's verdicts, counted from 0");

static __always_inline __u64 first_word(__u32 family, enum dst_direction direction)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u64)direction << 32 | family;
#else
	return (__u64)family << 32 | direction;
#endif
}

static __always_inline void count_error(struct __sk_buff *skb, __u32 error)
{
	__u64 *packets = bpf_map_lookup_elem(&dst_errs, &error);

	if (packets)
		*packets += skb->gso_segs ? skb->gso_segs : 1;
}

/* A new entry is all zeros, and the packet is always added afterwards. So if two CPUs insert at the
 * same time, both add their packets to the same entry. */
static __always_inline struct dst_value *find_or_insert(const struct dst_key *key)
{
	struct dst_value *value = bpf_map_lookup_elem(&dst_stats, key);

	if (!value) {
		struct dst_value fresh;

		barrier(); /* zeros for new entries only */
		__builtin_memset(&fresh, 0, sizeof(fresh));
		bpf_map_update_elem(&dst_stats, key, &fresh, BPF_NOEXIST);
		value = bpf_map_lookup_elem(&dst_stats, key);
	}
	return value;
}

/* The coarse clock changes once per timer tick and costs a call; the tick number costs a load. So the value has the
 * tick of its last_ns, and the clock is read once per tick. Exact to two ticks, since the clock changes a little after
 * the tick number. No packet arrives in tick 0, which is that of a new entry. */
static __always_inline void note_time(union dst_value_words *value)
{
	__u64 tick = bpf_jiffies64();

	if (likely(value->words[4] == tick))
		return;
	value->words[4] = tick;
	value->value.last_ns = bpf_ktime_get_coarse_ns();
	if (!value->value.packets)
		value->value.first_ns = value->value.last_ns;
}

/* The value of this CPU: nothing else writes it while this packet is processed. */
static __always_inline void count_packet(struct __sk_buff *skb, struct dst_value *value)
{
	note_time((union dst_value_words *)value);
	value->packets += skb->gso_segs ? skb->gso_segs : 1;
	value->bytes += skb->wire_len > skb->len ? skb->wire_len : skb->len;
}

static __always_inline int count(struct __sk_buff *skb, enum dst_direction direction, const struct packet *pkt)
{
	union dst_key_words key = {
		.words = {first_word(pkt->family, direction), pkt->daddr[0], pkt->daddr[1]},
	};
	struct dst_value *value = find_or_insert(&key.key);

	if (value)
		count_packet(skb, value);
	else
		count_error(skb, DST_ERR_INSERT_FAIL);
	return TC_ACT_UNSPEC;
}

static __always_inline int account(struct __sk_buff *skb, enum dst_direction direction, __u32 link_length)
{
	enum packet_verdict verdict;
	struct packet pkt;

	if (packet__plain(skb, link_length, &pkt))
		return count(skb, direction, &pkt);
	barrier(); /* read it again below: keeping it in registers would slow down plain packets */
	verdict = packet__innermost(skb, link_length, &pkt);
	if (!verdict)
		return count(skb, direction, &pkt);
	count_error(skb, verdict - 1);
	return TC_ACT_UNSPEC;
}

SEC("ingress")
int dst_stats_ingress(struct __sk_buff *skb)
{
	return account(skb, DST_INGRESS, ETH_HLEN);
}

SEC("egress")
int dst_stats_egress(struct __sk_buff *skb)
{
	return account(skb, DST_EGRESS, ETH_HLEN);
}

SEC("ingress_l3")
int dst_stats_ingress_l3(struct __sk_buff *skb)
{
	return account(skb, DST_INGRESS, 0);
}

SEC("egress_l3")
int dst_stats_egress_l3(struct __sk_buff *skb)
{
	return account(skb, DST_EGRESS, 0);
}
