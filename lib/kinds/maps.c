// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of map types, and the rules for their definitions: the kernel reports a broken one as "Invalid argument".
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kinds/maps.h"

/* ---- rules ---------------------------------------------------------------------------------------------- */

#define MAX_PER_CPU_VALUE 32768
#define LPM_KEY_MIN 5 /* four bytes of prefix length, and data */
#define LPM_KEY_MAX 260

enum rule {
	ENTRIES = 1,
	ENTRIES_FOR_CPUS,
	NO_ENTRIES,
	KEY,
	NO_KEY,
	KEY_OF_4,
	INDEX_KEY,
	PREFIX_KEY,
	VALUE,
	VALUE_FOR_CPU,
	DESCRIPTOR,
	VALUE_OF_4_OR_8,
	VALUE_OF_16,
	VALUE_OF_WORDS,
	NO_PREALLOC,
	PREALLOC,
	COMMON_LRU,
	RING_KEY,
	RING_VALUE,
	RING_SIZE,
	RING_POWER,
	RING_PAGES,
};

static const char faults[][72] = {
	[ENTRIES] = "a map needs entries, and max_elem is 0",
	[ENTRIES_FOR_CPUS] = "needs as many entries as there are CPUs, and has 0",
	[NO_ENTRIES] = "it grows with what it belongs to: max_elem must be 0",
	[KEY] = "the key must not be 0 bytes",
	[NO_KEY] = "it has no keys: the key must be 0 bytes",
	[KEY_OF_4] = "its key must be 4 bytes",
	[INDEX_KEY] = "its key is an index and must be 4 bytes",
	[PREFIX_KEY] = "its key must be a prefix length of 4 bytes and 1 to 256 bytes of data",
	[VALUE] = "the value must not be 0 bytes",
	[VALUE_FOR_CPU] = "a value of each CPU may have 32768 bytes at most",
	[DESCRIPTOR] = "its value is a descriptor and must be 4 bytes",
	[VALUE_OF_4_OR_8] = "its value must be 4 or 8 bytes",
	[VALUE_OF_16] = "its value must be 16 bytes",
	[VALUE_OF_WORDS] = "its value must be a multiple of 8 bytes",
	[NO_PREALLOC] = "needs flag 0x1, BPF_F_NO_PREALLOC",
	[PREALLOC] = "flag 0x1, BPF_F_NO_PREALLOC, is not for LRU maps",
	[COMMON_LRU] = "flag 0x2, BPF_F_NO_COMMON_LRU, is for LRU maps only",
	[RING_KEY] = "a ring buffer has no keys: the key must be 0 bytes",
	[RING_VALUE] = "a ring buffer has no values: the value must be 0 bytes",
	[RING_SIZE] = "a ring buffer needs a size, max_elem, in bytes",
	[RING_POWER] = "the size of a ring buffer, max_elem, must be a power of two",
	[RING_PAGES] = "the size of a ring buffer, max_elem, must be a multiple of the page",
};

static bool breaks(const struct bpf_elf_map *def, enum rule rule)
{
	switch (rule) {
	case ENTRIES:
	case ENTRIES_FOR_CPUS:
	case RING_SIZE:
		return !def->max_elem;
	case NO_ENTRIES:
		return def->max_elem;
	case KEY:
		return !def->size_key;
	case NO_KEY:
	case RING_KEY:
		return def->size_key;
	case KEY_OF_4:
	case INDEX_KEY:
		return def->size_key != 4;
	case PREFIX_KEY:
		return def->size_key < LPM_KEY_MIN || def->size_key > LPM_KEY_MAX;
	case VALUE:
		return !def->size_value;
	case RING_VALUE:
		return def->size_value;
	case VALUE_FOR_CPU:
		return def->size_value > MAX_PER_CPU_VALUE;
	case DESCRIPTOR:
		return def->size_value != 4;
	case VALUE_OF_4_OR_8:
		return def->size_value != 4 && def->size_value != 8;
	case VALUE_OF_16:
		return def->size_value != 16;
	case VALUE_OF_WORDS:
		return def->size_value % 8;
	case NO_PREALLOC:
		return !(def->flags & BPF_F_NO_PREALLOC);
	case PREALLOC:
		return def->flags & BPF_F_NO_PREALLOC;
	case COMMON_LRU:
		return def->flags & BPF_F_NO_COMMON_LRU;
	case RING_POWER:
		return def->max_elem & (def->max_elem - 1);
	case RING_PAGES:
		return def->max_elem % (__u32)sysconf(_SC_PAGESIZE);
	}
	return false;
}

