// SPDX-License-Identifier: GPL-2.0-only
/*
 * Functions in the sections of programs, called there: by a distance (static ones), through the linker
 * (global ones), from a helper (callbacks), and before the entry that calls them. libbpf searches
 * called functions only in .text.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf_elf.h"

struct bpf_elf_map SEC("maps") section_calls = {
	.type = BPF_MAP_TYPE_ARRAY,
	.size_key = sizeof(__u32),
	.size_value = sizeof(__u64),
	.max_elem = 6,
	.pinning = PIN_GLOBAL_NS,
};

struct cell {
	__u32 key;
	__u32 times;
};

/* Not compared with NULL: good as it is called, and only so. */
__noinline int in_text(const struct cell *cell)
{
	return (int)(cell->times + 1);
}

SEC("classifier") static __noinline int before(struct cell *cell)
{
	__u64 *hits = bpf_map_lookup_elem(&section_calls, &cell->key);

	if (hits)
		__sync_fetch_and_add(hits, cell->times);
	return in_text(cell);
}

SEC("classifier") __noinline int linked(struct cell *cell)
{
	cell->key = 1;
	cell->times = 10;
	return before(cell);
}

SEC("classifier")
int entry(struct __sk_buff *skb)
{
	struct cell cell = {.times = 1};

	(void)skb;
	return before(&cell) == 2 && linked(&cell) == 11 ? -1 : 2;
}

SEC("callback") static long visit(void *map, __u32 *key, __u64 *value, void *context)
{
	(void)map;
	(void)context;
	if (*key == 2)
		*value = 77;
	return 0;
}

SEC("callback")
int calls_back(struct __sk_buff *skb)
{
	(void)skb;
	bpf_for_each_map_elem(&section_calls, visit, 0, 0);
	return -1;
}

SEC("distance")
int by_distance(struct __sk_buff *skb);

SEC("distance") static __noinline __u64 *find(__u32 key)
{
	return bpf_map_lookup_elem(&section_calls, &key);
}

SEC("plain")
int no_call(struct __sk_buff *skb)
{
	__u32 key = 4;
	__u64 *hits = bpf_map_lookup_elem(&section_calls, &key);

	(void)skb;
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return -1;
}

int by_distance(struct __sk_buff *skb)
{
	__u64 *hits = find(3);

	(void)skb;
	if (hits)
		__sync_fetch_and_add(hits, 1);
	return -1;
}

char _license[] SEC("license") = "GPL";
