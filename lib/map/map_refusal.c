// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Why a map cannot be written or cleared: tables of what the kernel allows, and errnos in words. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map_refusal.h"
#include "map/map_write.h"

#define KERNEL_ENOTSUPP 524

int elfmap_map__check_writable(const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);

	if (!*kind->unwritable)
		return 0;
	return elfmap_msg__set(msg, -EOPNOTSUPP, "%s cannot be written: %s", kind->phrase, kind->unwritable);
}

int elfmap_map__check_deletable(const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);

	if (!*kind->undeletable)
		return 0;
	return elfmap_msg__set(msg, -EOPNOTSUPP, "nothing can be deleted from %s: %s", kind->phrase, kind->undeletable);
}

static __u32 first_word(const void *key)
{
	__u32 word;

	memcpy(&word, key, sizeof(word));
	return word;
}

static int explain_full(const struct elfmap_reader *map, const void *key, int err, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);
	__u32 max = map->info.max_entries;

	if (kind->has_slots && key && first_word(key) >= max)
		return elfmap_msg__set(msg, err, "there is no slot %u: the map has %u, 0 to %u", first_word(key), max,
				       max - 1);
	if (err == -ENOSPC && !kind->is_prefix)
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
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);

	if (kind->is_prefix && key && first_word(key) > 8 * (map->info.key_size - 4))
		return "the prefix is longer than the key has bits";
	if (kind->empty_is_invalid && deleting)
		return "no such key";
	return deleting ? kind->invalid_delete : kind->invalid_update;
}

int elfmap_refusal__explain(const struct elfmap_reader *map, bool deleting, const void *key, int err,
			    struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);
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
		why = kind->keeps_slots ? "the slots of an array are always there" : "the key is there already";
		break;
	case ENOENT:
		why = kind->is_queue ? "it is empty" : "no such key";
		break;
	case EBUSY:
		why = "a program holds the entry all the time; try again";
		break;
	case ENOMEM:
		why = "the kernel has no memory for it";
		break;
	case EBADF:
		why = kind->value == ELFMAP_VALUE_CGROUP ? "that descriptor is no cgroup of version 2"
							 : "there is no such descriptor";
		break;
	case EINVAL:
		why = why_invalid(map, deleting, key);
		break;
	case KERNEL_ENOTSUPP:
	case EOPNOTSUPP:
		return elfmap_msg__set(msg, -EOPNOTSUPP, "this kernel cannot do that with %s", kind->phrase);
	}
	return elfmap_msg__set(msg, err, "%s", why ?: strerror(-err));
}
