// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads a map entry by entry while others may be changing it. Three ways, because the kernel's own
 * walk (get_next_key) starts again from the beginning when the key it stands on has been deleted:
 *
 *   batches   hashes and arrays, on kernels that have them (5.6): whole buckets, nothing twice
 *   indexes   what has slots 0 to max_entries - 1: looked up one after the other
 *   keys      the rest: a list of the keys first, each once, then their values
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "map.h"

#define BATCH_BYTES (256u << 10)
#define KERNEL_ENOTSUPP 524 /* the kernel's private errno, which reaches us all the same */
#define FALL_BACK 1	    /* not an error: this kernel has no batches for this map */

struct reading {
	const struct elfmap_reader *map;
	int (*each)(void *context, const void *key, const void *value);
	void *context;
	struct elfmap_msg *msg;
	size_t key_size;
	size_t value_size; /* all copies */
};

static int fail(const struct reading *r, int err, const char *what)
{
	if (err == -KERNEL_ENOTSUPP)
		err = -EOPNOTSUPP;
	return elfmap_msg__set(r->msg, err, "%s: %s", what, strerror(-err));
}

static int no_memory(const struct reading *r)
{
	return elfmap_msg__set(r->msg, -ENOMEM, "no memory for the map's entries");
}

/* ---- batches ------------------------------------------------------------------------------------ */

struct batch {
	void *keys;
	void *values;
	void *from; /* the kernel's bookmarks: a bucket's number, or a key */
	void *to;
	__u32 room;
};

static int batch__grow(struct batch *batch, const struct reading *r, __u32 room)
{
	void *larger = reallocarray(batch->keys, room, r->key_size);

	if (!larger)
		return no_memory(r);
	batch->keys = larger;
	larger = reallocarray(batch->values, room, r->value_size);
	if (!larger)
		return no_memory(r);
	batch->values = larger;
	batch->room = room;
	return 0;
}

static int batch__hand_out(const struct batch *batch, const struct reading *r, __u32 count)
{
	int err = 0;

	for (__u32 i = 0; i < count && !err; i++)
		err = r->each(r->context, (char *)batch->keys + i * r->key_size,
			      (char *)batch->values + i * r->value_size);
	return err;
}

static bool is_unsupported(int err)
{
	return err == -EINVAL || err == -EOPNOTSUPP || err == -KERNEL_ENOTSUPP;
}

static int batch__read_all(struct batch *batch, const struct reading *r)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = r->map->lock);
	bool first = true, last = false;
	int err = 0;

	while (!err && !last) {
		__u32 count = batch->room;
		void *swap;

		err = bpf_map_lookup_batch(r->map->fd, first ? NULL : batch->from, batch->to, batch->keys,
					   batch->values, &count, &opts);
		if (first && is_unsupported(err))
			return FALL_BACK;
		if (err == -ENOSPC) { /* a bucket has more entries than we have room; the bookmark has not moved */
			if (batch->room / 4 > r->map->info.max_entries + 1024)
				return fail(r, err, "reading entries");
			err = batch__grow(batch, r, 2 * batch->room);
			continue;
		}
		if (err && err != -ENOENT)
			return fail(r, err, "reading entries");
		last = err == -ENOENT;
		first = false;
		err = batch__hand_out(batch, r, count);
		swap = batch->from;
		batch->from = batch->to;
		batch->to = swap;
	}
	return err;
}

static bool has_batches(__u32 type)
{
	switch (type) {
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
	case BPF_MAP_TYPE_HASH_OF_MAPS:
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
		return true;
	default: /* the kernel's generic batch walks by keys, with the fault that the walk has */
		return false;
	}
}

static int read_batches(const struct reading *r)
{
	size_t room = BATCH_BYTES / (r->key_size + r->value_size) + 1;
	size_t mark_size = r->key_size > 8 ? r->key_size : 8;
	struct batch batch = {.from = calloc(1, mark_size), .to = calloc(1, mark_size)};
	int err = batch.from && batch.to ? 0 : no_memory(r);

	if (room > r->map->info.max_entries)
		room = r->map->info.max_entries;
	err = err ?: batch__grow(&batch, r, (__u32)room);
	err = err ?: batch__read_all(&batch, r);
	free(batch.keys);
	free(batch.values);
	free(batch.from);
	free(batch.to);
	return err;
}

/* ---- indexes ------------------------------------------------------------------------------------ */

static int read_value(const struct reading *r, const void *key, void *value)
{
	int err = bpf_map_lookup_elem_flags(r->map->fd, key, value, r->map->lock);

	if (err == -ENOENT)
		return 0; /* an empty slot, or deleted meanwhile */
	if (err)
		return fail(r, err, "reading an entry");
	return r->each(r->context, key, value);
}