/* ---- what several types have in common ------------------------------------------------------------------ */

/* Younger than some <linux/bpf.h>. */
#define F_LINK (1u << 13)
#define F_VTYPE_BTF_OBJ_FD (1u << 15)
#define F_SEGV_ON_FAULT (1u << 17)
#define F_NO_USER_CONV (1u << 18)
#define F_RB_OVERWRITE (1u << 19)

#define USER_ACCESS (BPF_F_RDONLY | BPF_F_WRONLY)
#define ACCESS (USER_ACCESS | BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)
#define SLOTS (BPF_F_NUMA_NODE | USER_ACCESS) /* what maps of the kernel's own objects take */

#define NAMED(article, word) .name = (word), .phrase = article " " word

enum reason {
	NO = ELFMAP_NO_REASON,
	ALWAYS_THERE,
	NO_KEYS,
	TAKES_OUT,
	STREAM,
	CONSUMED,
	WRITE_ONLY,
	NO_COOKIES,
	SOCKETS,
	SOCKETS_STAY,
	NOT_LISTED,
	NO_NAMES,
	WITH_CGROUPS,
	REGISTERED,
	MEMORY,
	OTHER_MAP,
	OTHER_PROGRAM,
	NO_DEVICE,
	NO_QUEUE,
	PERF_EVENTS,
	STACKS,
	NO_STACK_TRACE,
	NO_CGROUP_STORAGE,
	NO_PERCPU_STORAGE,
	ONLY_KNOWS,
	NEVER_FORGETS,
	OF_ONE_PROGRAM,
};

static const char *const reasons[] = {
	[NO] = "",
	[ALWAYS_THERE] = "its slots are always there; 'set' them to zero, or 'clear' the map",
	[NO_KEYS] = "it has no keys; 'pop' takes the next value out",
	[TAKES_OUT] = "its values have no keys, and reading takes them out",
	[STREAM] = "it is a stream of events, and has no entries",
	[CONSUMED] = "it is a stream of events, which its reader consumes",
	[WRITE_ONLY] = "its slots can only be written",
	[NO_COOKIES] = "its slots can only be written (with 8-byte values they show cookies)",
	[SOCKETS] = "its slots take sockets, which their owner or a program puts there",
	[SOCKETS_STAY] = "its sockets cannot be taken from one map to another",
	[NOT_LISTED] = "its values belong to kernel objects and cannot be listed",
	[NO_NAMES] = "its values belong to kernel objects, which have no names here",
	[WITH_CGROUPS] = "its entries come and go with the programs that are attached to cgroups",
	[REGISTERED] = "its one value is registered with the kernel",
	[MEMORY] = "it is memory without keys",
	[OTHER_MAP] = ("the map does not fit: it must have the type, sizes and flags of the one that the outer map was "
		       "made with"),
	[OTHER_PROGRAM] = "the program does not fit: a prog_array takes programs of the type of its first one",
	[NO_DEVICE] = "no such device here, or a program that a devmap does not take",
	[NO_QUEUE] = "the queue is too long, or it is a program that a cpumap does not take",
	[PERF_EVENTS] = "its slots take perf events, which their reader puts there",
	[STACKS] = "only programs write stacks",
	[NO_STACK_TRACE] = "only programs write a stack_trace",
	[NO_CGROUP_STORAGE] = "only programs write a cgroup_storage",
	[NO_PERCPU_STORAGE] = "only programs write a percpu_cgroup_storage",
	[ONLY_KNOWS] = "it only knows whether it has seen a value",
	[NEVER_FORGETS] = "it does not forget",
	[OF_ONE_PROGRAM] = "its values belong to the program that uses it",
};

/* In this order: read, write, delete, copy. */
#define WHY_NOT(read, write, delete, copy) \
	.unreadable = (read), .unwritable = (write), .undeletable = (delete), .uncopyable = (copy)
#define EVERYTHING_GOES WHY_NOT(NO, NO, NO, NO)

