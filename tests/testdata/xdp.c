// SPDX-License-Identifier: GPL-2.0-only
/* An XDP program in the default section of `ip link … xdp obj FILE`: `prog`. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") xdp_bytes = {
	.type = BPF_MAP_TYPE_PERCPU_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 1,
	.pinning = PIN_GLOBAL_NS,
};

SEC("prog")
int count(struct xdp_md *ctx)
{
	__u32 cell = 0;
	__u64 *bytes = bpf_map_lookup_elem(&xdp_bytes, &cell);

	if (bytes)
		*bytes += ctx->data_end - ctx->data;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
