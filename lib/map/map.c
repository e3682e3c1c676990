// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens maps with the types of their keys and values. Checks which operations a map supports. Explains errnos. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "base/path.h"
#include "kinds/maps.h"
#include "map/map.h"

#define KERNEL_ENOTSUPP 524 /* private errno of the kernel that system calls still return */

/* ---- supported operations ------------------------------------------------------------------------------- */

int elfmap_map__check_readable(const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(info->type);

	if (kind->unreadable == ELFMAP_NO_REASON || (kind->shows_cookies && info->value_size == 8))
		return 0;
	return elfmap_msg__set(msg, -EOPNOTSUPP, "%s cannot be read: %s", kind->phrase,
			       elfmap_map_reason__text(kind->unreadable));
}

int elfmap_map__check_writable(const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);

	if (kind->unwritable == ELFMAP_NO_REASON)
		return 0;
	return elfmap_msg__set(msg, -EOPNOTSUPP, "%s cannot be written: %s", kind->phrase,
			       elfmap_map_reason__text(kind->unwritable));
}

int elfmap_map__check_deletable(const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(map->info.type);

	if (kind->undeletable == ELFMAP_NO_REASON)
		return 0;
	return elfmap_msg__set(msg, -EOPNOTSUPP, "nothing can be deleted from %s: %s", kind->phrase,
			       elfmap_map_reason__text(kind->undeletable));
}

int elfmap_map__check_copyable(const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(info->type);
	int err = elfmap_map__check_readable(info, msg);

	if (err)
		return err;
	if (kind->uncopyable != ELFMAP_NO_REASON)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "%s", elfmap_map_reason__text(kind->uncopyable));
	if (info->map_flags & BPF_F_RDONLY)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "it was made read-only for user space");
	return 0;
}

/* ---- errnos --------------------------------------------------------------------------------------------- */

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
	return elfmap_map_reason__text(deleting ? kind->invalid_delete : kind->invalid_update);
}

bool elfmap_refusal__is_unsupported(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP || err == -KERNEL_ENOTSUPP;
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
		why = kind->value == ELFMAP_VALUE_CGROUP ? "the descriptor is not a cgroup of version 2"
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

/* ---- opening -------------------------------------------------------------------------------------------- */

/* Detects a spin lock in the value, which requires BTF: only for such a map the kernel accepts a look-up with
 * BPF_F_LOCK, whether the key exists or not. */
static void probe_lock(struct elfmap_reader *reader)
{
	const struct bpf_map_info *info = &reader->info;
	void *key, *value;
	int err = -EINVAL;

	if (!info->btf_value_type_id || reader->format.per_cpu || !info->key_size || !reader->format.stride)
		return;
	key = calloc(1, info->key_size);
	value = calloc(1, reader->format.stride);
	if (key && value)
		err = bpf_map_lookup_elem_flags(reader->fd, key, value, BPF_F_LOCK);
	if (!err || err == -ENOENT)
		reader->lock = BPF_F_LOCK;
	free(key);
	free(value);
}

/* Finds the types of READER, whose map is open if ERR is 0. Closes READER on failure. */
static int finish(struct elfmap_reader *reader, int err, const char *name, const struct elfmap_type_words *words,
		  struct elfmap_reader *ret_reader, struct elfmap_msg *msg)
{
	err = err ?: elfmap_map_types__find(&reader->info, name, words, &reader->types, msg);
	err = err ?: elfmap_map_types__format(&reader->types, &reader->info, &reader->format, msg);
	if (err) {
		elfmap_reader__close(reader);
		return err;
	}
	probe_lock(reader);
	*ret_reader = *reader;
	return 0;
}

int elfmap_reader__open(const char *path, struct elfmap_reader *ret_reader, struct elfmap_msg *msg)
{
	struct elfmap_reader reader = {.fd = -1};
	int err = elfmap_map__open_for(path, ELFMAP_READ, &reader.fd, &reader.info, msg);

	err = err ?: elfmap_map__check_readable(&reader.info, msg);
	return finish(&reader, err, elfmap_path__name(path), NULL, ret_reader, msg);
}

int elfmap_reader__open_for(const char *path, enum elfmap_access access, const struct elfmap_type_words *words,
			    struct elfmap_reader *ret_reader, struct elfmap_msg *msg)
{
	struct elfmap_reader reader = {.fd = -1};
	int err = elfmap_map__open_for(path, access, &reader.fd, &reader.info, msg);

	return finish(&reader, err, elfmap_path__name(path), words, ret_reader, msg);
}

int elfmap_reader__open_fd(int fd, const char *name, const struct elfmap_type_words *words,
			   struct elfmap_reader *ret_reader, struct elfmap_msg *msg)
{
	struct elfmap_reader reader = {.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
	__u32 size = sizeof(reader.info);
	int err;

	if (reader.fd < 0)
		return elfmap_msg__set(msg, -errno, "%s", strerror(errno));
	err = bpf_obj_get_info_by_fd(reader.fd, &reader.info, &size);
	if (err)
		elfmap_msg__set(msg, err, "the kernel does not describe the map: %s", strerror(-err));
	return finish(&reader, err, name, words, ret_reader, msg);
}

void elfmap_reader__close(struct elfmap_reader *reader)
{
	elfmap_map_types__free(&reader->types);
	if (reader->fd >= 0)
		close(reader->fd);
	*reader = (struct elfmap_reader){.fd = -1};
}
