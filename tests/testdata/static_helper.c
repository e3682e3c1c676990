// SPDX-License-Identifier: GPL-2.0-only
/* No maps, and a static function in the section of the program that calls it: libbpf treats it as a program. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("classifier") static __noinline int helper(struct __sk_buff *skb)
{
	return skb->len > 1500 ? 2 : 0;
}

SEC("classifier")
int with_helper(struct __sk_buff *skb)
{
	return helper(skb);
}

char _license[] SEC("license") = "GPL";
