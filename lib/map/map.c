// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens pinned maps for reading entries, and finds out what their keys and values are: from BTF, or where the kernel
 * alone decides. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "map/map.h"

#define TYPE_ARENA 33 /* newer than some <linux/bpf.h> */
#define TYPE_CGRP_STORAGE 32
#define TYPE_USER_RINGBUF 31

/* Why a map of this kind has no entries to show; NULL: it may have. */
static const char *why_unreadable(const struct bpf_map_info *info)
{
	switch (info->type) {
	case BPF_MAP_TYPE_QUEUE:
	case BPF_MAP_TYPE_STACK:
		return "its values have no keys, and reading takes them out";
	case BPF_MAP_TYPE_RINGBUF:
	case TYPE_USER_RINGBUF:
	case BPF_MAP_TYPE_PERF_EVENT_ARRAY:
		return "it is a stream of events, which its reader consumes";
	case BPF_MAP_TYPE_CGROUP_ARRAY:
	case BPF_MAP_TYPE_XSKMAP:
		return "its slots can only be written";
	case BPF_MAP_TYPE_SOCKMAP:
	case BPF_MAP_TYPE_SOCKHASH:
	case BPF_MAP_TYPE_REUSEPORT_SOCKARRAY:
		return info->value_size == 8 ? NULL
					     : "its slots can only be written (with 8-byte values they show cookies)";
	case BPF_MAP_TYPE_BLOOM_FILTER:
		return "it only knows whether it has seen a value";
	case BPF_MAP_TYPE_SK_STORAGE:
	case BPF_MAP_TYPE_INODE_STORAGE:
	case BPF_MAP_TYPE_TASK_STORAGE:
	case TYPE_CGRP_STORAGE:
		return "its values belong to kernel objects and cannot be listed";
	case TYPE_ARENA:
		return "it is memory without keys";
	default:
		return NULL;
	}
}

int elfmap_map__check_readable(const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	const char *why = why_unreadable(info);
	char kind[ELFMAP_TYPE_PHRASE];

	if (!why)
		return 0;
	elfmap_map_type_phrase(info->type, kind);
	return elfmap_msg__set(msg, -EOPNOTSUPP, "%s cannot be read: %s", kind, why);
}

/* What the rest of reading goes by. */
static int read_types(struct elfmap_reader *reader, const char *path, const struct elfmap_type_words *words,
		      struct elfmap_msg *msg)
{
	int err = elfmap_map_types__find(&reader->info, elfmap_path__name(path), words, &reader->types, msg);

	return err ?: elfmap_map_types__format(&reader->types, &reader->info, &reader->format, msg);
}

/* A spin lock in the value, which needs types: only a map that has one lets an entry be looked at under
 * its lock, be it there or not. */
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

static int open_reader(const char *path, enum elfmap_access access, const struct elfmap_type_words *words,
		       bool is_to_be_listed, struct elfmap_reader *ret_reader, struct elfmap_msg *msg)
{
	struct elfmap_reader reader = {.fd = -1};
	int err;

	err = elfmap_map__open_for(path, access, &reader.fd, &reader.info, msg);
	if (!err && is_to_be_listed)
		err = elfmap_map__check_readable(&reader.info, msg);
	err = err ?: read_types(&reader, path, words, msg);
	if (err) {
		elfmap_reader__close(&reader);
		return err;
	}
	probe_lock(&reader);
	*ret_reader = reader;
	return 0;
}

int elfmap_reader__open(const char *path, struct elfmap_reader *ret_reader, struct elfmap_msg *msg)
{
	return open_reader(path, ELFMAP_READ, NULL, true, ret_reader, msg);
}

int elfmap_reader__open_for(const char *path, enum elfmap_access access, const struct elfmap_type_words *words,
			    struct elfmap_reader *ret_reader, struct elfmap_msg *msg)
{
	return open_reader(path, access, words, false, ret_reader, msg);
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
	err = err ?: read_types(&reader, name, words, msg);
	if (err) {
		elfmap_reader__close(&reader);
		return err;
	}
	probe_lock(&reader);
	*ret_reader = reader;
	return 0;
}

void elfmap_reader__close(struct elfmap_reader *reader)
{
	elfmap_map_types__free(&reader->types);
	if (reader->fd >= 0)
		close(reader->fd);
	*reader = (struct elfmap_reader){.fd = -1};
}
