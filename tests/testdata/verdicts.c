// SPDX-License-Identifier: GPL-2.0-only
/*
 * Returns the verdict in a map for IPv4 packets, and counts the runs of each program: the programs that
 * run afterwards show what tc does with the verdict.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

enum { VERDICT, TARGET };	 /* settings: what to return; where to redirect to */
enum { DECIDED, AFTER, ROUNDS }; /* seen */

struct bpf_elf_map SEC("maps") settings = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") seen = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 3,
	.pinning = PIN_GLOBAL_NS,
};

struct bpf_elf_map SEC("maps") again = {
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u32),
	.max_elem = 2,
	.id = 9,
	.pinning = PIN_GLOBAL_NS,
};

static __always_inline void count(__u32 who)
{
	__u64 *times = bpf_map_lookup_elem(&seen, &who);

	if (times)
		__sync_fetch_and_add(times, 1);
}

static __always_inline __u32 setting(__u32 key)
{
	__u32 *value = bpf_map_lookup_elem(&settings, &key);

	return value ? *value : 0;
}

static __always_inline int is_ours(const struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IP);
}

SEC("decide")
int give_verdict(struct __sk_buff *skb)
{
	if (!is_ours(skb))
		return TC_ACT_UNSPEC;
	count(DECIDED);
	if (setting(VERDICT) == TC_ACT_REDIRECT)
		return (int)bpf_redirect(setting(TARGET), 0);
	return (int)setting(VERDICT);
}

SEC("after")
int come_after(struct __sk_buff *skb)
{
	if (is_ours(skb))
		count(AFTER);
	return TC_ACT_UNSPEC;
}

/* Without direct action: a class, 0 for none, -1 for that of the command line. */
SEC("classify")
int give_class(struct __sk_buff *skb)
{
	return is_ours(skb) ? (int)setting(VERDICT) : 0;
}

SEC("cycle")
int enter_cycle(struct __sk_buff *skb)
{
	if (is_ours(skb))
		bpf_tail_call(skb, &again, 1);
	return TC_ACT_UNSPEC;
}

SEC("0x9/01")
int go_round(struct __sk_buff *skb)
{
	count(ROUNDS);
	bpf_tail_call(skb, &again, 1);
	return TC_ACT_UNSPEC;
}

/* No slot, though it has a slash and a number. */
SEC("socket/0")
int no_slot(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
