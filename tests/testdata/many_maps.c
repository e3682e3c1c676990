// SPDX-License-Identifier: GPL-2.0-only
/* A modern object with more maps than the legacy contract allows (64), each with a pin. */
#ifndef MANY_ENTRIES
#define MANY_ENTRIES 2
#endif

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define MAP(name)                                    \
	struct {                                     \
		__uint(type, BPF_MAP_TYPE_HASH);     \
		__type(key, __u32);                  \
		__type(value, __u64);                \
		__uint(max_entries, MANY_ENTRIES);   \
		__uint(pinning, LIBBPF_PIN_BY_NAME); \
	} name SEC(".maps");

#define MAPS(name)   \
	MAP(name##0) \
	MAP(name##1) \
	MAP(name##2) MAP(name##3) MAP(name##4) MAP(name##5) MAP(name##6) MAP(name##7) MAP(name##8) MAP(name##9)

/* clang-format off */
MAPS(many_0) MAPS(many_1) MAPS(many_2) MAPS(many_3) MAPS(many_4) MAPS(many_5) MAPS(many_6)
	/* clang-format on */

	SEC("ingress") int many_ingress(struct __sk_buff *skb)
{
	(void)skb;
	return -1;
}

char _license[] SEC("license") = "GPL";
