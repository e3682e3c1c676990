// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Copies entries. Where the kernel shows ids (of programs and maps) and takes descriptors, each is
 * opened for the moment in which it is written.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map_copy.h"
#include "map/map_write.h"

struct copying {
	const struct elfmap_reader *from;
	const struct elfmap_reader *to;
	struct elfmap_msg *msg;
	size_t count;
};

/* Where in a value an id stands that has to become a descriptor; -1: nowhere. */
static int object_offset(const struct bpf_map_info *info)
{
	switch (elfmap_map_kind__of(info->type)->value) {
	case ELFMAP_VALUE_PROGRAM:
	case ELFMAP_VALUE_MAP:
		return 0;
	case ELFMAP_VALUE_DEVICE:
	case ELFMAP_VALUE_QUEUE:
		return info->value_size == 8 ? 4 : -1;
	default:
		return -1;
	}
}

static int open_object(__u32 type, __u32 id)
{
	return elfmap_map__is_map_in_map(type) ? bpf_map_get_fd_by_id(id) : bpf_prog_get_fd_by_id(id);
}

static int write_object(const struct copying *copying, const void *key, const void *value, int offset)
{
	struct elfmap_job job = {.map = copying->to};
	char slot[8];
	__u32 id;
	int err, fd = -1;

	memcpy(slot, value, copying->from->info.value_size);
	memcpy(&id, slot + offset, sizeof(id));
	if (id) {
		fd = open_object(copying->from->info.type, id);
		if (fd == -ENOENT)
			return 0; /* it has gone, and its slot with it */
		if (fd < 0)
			return elfmap_msg__set(copying->msg, fd, "id %u in a slot: %s", id, strerror(-fd));
		memcpy(slot + offset, &fd, sizeof(fd));
	}
	err = elfmap_job__update(&job, key, slot, 1, copying->msg);
	if (fd >= 0)
		close(fd);
	return err;
}

static bool is_zero(const unsigned char *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

/* Of an array that becomes shorter: how many of these entries are within the new one. */
static int clip(const struct copying *copying, const char *keys, const unsigned char *values, size_t *count)
{
	size_t size = elfmap_map__value_size(copying->from), kept = 0;

	for (size_t i = 0; i < *count; i++) {
		__u32 index;

		memcpy(&index, keys + i * sizeof(index), sizeof(index));
		if (index < copying->to->info.max_entries)
			kept = i + 1; /* they come in order */
		else if (!is_zero(values + i * size, size))
			return elfmap_msg__set(copying->msg, -E2BIG, "entry %u is not zero and would be lost", index);
	}
	*count = kept;
	return 0;
}

static int take(void *context, const void *keys, const void *values, size_t count)
{
	struct copying *copying = context;
	const struct bpf_map_info *info = &copying->from->info;
	size_t size = elfmap_map__value_size(copying->from);
	struct elfmap_job job = {.map = copying->to};
	int offset = object_offset(info), err = 0;

	if (elfmap_map_kind__of(info->type)->keeps_slots)
		err = clip(copying, keys, values, &count);
	copying->count += err ? 0 : count;
	if (offset < 0 && !err && count)
		return elfmap_job__update(&job, keys, values, count, copying->msg);
	for (size_t i = 0; offset >= 0 && i < count && !err; i++)
		err = write_object(copying, (const char *)keys + i * info->key_size, (const char *)values + i * size,
				   offset);
	return err;
}

static int count_entry(void *context, const void *keys, const void *values, size_t count)
{
	(void)keys;
	(void)values;
	*(size_t *)context += count;
	return 0;
}

int elfmap_map__copy(const struct elfmap_reader *from, const struct elfmap_reader *to, struct elfmap_msg *msg)
{
	struct copying copying = {.from = from, .to = to, .msg = msg};
	size_t arrived = 0;
	int err;

	err = elfmap_map__check_copyable(&from->info, msg);
	err = err ?: elfmap_reader__each_batch(from, take, &copying, msg);
	/* An LRU map that is full makes room without a word. */
	err = err ?: elfmap_reader__each_batch(to, count_entry, &arrived, msg);
	if (!err && arrived < copying.count)
		err = elfmap_msg__set(msg, -E2BIG, "%zu entries do not fit: %zu would be lost", copying.count,
				      copying.count - arrived);
	return err;
}
