// SPDX-License-Identifier: GPL-2.0-only
/* An object without maps. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("classifier")
int length(struct __sk_buff *skb)
{
	return skb->len > 1500 ? 2 : 0;
}

char _license[] SEC("license") = "GPL";
