// SPDX-License-Identifier: GPL-2.0-only
/* Helpers of bpf_api.h that do not access a packet's bytes; their results are in an array by number. */
#include "bpf_api.h"

BPF_ARRAY8(told, 0, PIN_GLOBAL_NS, 8);

static __inline__ void note(uint32_t slot, uint64_t value)
{
	map_update_elem(&told, &slot, &value, BPF_ANY);
}

/* A helper that bpf_api.h does not have: sources declare it themselves. */
static uint64_t BPF_FUNC(get_socket_cookie, void *context);

__section_cls_entry
int entry(struct __sk_buff *skb)
{
	note(0, ktime_get_ns());
	note(1, get_prandom_u32());
	note(2, get_smp_processor_id() + get_numa_node_id());
	note(3, get_cgroup_classid(skb) + get_route_realm(skb));
	note(4, get_hash_recalc(skb));
	set_hash_invalid(skb);
	note(5, get_socket_cookie(skb));
	printt("mark %u\n", skb->mark);
	return TC_ACT_OK;
}

__section("clone")
int clone_out(struct __sk_buff *skb)
{
	clone_redirect(skb, skb->ifindex, BPF_F_INGRESS);
	return redirect(skb->ifindex, 0);
}

BPF_LICENSE("GPL");
