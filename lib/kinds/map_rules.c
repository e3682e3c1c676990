// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The kernel's rules for definitions of maps, as a table. */
#include <unistd.h>

#include "kinds/map_rules.h"

#define MAP_TYPE_USER_RINGBUF 31 /* younger than some <linux/bpf.h> */
#define MAP_TYPE_CGRP_STORAGE 32
#define MAX_PER_CPU_VALUE 32768
#define LPM_KEY_MIN 5 /* four bytes of prefix length, and data */
#define LPM_KEY_MAX 260

#define KIND(name) (1ull << BPF_MAP_TYPE_##name)
#define HASHES (KIND(HASH) | KIND(PERCPU_HASH) | KIND(LRU_HASH) | KIND(LRU_PERCPU_HASH) | KIND(HASH_OF_MAPS))
#define LRUS (KIND(LRU_HASH) | KIND(LRU_PERCPU_HASH))
#define PERCPUS (KIND(PERCPU_HASH) | KIND(PERCPU_ARRAY) | KIND(LRU_PERCPU_HASH))
#define OUTERS (KIND(ARRAY_OF_MAPS) | KIND(HASH_OF_MAPS))
#define INDEXED                                                                                              \
	(KIND(ARRAY) | KIND(PERCPU_ARRAY) | KIND(PROG_ARRAY) | KIND(PERF_EVENT_ARRAY) | KIND(CGROUP_ARRAY) | \
	 KIND(ARRAY_OF_MAPS) | KIND(DEVMAP) | KIND(CPUMAP) | KIND(XSKMAP) | KIND(SOCKMAP) |                  \
	 KIND(REUSEPORT_SOCKARRAY) | KIND(STACK_TRACE))
#define DESCRIPTORS (KIND(PROG_ARRAY) | KIND(PERF_EVENT_ARRAY) | KIND(CGROUP_ARRAY) | KIND(XSKMAP) | OUTERS)
#define RINGBUFS (KIND(RINGBUF) | 1ull << MAP_TYPE_USER_RINGBUF)
#define KEYLESS (KIND(QUEUE) | KIND(STACK) | KIND(BLOOM_FILTER))
#define STORAGES (KIND(SK_STORAGE) | KIND(INODE_STORAGE) | KIND(TASK_STORAGE) | 1ull << MAP_TYPE_CGRP_STORAGE)
#define ENDLESS (STORAGES | KIND(CGROUP_STORAGE) | KIND(PERCPU_CGROUP_STORAGE))

#define BREAKS(name, condition)                         \
	static bool name(const struct bpf_elf_map *def) \
	{                                               \
		return condition;                       \
	}

BREAKS(no_entries, !def->max_elem)
BREAKS(some_entries, def->max_elem)
BREAKS(no_key, !def->size_key)
BREAKS(some_key, def->size_key)
BREAKS(no_value, !def->size_value)
BREAKS(some_value, def->size_value)
BREAKS(key_not_4, def->size_key != 4)
BREAKS(value_not_4, def->size_value != 4)
BREAKS(value_not_4_or_8, def->size_value != 4 && def->size_value != 8)
BREAKS(value_not_words, def->size_value % 8)
BREAKS(value_too_large, def->size_value > MAX_PER_CPU_VALUE)
BREAKS(not_lpm_key, def->size_key<LPM_KEY_MIN || def->size_key> LPM_KEY_MAX)
BREAKS(preallocated, !(def->flags & BPF_F_NO_PREALLOC))
BREAKS(not_preallocated, def->flags &BPF_F_NO_PREALLOC)
BREAKS(common_lru, def->flags &BPF_F_NO_COMMON_LRU)
BREAKS(not_power_of_two, def->max_elem &(def->max_elem - 1))
BREAKS(not_pages, def->max_elem % (__u32)sysconf(_SC_PAGESIZE))

/* In each kind's order from the grave to the subtle. */
static const struct {
	__u64 kinds;
	bool (*is_broken)(const struct bpf_elf_map *def);
	const char *rule;
} rules[] = {
	{RINGBUFS, some_key, "a ring buffer has no keys: the key must be 0 bytes"},
	{RINGBUFS, some_value, "a ring buffer has no values: the value must be 0 bytes"},
	{RINGBUFS, no_entries, "a ring buffer needs a size, max_elem, in bytes"},
	{RINGBUFS, not_power_of_two, "the size of a ring buffer, max_elem, must be a power of two"},
	{RINGBUFS, not_pages, "the size of a ring buffer, max_elem, must be a multiple of the page"},
	{STORAGES, key_not_4, "its key must be 4 bytes"},
	{ENDLESS, some_entries, "it grows with what it belongs to: max_elem must be 0"},
	{STORAGES, preallocated, "needs flag 0x1, BPF_F_NO_PREALLOC"},
	{KIND(PERF_EVENT_ARRAY), no_entries, "needs as many entries as there are CPUs, and has 0"},
	{~(RINGBUFS | ENDLESS | KIND(STRUCT_OPS)), no_entries, "a map needs entries, and max_elem is 0"},
	{INDEXED, key_not_4, "its key is an index and must be 4 bytes"},
	{DESCRIPTORS, value_not_4, "its value is a descriptor and must be 4 bytes"},
	{KIND(DEVMAP) | KIND(DEVMAP_HASH) | KIND(CPUMAP) | KIND(SOCKMAP) | KIND(SOCKHASH) | KIND(REUSEPORT_SOCKARRAY),
	 value_not_4_or_8, "its value must be 4 or 8 bytes"},
	{KIND(LPM_TRIE), preallocated, "needs flag 0x1, BPF_F_NO_PREALLOC"},
	{KIND(LPM_TRIE), not_lpm_key, "its key must be a prefix length of 4 bytes and 1 to 256 bytes of data"},
	{KEYLESS, some_key, "it has no keys: the key must be 0 bytes"},
	{HASHES | KIND(SOCKHASH) | KIND(DEVMAP_HASH), no_key, "the key must not be 0 bytes"},
	{~RINGBUFS, no_value, "the value must not be 0 bytes"},
	{KIND(STACK_TRACE), value_not_words, "its value must be a multiple of 8 bytes"},
	{PERCPUS, value_too_large, "a value of each CPU may have 32768 bytes at most"},
	{LRUS, not_preallocated, "flag 0x1, BPF_F_NO_PREALLOC, is not for LRU maps"},
	{HASHES & ~LRUS, common_lru, "flag 0x2, BPF_F_NO_COMMON_LRU, is for LRU maps only"},
};

const char *elfmap_map__fault(const struct bpf_elf_map *def)
{
	if (def->type > MAP_TYPE_CGRP_STORAGE)
		return NULL;
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
		if (rules[i].kinds & 1ull << def->type && rules[i].is_broken(def))
			return rules[i].rule;
	return NULL;
}

bool elfmap_map__is_map_in_map(__u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

bool elfmap_map__needs_btf(__u32 type)
{
	return type == BPF_MAP_TYPE_STRUCT_OPS || (type < 64 && STORAGES & 1ull << type);
}

bool elfmap_map__is_per_cpu(__u32 type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE;
}

bool elfmap_map__has_indexes(__u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PROG_ARRAY:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_CPUMAP:
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
		return true;
	default:
		return false;
	}
}