/* All local storages. */
#define STORAGE                                                                                          \
	.value = ELFMAP_VALUE_BYTES, .rules = {KEY_OF_4, NO_ENTRIES, NO_PREALLOC, VALUE},                \
	.flags = BPF_F_NO_PREALLOC | BPF_F_CLONE, .takes_btf = true, .needs_btf = true, .int_key = true, \
	WHY_NOT(NOT_LISTED, NO_NAMES, NO_NAMES, NO)

/* ---- the table ------------------------------------------------------------------------------------------ */

static const struct elfmap_map_kind kinds[] = {
	[BPF_MAP_TYPE_UNSPEC] = {NAMED("a", "unspec"), .value = ELFMAP_VALUE_BYTES, .rules = {ENTRIES, VALUE},
				 EVERYTHING_GOES},
	[BPF_MAP_TYPE_HASH] = {NAMED("a", "hash"), .value = ELFMAP_VALUE_BYTES,
			       .rules = {ENTRIES, KEY, VALUE, COMMON_LRU},
			       .flags = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS, EVERYTHING_GOES,
			       .takes_btf = true, .can_be_full = true, .reads_batches = true, .takes_batches = true,
			       .has_two_writers = true},
	[BPF_MAP_TYPE_ARRAY] = {NAMED("an", "array"), .value = ELFMAP_VALUE_BYTES, .rules = {ENTRIES, INDEX_KEY, VALUE},
				.flags = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | BPF_F_INNER_MAP | ACCESS,
				WHY_NOT(NO, NO, ALWAYS_THERE, NO), .takes_btf = true, .int_key = true,
				.numeric_key = true, .has_slots = true, .read_by_index = true, .keeps_slots = true,
				.reads_batches = true, .has_two_writers = true, .can_be_mapped = true},
	[BPF_MAP_TYPE_PROG_ARRAY] = {NAMED("a", "prog_array"), .value = ELFMAP_VALUE_PROGRAM,
				     .rules = {ENTRIES, INDEX_KEY, DESCRIPTOR}, .flags = SLOTS, EVERYTHING_GOES,
				     .takes_btf = true, .numeric_key = true, .has_slots = true, .read_by_index = true,
				     .invalid_update = OTHER_PROGRAM, .invalid_delete = OTHER_PROGRAM},
	[BPF_MAP_TYPE_PERF_EVENT_ARRAY] = {NAMED("a", "perf_event_array"), .value = ELFMAP_VALUE_HANDLE,
					   .rules = {ENTRIES_FOR_CPUS, INDEX_KEY, DESCRIPTOR},
					   .flags = SLOTS | BPF_F_PRESERVE_ELEMS,
					   WHY_NOT(CONSUMED, PERF_EVENTS, NO, NO), .size = ELFMAP_SIZE_CPUS,
					   .numeric_key = true, .has_slots = true},
	[BPF_MAP_TYPE_PERCPU_HASH] = {NAMED("a", "percpu_hash"), .value = ELFMAP_VALUE_BYTES,
				      .rules = {ENTRIES, KEY, VALUE, VALUE_FOR_CPU, COMMON_LRU},
				      .flags = BPF_F_NO_PREALLOC | BPF_F_ZERO_SEED | ACCESS, EVERYTHING_GOES,
				      .takes_btf = true, .can_be_full = true, .per_cpu = true, .reads_batches = true,
				      .takes_batches = true, .has_two_writers = true},
	[BPF_MAP_TYPE_PERCPU_ARRAY] = {NAMED("a", "percpu_array"), .value = ELFMAP_VALUE_BYTES,
				       .rules = {ENTRIES, INDEX_KEY, VALUE, VALUE_FOR_CPU}, .flags = ACCESS,
				       WHY_NOT(NO, NO, ALWAYS_THERE, NO), .takes_btf = true, .int_key = true,
				       .numeric_key = true, .has_slots = true, .read_by_index = true,
				       .keeps_slots = true, .per_cpu = true, .reads_batches = true,
				       .has_two_writers = true},
	[BPF_MAP_TYPE_STACK_TRACE] = {NAMED("a", "stack_trace"), .value = ELFMAP_VALUE_BYTES,
				      .rules = {ENTRIES, INDEX_KEY, VALUE, VALUE_OF_WORDS},
				      .flags = SLOTS | BPF_F_STACK_BUILD_ID, WHY_NOT(NO, STACKS, NO, NO_STACK_TRACE),
				      .numeric_key = true},
	[BPF_MAP_TYPE_CGROUP_ARRAY] = {NAMED("a", "cgroup_array"), .value = ELFMAP_VALUE_CGROUP,
				       .rules = {ENTRIES, INDEX_KEY, DESCRIPTOR}, .flags = SLOTS,
				       WHY_NOT(WRITE_ONLY, NO, NO, NO), .numeric_key = true, .has_slots = true},
	[BPF_MAP_TYPE_LRU_HASH] = {NAMED("an", "lru_hash"), .value = ELFMAP_VALUE_BYTES,
				   .rules = {ENTRIES, KEY, VALUE, PREALLOC},
				   .flags = BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS,
				   EVERYTHING_GOES, .takes_btf = true, .is_lru = true, .reads_batches = true,
				   .takes_batches = true, .has_two_writers = true},
	[BPF_MAP_TYPE_LRU_PERCPU_HASH] = {NAMED("an", "lru_percpu_hash"), .value = ELFMAP_VALUE_BYTES,
					  .rules = {ENTRIES, KEY, VALUE, VALUE_FOR_CPU, PREALLOC},
					  .flags = BPF_F_NO_COMMON_LRU | BPF_F_ZERO_SEED | ACCESS, EVERYTHING_GOES,
					  .takes_btf = true, .is_lru = true, .per_cpu = true, .reads_batches = true,
					  .takes_batches = true, .has_two_writers = true},
	[BPF_MAP_TYPE_LPM_TRIE] = {NAMED("an", "lpm_trie"), .value = ELFMAP_VALUE_BYTES,
				   .rules = {ENTRIES, NO_PREALLOC, PREFIX_KEY, VALUE},
				   .flags = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS, EVERYTHING_GOES,
				   .takes_btf = true, .is_prefix = true, .can_be_full = true},
	[BPF_MAP_TYPE_ARRAY_OF_MAPS] = {NAMED("an", "array_of_maps"), .value = ELFMAP_VALUE_MAP,
					.rules = {ENTRIES, INDEX_KEY, DESCRIPTOR}, .flags = SLOTS, EVERYTHING_GOES,
					.numeric_key = true, .has_slots = true, .read_by_index = true,
					.invalid_update = OTHER_MAP, .invalid_delete = OTHER_MAP},
	[BPF_MAP_TYPE_HASH_OF_MAPS] = {NAMED("a", "hash_of_maps"), .value = ELFMAP_VALUE_MAP,
				       .rules = {ENTRIES, DESCRIPTOR, KEY, COMMON_LRU},
				       .flags = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS,
				       EVERYTHING_GOES, .can_be_full = true, .reads_batches = true,
				       .takes_batches = true, .invalid_update = OTHER_MAP, .invalid_delete = OTHER_MAP},
	[BPF_MAP_TYPE_DEVMAP] = {NAMED("a", "devmap"), .value = ELFMAP_VALUE_DEVICE,
				 .rules = {ENTRIES, INDEX_KEY, VALUE_OF_4_OR_8}, .flags = SLOTS, EVERYTHING_GOES,
				 .added_flags = BPF_F_RDONLY_PROG, .numeric_key = true, .has_slots = true,
				 .read_by_index = true, .has_silent_slots = true, .invalid_update = NO_DEVICE},
	[BPF_MAP_TYPE_SOCKMAP] = {NAMED("a", "sockmap"), .value = ELFMAP_VALUE_HANDLE,
				  .rules = {ENTRIES, INDEX_KEY, VALUE_OF_4_OR_8}, .flags = SLOTS,
				  WHY_NOT(NO_COOKIES, SOCKETS, NO, SOCKETS_STAY), .shows_cookies = true,
				  .numeric_key = true, .has_slots = true, .read_by_index = true,
				  .empty_is_invalid = true},
	[BPF_MAP_TYPE_CPUMAP] = {NAMED("a", "cpumap"), .value = ELFMAP_VALUE_QUEUE,
				 .rules = {ENTRIES, INDEX_KEY, VALUE_OF_4_OR_8}, .flags = BPF_F_NUMA_NODE,
				 EVERYTHING_GOES, .numeric_key = true, .has_slots = true, .read_by_index = true,
				 .has_silent_slots = true, .invalid_update = NO_QUEUE},
	[BPF_MAP_TYPE_XSKMAP] = {NAMED("an", "xskmap"), .value = ELFMAP_VALUE_HANDLE,
				 .rules = {ENTRIES, INDEX_KEY, DESCRIPTOR}, .flags = SLOTS,
				 WHY_NOT(WRITE_ONLY, SOCKETS, NO, NO), .numeric_key = true, .has_slots = true},
	[BPF_MAP_TYPE_SOCKHASH] = {NAMED("a", "sockhash"), .value = ELFMAP_VALUE_HANDLE,
				   .rules = {ENTRIES, VALUE_OF_4_OR_8, KEY}, .flags = SLOTS,
				   WHY_NOT(NO_COOKIES, SOCKETS, NO, SOCKETS_STAY), .shows_cookies = true},
	[BPF_MAP_TYPE_CGROUP_STORAGE] = {NAMED("a", "cgroup_storage"), .value = ELFMAP_VALUE_BYTES,
					 .rules = {NO_ENTRIES, VALUE}, .flags = BPF_F_NUMA_NODE | ACCESS,
					 WHY_NOT(NO, NO, WITH_CGROUPS, NO_CGROUP_STORAGE), .takes_btf = true},
	[BPF_MAP_TYPE_REUSEPORT_SOCKARRAY] = {NAMED("a", "reuseport_sockarray"), .value = ELFMAP_VALUE_HANDLE,
					      .rules = {ENTRIES, INDEX_KEY, VALUE_OF_4_OR_8},
					      .flags = BPF_F_NUMA_NODE | ACCESS,
					      WHY_NOT(NO_COOKIES, SOCKETS, NO, SOCKETS_STAY), .shows_cookies = true,
					      .numeric_key = true, .has_slots = true, .read_by_index = true},
	[BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE] = {NAMED("a", "percpu_cgroup_storage"), .value = ELFMAP_VALUE_BYTES,
						.rules = {NO_ENTRIES, VALUE}, .flags = BPF_F_NUMA_NODE | ACCESS,
						WHY_NOT(NO, NO, WITH_CGROUPS, NO_PERCPU_STORAGE), .takes_btf = true,
						.per_cpu = true},
	[BPF_MAP_TYPE_QUEUE] = {NAMED("a", "queue"), .value = ELFMAP_VALUE_BYTES, .rules = {ENTRIES, NO_KEY, VALUE},
				.flags = BPF_F_NUMA_NODE | ACCESS, WHY_NOT(TAKES_OUT, NO, NO_KEYS, NO),
				.is_pushed = true, .is_queue = true},
	[BPF_MAP_TYPE_STACK] = {NAMED("a", "stack"), .value = ELFMAP_VALUE_BYTES, .rules = {ENTRIES, NO_KEY, VALUE},
				.flags = BPF_F_NUMA_NODE | ACCESS, WHY_NOT(TAKES_OUT, NO, NO_KEYS, NO),
				.is_pushed = true, .is_queue = true, .is_lifo = true},
	[BPF_MAP_TYPE_SK_STORAGE] = {NAMED("an", "sk_storage"), STORAGE},
	[BPF_MAP_TYPE_DEVMAP_HASH] = {NAMED("a", "devmap_hash"), .value = ELFMAP_VALUE_DEVICE,
				      .rules = {ENTRIES, VALUE_OF_4_OR_8, KEY}, .flags = SLOTS, EVERYTHING_GOES,
				      .added_flags = BPF_F_RDONLY_PROG, .numeric_key = true, .can_be_full = true,
				      .invalid_update = NO_DEVICE},
	[BPF_MAP_TYPE_STRUCT_OPS] = {NAMED("a", "struct_ops"), .value = ELFMAP_VALUE_BYTES, .rules = {VALUE},
				     .flags = F_LINK | F_VTYPE_BTF_OBJ_FD, WHY_NOT(NO, REGISTERED, REGISTERED, NO),
				     .needs_btf = true, .belongs_to_program = true},
	[BPF_MAP_TYPE_RINGBUF] = {NAMED("a", "ringbuf"), .value = ELFMAP_VALUE_NONE,
				  .rules = {RING_KEY, RING_VALUE, RING_SIZE, RING_POWER, RING_PAGES},
				  .flags = BPF_F_NUMA_NODE | F_RB_OVERWRITE, WHY_NOT(CONSUMED, STREAM, STREAM, NO),
				  .size = ELFMAP_SIZE_RING},
	[BPF_MAP_TYPE_INODE_STORAGE] = {NAMED("an", "inode_storage"), STORAGE},
	[BPF_MAP_TYPE_TASK_STORAGE] = {NAMED("a", "task_storage"), STORAGE},
	[BPF_MAP_TYPE_BLOOM_FILTER] = {NAMED("a", "bloom_filter"), .value = ELFMAP_VALUE_BYTES,
				       .rules = {ENTRIES, NO_KEY, VALUE},
				       .flags = BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS,
				       WHY_NOT(ONLY_KNOWS, NO, NEVER_FORGETS, NO), .is_pushed = true},
	/* The types from here on are not in every <linux/bpf.h>. */
	/* BPF_MAP_TYPE_USER_RINGBUF, Linux 6.1 */
	[31] = {NAMED("a", "user_ringbuf"), .value = ELFMAP_VALUE_NONE,
		.rules = {RING_KEY, RING_VALUE, RING_SIZE, RING_POWER, RING_PAGES}, .flags = BPF_F_NUMA_NODE,
		WHY_NOT(CONSUMED, STREAM, STREAM, NO), .is_new = true},
	/* BPF_MAP_TYPE_CGRP_STORAGE, Linux 6.2 */
	[32] = {NAMED("a", "cgrp_storage"), STORAGE, .is_new = true},
	/* BPF_MAP_TYPE_ARENA, Linux 6.9 */
	[33] = {NAMED("an", "arena"), .value = ELFMAP_VALUE_NONE,
		.flags = BPF_F_MMAPABLE | F_SEGV_ON_FAULT | F_NO_USER_CONV, WHY_NOT(MEMORY, MEMORY, MEMORY, NO),
		.is_new = true},
	/* BPF_MAP_TYPE_INSN_ARRAY, Linux 6.19 */
	[34] = {NAMED("an", "insn_array"), .value = ELFMAP_VALUE_BYTES, .rules = {ENTRIES, INDEX_KEY, VALUE_OF_16},
		WHY_NOT(NO, NO, ALWAYS_THERE, OF_ONE_PROGRAM), .is_new = true, .numeric_key = true, .has_slots = true,
		.read_by_index = true, .keeps_slots = true},
	/* BPF_MAP_TYPE_RHASH */
	[35] = {NAMED("an", "rhash"), .value = ELFMAP_VALUE_BYTES, .rules = {ENTRIES, NO_PREALLOC, KEY, VALUE},
		.flags = BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS, EVERYTHING_GOES, .takes_btf = true,
		.is_new = true, .can_be_full = true},
};
_Static_assert(sizeof(kinds) / sizeof(*kinds) == ELFMAP_NR_MAP_KINDS, "as many rows as ELFMAP_NR_MAP_KINDS");

