// SPDX-License-Identifier: GPL-2.0-only
/*
 * Single steps, for limits: a program with this step cannot cost less. And the empty classifier, whose
 * cost is subtracted from all others.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct traffic {
	__u64 packets;
	__u64 bytes;
};

/* As long as a flow's key for both families. */
struct long_key {
	__u64 words[5];
};

struct bpf_elf_map SEC("maps") by_word = {
	.type = BPF_MAP_TYPE_HASH,
	.size_key = sizeof(__u64),
	.size_value = sizeof(__u64),
	.max_elem = 1024,
};

struct bpf_elf_map SEC("maps") lru = {
	.type = BPF_MAP_TYPE_LRU_HASH,
	.size_key = sizeof(struct long_key),
	.size_value = sizeof(struct traffic),
	.max_elem = 1024,
};

struct bpf_elf_map SEC("maps") percpu = {
	.type = BPF_MAP_TYPE_PERCPU_HASH,
	.size_key = sizeof(struct long_key),
	.size_value = sizeof(struct traffic),
	.max_elem = 1024,
};

char _license[] SEC("license") = "GPL";

SEC("empty")
int bare_empty(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

/* The key is a word that no compiler knows, and is 0 in a test run. */
SEC("hash")
int bare_hash(struct __sk_buff *skb)
{
	__u64 key = skb->mark, *value = bpf_map_lookup_elem(&by_word, &key);

	return value ? TC_ACT_UNSPEC : TC_ACT_OK;
}

SEC("count_lru")
int bare_count_lru(struct __sk_buff *skb)
{
	__u64 word = skb->mark;
	struct long_key key = {{word, word, word, word, word}};
	struct traffic *traffic = bpf_map_lookup_elem(&lru, &key);

	if (!traffic)
		return TC_ACT_OK;
	__sync_fetch_and_add(&traffic->packets, 1);
	__sync_fetch_and_add(&traffic->bytes, skb->len);
	return TC_ACT_UNSPEC;
}

SEC("count_percpu")
int bare_count_percpu(struct __sk_buff *skb)
{
	__u64 word = skb->mark;
	struct long_key key = {{word, word, word, word, word}};
	struct traffic *traffic = bpf_map_lookup_elem(&percpu, &key);

	if (!traffic)
		return TC_ACT_OK;
	traffic->packets++;
	traffic->bytes += skb->len;
	return TC_ACT_UNSPEC;
}

SEC("tunnel_key")
int bare_tunnel_key(struct __sk_buff *skb)
{
	struct bpf_tunnel_key key = {.tunnel_id = 10000, .remote_ipv4 = 0x0a020166, .tunnel_ttl = 64};

	return bpf_skb_set_tunnel_key(skb, &key, sizeof(key), 0) ? TC_ACT_OK : TC_ACT_UNSPEC;
}
