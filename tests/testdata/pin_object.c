// SPDX-License-Identifier: GPL-2.0-only
/* Each way of pinning in one object: none, by the object's hash, globally, and by a table's number. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

#define PIN_NUMBER 77 /* a line of /etc/iproute2/bpf_pinning says where */

#define ONE_CELL(map_name, where)                   \
	struct bpf_elf_map SEC("maps") map_name = { \
		.type = BPF_MAP_TYPE_ARRAY,         \
		.size_key = sizeof(__u32),          \
		.size_value = sizeof(__u32),        \
		.max_elem = 1,                      \
		.pinning = where,                   \
	}

ONE_CELL(pin_none, PIN_NONE);
ONE_CELL(pin_object, PIN_OBJECT_NS);
ONE_CELL(pin_global, PIN_GLOBAL_NS);
ONE_CELL(pin_number, PIN_NUMBER);

SEC("classifier")
int look(struct __sk_buff *skb)
{
	__u32 cell = 0;

	(void)skb;
	if (!bpf_map_lookup_elem(&pin_none, &cell) || !bpf_map_lookup_elem(&pin_object, &cell))
		return 2;
	if (!bpf_map_lookup_elem(&pin_global, &cell) || !bpf_map_lookup_elem(&pin_number, &cell))
		return 2;
	return 0;
}

char _license[] SEC("license") = "GPL";