static const struct elfmap_map_kind unknown = {
	.phrase = "a map of unknown type",
	.value = ELFMAP_VALUE_BYTES,
	.flags = ~0u,
	.is_new = true,
	EVERYTHING_GOES,
};

const struct elfmap_map_kind *elfmap_map_kind__of(__u32 type)
{
	return type < ELFMAP_NR_MAP_KINDS ? &kinds[type] : &unknown;
}

const char *elfmap_map__fault(const struct bpf_elf_map *def)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(def->type);

	for (size_t i = 0; i < ELFMAP_MAX_MAP_RULES && kind->rules[i]; i++)
		if (breaks(def, kind->rules[i]))
			return faults[kind->rules[i]];
	return NULL;
}

const char *elfmap_map_reason__text(__u8 reason)
{
	return reasons[reason];
}

const char *elfmap_map_type_name(__u32 type)
{
	const char *name = elfmap_map_kind__of(type)->name;

	return *name ? name : NULL;
}

const char *elfmap_map_type_phrase(__u32 type, char text[ELFMAP_TYPE_PHRASE])
{
	snprintf(text, ELFMAP_TYPE_PHRASE, "%s", elfmap_map_kind__of(type)->phrase);
	return text;
}

void elfmap_prefix__mask(void *key, size_t size)
{
	unsigned char *data = (unsigned char *)key + sizeof(__u32);
	size_t bytes;
	__u32 length;

	memcpy(&length, key, sizeof(length));
	if (size < sizeof(length) || length >= 8 * (size - sizeof(length)))
		return;
	bytes = length / 8;
	data[bytes] &= (unsigned char)(0xff00u >> length % 8);
	memset(data + bytes + 1, 0, size - sizeof(length) - bytes - 1);
}