static int read_indexes(const struct reading *r)
{
	void *value = calloc(1, r->value_size);
	int err = value ? 0 : no_memory(r);

	for (__u32 i = 0; i < r->map->info.max_entries && !err; i++)
		err = read_value(r, &i, value);
	free(value);
	return err;
}

/* ---- keys --------------------------------------------------------------------------------------- */

struct key_list {
	char *keys;
	size_t count;
	size_t room;
	__u32 *slots; /* open hash of indexes + 1 into keys */
	size_t nr_slots;
};

static size_t hash_key(const char *key, size_t size)
{
	size_t hash = 14695981039346656037ull; /* FNV-1a */

	while (size--)
		hash = (hash ^ (unsigned char)*key++) * 1099511628211ull;
	return hash ^ hash >> 32;
}

static __u32 *find_slot(const struct key_list *list, const char *key, size_t size)
{
	size_t at = hash_key(key, size);

	for (;; at++) {
		__u32 *slot = &list->slots[at & (list->nr_slots - 1)];

		if (!*slot || !memcmp(list->keys + (*slot - 1) * size, key, size))
			return slot;
	}
}

static int grow_list(struct key_list *list, size_t size)
{
	size_t room = list->room ? 2 * list->room : 256;
	char *keys = reallocarray(list->keys, room, size);
	__u32 *slots;

	if (!keys)
		return -ENOMEM;
	list->keys = keys;
	slots = calloc(2 * room, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(list->slots);
	list->slots = slots;
	list->nr_slots = 2 * room;
	list->room = room;
	for (size_t i = 0; i < list->count; i++)
		*find_slot(list, list->keys + i * size, size) = (__u32)i + 1;
	return 0;
}

/* 1: it is new, 0: it was in the list. */
static int add_key(struct key_list *list, const char *key, size_t size)
{
	__u32 *slot;

	if (list->count == list->room) {
		int err = grow_list(list, size);

		if (err)
			return err;
	}
	slot = find_slot(list, key, size);
	if (*slot)
		return 0;
	memcpy(list->keys + list->count * size, key, size);
	*slot = (__u32)++list->count;
	return 1;
}

/* The walk's end means that it passed all keys since it last began. A key met twice means that it
 * has begun again; patience for that is bounded. */
static int list_keys(const struct reading *r, struct key_list *list, char *here, char *next)
{
	size_t repeats = 0;
	bool first = true;

	for (;; first = false) {
		int err = bpf_map_get_next_key(r->map->fd, first ? NULL : here, next);

		if (err == -ENOENT)
			return 0;
		if (err)
			return fail(r, err, "listing keys");
		err = add_key(list, next, r->key_size);
		if (err < 0)
			return no_memory(r);
		if (!err && ++repeats > 1000 + 100 * list->count)
			return elfmap_msg__set(r->msg, -EAGAIN,
					       "entries come and go faster than they can be listed; try again");
		memcpy(here, next, r->key_size);
	}
}

int elfmap_reader__list_keys(const struct elfmap_reader *reader, void **ret_keys, size_t *ret_count,
			     struct elfmap_msg *msg)
{
	const struct reading r = {.map = reader, .msg = msg, .key_size = reader->info.key_size};
	char *here = calloc(2, r.key_size);
	struct key_list list = {};
	int err = here ? list_keys(&r, &list, here, here + r.key_size) : no_memory(&r);

	free(here);
	free(list.slots);
	if (err) {
		free(list.keys);
		return err;
	}
	*ret_keys = list.keys;
	*ret_count = list.count;
	return 0;
}

static int read_keys(const struct reading *r)
{
	void *value = calloc(1, r->value_size), *keys = NULL;
	size_t count = 0;
	int err;

	if (!value)
		return no_memory(r);
	err = elfmap_reader__list_keys(r->map, &keys, &count, r->msg);
	for (size_t i = 0; i < count && !err; i++)
		err = read_value(r, (char *)keys + i * r->key_size, value);
	free(keys);
	free(value);
	return err;
}

/* ------------------------------------------------------------------------------------------------- */

int elfmap_reader__each(const struct elfmap_reader *reader,
			int (*each)(void *context, const void *key, const void *value), void *context,
			struct elfmap_msg *msg)
{
	const struct reading r = {
		.map = reader,
		.each = each,
		.context = context,
		.msg = msg,
		.key_size = reader->info.key_size,
		.value_size = reader->format.stride * reader->format.copies,
	};
	int err = FALL_BACK;

	if (!r.key_size || !r.value_size)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "the map has no keys or no values");
	if (has_batches(reader->info.type))
		err = read_batches(&r);
	if (err != FALL_BACK)
		return err;
	return elfmap_map__has_indexes(reader->info.type) && r.key_size == 4 ? read_indexes(&r) : read_keys(&r);
}
