// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Why a map cannot be written or cleared: tables of what the kernel allows, and errnos in words. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/map_rules.h"
#include "map/map_refusal.h"
#include "map/map_write.h"

#define TYPE_ARENA 33 /* newer than some <linux/bpf.h> */
#define TYPE_CGRP_STORAGE 32
#define TYPE_USER_RINGBUF 31
#define KERNEL_ENOTSUPP 524

/* ---- kinds of maps ------------------------------------------------------------------------------ */

bool elfmap_map__keeps_slots(__u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

bool elfmap_map__is_queue(__u32 type)
{
	return type == BPF_MAP_TYPE_QUEUE || type == BPF_MAP_TYPE_STACK;
}

static const char *why_neither(__u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_RINGBUF:
	case TYPE_USER_RINGBUF:
		return "it is a stream of events, and has no entries";
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case TYPE_CGRP_STORAGE:
		return "its values belong to kernel objects, which have no names here";
	case BPF_MAP_TYPE_STRUCT_OPS:
		return "its one value is registered with the kernel";
	case TYPE_ARENA:
		return "it is memory without keys";
	default:
		return NULL;
	}
}

static const char *why_unwritable(__u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return "its slots take perf events, which their reader puts there";
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
	case BPF_MAP_TYPE_XSKMAP:
		return "its slots take sockets, which their owner or a program puts there";
	case BPF_MAP_TYPE_STACK_TRACE:
		return "only programs write stacks";
	default:
		return why_neither(type);
	}
}

static const char *why_undeletable(__u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return "its slots are always there; 'set' them to zero, or 'clear' the map";
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return "it has no keys; 'pop' takes the next value out";
	case BPF_MAP_TYPE_BLOOM_FILTER:
		return "it does not forget";
	case BPF_MAP_TYPE_CGROUP_STORAGE:
	case BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE:
		return "its entries come and go with the programs that are attached to cgroups";
	default:
		return why_neither(type);
	}
}

int elfmap_map__check_writable(const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	const char *why = why_unwritable(map->info.type);
	char kind[ELFMAP_TYPE_PHRASE];

	if (!why)
		return 0;
	elfmap_map_type_phrase(map->info.type, kind);
	return elfmap_msg__set(msg, -EOPNOTSUPP, "%s cannot be written: %s", kind, why);
}

int elfmap_map__check_deletable(const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	const char *why = why_undeletable(map->info.type);
	char kind[ELFMAP_TYPE_PHRASE];

	if (!why)
		return 0;
	elfmap_map_type_phrase(map->info.type, kind);
	return elfmap_msg__set(msg, -EOPNOTSUPP, "nothing can be deleted from %s: %s", kind, why);
}

/* ---- entries ------------------------------------------------------------------------------------ */

static bool takes_slots(__u32 type)
{
	return elfmap_map__has_indexes(type) || type == BPF_MAP_TYPE_CGROUP_ARRAY || type == BPF_MAP_TYPE_XSKMAP ||
	       type == BPF_MAP_TYPE_PERF_EVENT_ARRAY;
}

static __u32 first_word(const void *key)
{
	__u32 word;

	memcpy(&word, key, sizeof(word));
	return word;
}

static int explain_full(const struct elfmap_reader *map, const void *key, int err, struct elfmap_msg *msg)
{
	__u32 max = map->info.max_entries;

	if (takes_slots(map->info.type) && key && first_word(key) >= max)
		return elfmap_msg__set(msg, err, "there is no slot %u: the map has %u, 0 to %u", first_word(key), max,
				       max - 1);
	if (err == -ENOSPC && map->info.type != BPF_MAP_TYPE_LPM_TRIE)
		return elfmap_msg__set(msg, err, "%s", strerror(-err));
	return elfmap_msg__set(msg, err, "map full: %u of %u entries", max, max);
}

static int explain_permission(const struct elfmap_reader *map, int err, struct elfmap_msg *msg)
{
	if (elfmap_map__is_frozen(map->fd))
		return elfmap_msg__set(msg, err, "the map is frozen: user space cannot change it any more");
	return elfmap_msg__set(msg, err,
			       "not permitted; the capability CAP_BPF is missing, or, for devices and CPUs, "
			       "CAP_NET_ADMIN");
}

static const char *why_invalid(const struct elfmap_reader *map, bool deleting, const void *key)
{
	switch (map->info.type) {
	case BPF_MAP_TYPE_LPM_TRIE:
		return key && first_word(key) > 8 * (map->info.key_size - 4)
			       ? "the prefix is longer than the key has bits"
			       : NULL;
	case BPF_MAP_TYPE_SOCKMAP:
		return deleting ? "no such key" : NULL; /* the kernel's word for an empty slot */
	case BPF_MAP_TYPE_PROG_ARRAY:
		return "the program does not fit: a prog_array takes programs of the type of its first one";
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
		return "the map does not fit: it must have the type, sizes and flags of the one that the outer map "
		       "was made with";
	case BPF_MAP_TYPE_DEVMAP:
	case BPF_MAP_TYPE_DEVMAP_HASH:
		return deleting ? NULL : "no such device here, or a program that a devmap does not take";
	case BPF_MAP_TYPE_CPUMAP:
		return deleting ? NULL : "the queue is too long, or it is a program that a cpumap does not take";
	default:
		return NULL;
	}
}

int elfmap_refusal__explain(const struct elfmap_reader *map, bool deleting, const void *key, int err,
			    struct elfmap_msg *msg)
{
	char kind[ELFMAP_TYPE_PHRASE];
	const char *why = NULL;

	switch (-err) {
	case E2BIG:
	case ENOSPC:
		return explain_full(map, key, err, msg);
	case EPERM:
		return explain_permission(map, err, msg);
	case EINTR:
		why = "interrupted";
		break;
	case EEXIST:
		why = elfmap_map__keeps_slots(map->info.type) ? "the slots of an array are always there"
							      : "the key is there already";
		break;
	case ENOENT:
		why = elfmap_map__is_queue(map->info.type) ? "it is empty" : "no such key";
		break;
	case EBUSY:
		why = "a program holds the entry all the time; try again";
		break;
	case ENOMEM:
		why = "the kernel has no memory for it";
		break;
	case EBADF:
		why = map->info.type == BPF_MAP_TYPE_CGROUP_ARRAY ? "that descriptor is no cgroup of version 2"
								  : "there is no such descriptor";
		break;
	case EINVAL:
		why = why_invalid(map, deleting, key);
		break;
	case KERNEL_ENOTSUPP:
	case EOPNOTSUPP:
		return elfmap_msg__set(msg, -EOPNOTSUPP, "this kernel cannot do that with %s",
				       elfmap_map_type_phrase(map->info.type, kind));
	}
	return elfmap_msg__set(msg, err, "%s", why ?: strerror(-err));
}
