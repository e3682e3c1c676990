/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What load_legacy.c and load_modern.c have in common: everything but the way their maps are
 * declared. Small on purpose: the less the verifier has to do, the more our own part shows.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#define LOAD_FLOWS 4096

struct load_key {
	__u32 protocol;
	__u32 mark;
};

struct load_value {
	__u64 packets;
	__u64 bytes;
};

/* A macro, since the maps it names are declared by the file that uses it. */
#define LOAD_PROGRAM                                                                  \
	SEC("classifier")                                                             \
	int load_count(struct __sk_buff *skb)                                         \
	{                                                                             \
		struct load_key key = {.protocol = skb->protocol, .mark = skb->mark}; \
		struct load_value fresh = {.packets = 1, .bytes = skb->len}, *value;  \
		__u32 cell = 0;                                                       \
		__u64 *total = bpf_map_lookup_elem(&load_total, &cell);               \
                                                                                      \
		if (total)                                                            \
			(*total)++;                                                   \
		value = bpf_map_lookup_elem(&load_flows, &key);                       \
		if (!value) {                                                         \
			bpf_map_update_elem(&load_flows, &key, &fresh, BPF_NOEXIST);  \
			return TC_ACT_UNSPEC;                                         \
		}                                                                     \
		__sync_fetch_and_add(&value->packets, 1);                             \
		__sync_fetch_and_add(&value->bytes, skb->len);                        \
		return TC_ACT_UNSPEC;                                                 \
	}                                                                             \
	char _license[] SEC("license") = "GPL"

#endif
