// SPDX-License-Identifier: GPL-2.0-only
/* Default sections of bpf_api.h other than that of filters: an action, and XDP (also for lightweight tunnels). */
#include "bpf_api.h"

BPF_PERCPU_ARRAY(entries, 0, sizeof(uint64_t), PIN_GLOBAL_NS, 1);

__section_act_entry
int act(struct __sk_buff *skb)
{
	uint32_t slot = 0;
	uint64_t *bytes = map_lookup_elem(&entries, &slot);

	if (bytes)
		*bytes += skb->len;
	return TC_ACT_PIPE;
}

__section_xdp_entry
int pass(struct xdp_md *packet)
{
	(void)packet;
	return XDP_PASS;
}

BPF_LICENSE("GPL");
