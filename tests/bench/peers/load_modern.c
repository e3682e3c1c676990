// SPDX-License-Identifier: GPL-2.0-only
/* Its peer: the same program and the same two pins, with modern maps that plain tc loads. */
#include "load.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct load_key);
	__type(value, struct load_value);
	__uint(max_entries, LOAD_FLOWS);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} load_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} load_total SEC(".maps");

LOAD_PROGRAM;
