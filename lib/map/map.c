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
#include "kinds/maps.h"
#include "map/map.h"

int elfmap_map__check_readable(const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(info->type);

	if (!*kind->unreadable || (kind->shows_cookies && info->value_size == 8))
		return 0;
	return elfmap_msg__set(msg, -EOPNOTSUPP, "%s cannot be read: %s", kind->phrase, kind->unreadable);
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
