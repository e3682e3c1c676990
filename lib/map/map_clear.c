// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Empties maps, and reads single entries. What "empty" is differs: no entries, all zero, nothing queued. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "internal.h"
#include "map_refusal.h"
#include "map_rules.h"
#include "map_write.h"

#define BATCH 8192
#define BATCH_BYTES (1u << 20)

static int explain(const struct elfmap_job *job, int err, struct elfmap_msg *msg)
{
	return elfmap_refusal__explain(job->map, true, NULL, err, msg);
}

static void note_last(const struct elfmap_job *job, const void *keys, size_t count)
{
	__u32 size = job->map->info.key_size;

	if (job->last_key && count)
		memcpy(job->last_key, (const char *)keys + (count - 1) * size, size);
}

static bool goes_on(struct elfmap_job *job, int *err)
{
	if (job->progress)
		job->progress(job->context, job->done);
	if (!*err && job->stop && *job->stop)
		*err = -EINTR;
	return !*err;
}

/* ---- single entries ----------------------------------------------------------------------------- */

int elfmap_map__lookup(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg)
{
	int err = bpf_map_lookup_elem_flags(map->fd, key, value, map->lock);

	return err ? elfmap_refusal__explain(map, false, key, err, msg) : 0;
}

int elfmap_map__pop(const struct elfmap_reader *map, void *value, struct elfmap_msg *msg)
{
	int err = bpf_map_lookup_and_delete_elem(map->fd, NULL, value);

	return err ? elfmap_refusal__explain(map, true, NULL, err, msg) : 0;
}

/* ---- what is queued ----------------------------------------------------------------------------- */

/* No more than it can hold: whoever goes on pushing would keep us here for ever. */
static int drain(struct elfmap_job *job, struct elfmap_msg *msg)
{
	void *value = calloc(1, job->map->info.value_size);
	int err = value ? 0 : -ENOMEM;

	for (__u32 i = 0; i < job->map->info.max_entries && !err; i++) {
		err = bpf_map_lookup_and_delete_elem(job->map->fd, NULL, value);
		job->done += !err;
		if (job->stop && *job->stop && !err)
			err = -EINTR;
	}
	free(value);
	return err && err != -ENOENT ? explain(job, err, msg) : 0;
}

/* ---- slots that stay ---------------------------------------------------------------------------- */

static int write_zeros(struct elfmap_job *job, struct elfmap_msg *msg)
{
	size_t size = elfmap_map__value_size(job->map), step = BATCH_BYTES / size, total = 0;
	struct elfmap_job part = *job;
	__u32 *keys;
	void *values;
	int err = 0;

	step = step < 1 ? 1 : step > BATCH ? BATCH : step;
	keys = calloc(step, sizeof(*keys));
	values = calloc(step, size);
	if (!keys || !values) {
		free(keys);
		free(values);
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	part.progress = NULL;
	for (__u32 next = 0; next < job->map->info.max_entries && goes_on(job, &err); total += part.done) {
		__u32 count = 0;

		while (count < step && next < job->map->info.max_entries)
			keys[count++] = next++;
		err = elfmap_job__update(&part, keys, values, count, msg);
		job->done = total + part.done;
		note_last(job, keys, part.done);
	}
	free(keys);
	free(values);
	return err;
}

/* ---- entries ------------------------------------------------------------------------------------ */

struct taking {
	void *keys;
	void *values;
	void *from; /* the kernel's bookmarks */
	void *to;
	__u32 room;
};

/* 1: this kernel does not take and delete at once with this map. */
static int take_all(struct elfmap_job *job, struct taking *taking)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = job->map->lock);
	bool first = true, last = false;
	int err = 0;

	while (!last && goes_on(job, &err)) {
		__u32 count = taking->room;
		void *swap = taking->from;

		err = bpf_map_lookup_and_delete_batch(job->map->fd, first ? NULL : taking->from, taking->to,
						      taking->keys, taking->values, &count, &opts);
		if (err && err != -ENOENT)
			return first ? 1 : err;
		last = err == -ENOENT;
		err = 0;
		first = false;
		job->done += count;
		note_last(job, taking->keys, count);
		taking->from = taking->to;
		taking->to = swap;
	}
	return err;
}

static int take_batches(struct elfmap_job *job)
{
	size_t key = job->map->info.key_size, value = elfmap_map__value_size(job->map);
	size_t room = BATCH_BYTES / (key + value) + 64, mark = key > 8 ? key : 8;
	struct taking taking = {.room = (__u32)room};
	int err = 1;

	taking.keys = calloc(room, key);
	taking.values = calloc(room, value);
	taking.from = calloc(1, mark);
	taking.to = calloc(1, mark);
	if (taking.keys && taking.values && taking.from && taking.to)
		err = take_all(job, &taking);
	free(taking.keys);
	free(taking.values);
	free(taking.from);
	free(taking.to);
	return err;
}

/* What is empty is not counted; some kinds of slots can be emptied twice, and others cannot be looked at. */
static int delete_slots(struct elfmap_job *job, struct elfmap_msg *msg)
{
	void *value = calloc(1, elfmap_map__value_size(job->map));
	int err = value ? 0 : -ENOMEM;

	for (__u32 slot = 0; slot < job->map->info.max_entries && !err; slot++) {
		if (bpf_map_lookup_elem(job->map->fd, &slot, value) == -ENOENT)
			continue;
		err = bpf_map_delete_elem(job->map->fd, &slot);
		if (!err) {
			job->done++;
			note_last(job, &slot, 1);
		} else if (err == -ENOENT || (err == -EINVAL && job->map->info.type == BPF_MAP_TYPE_SOCKMAP)) {
			err = 0; /* it was empty */
		}
		if (!err && job->stop && *job->stop)
			err = -EINTR;
	}
	free(value);
	return err ? explain(job, err, msg) : 0;
}

static int delete_keys(struct elfmap_job *job, struct elfmap_msg *msg)
{
	void *keys = NULL;
	size_t count;
	int err;

	err = elfmap_reader__list_keys(job->map, &keys, &count, msg);
	job->skip_absent = true;
	if (!err) {
		err = elfmap_job__delete(job, keys, count, msg);
		note_last(job, keys, job->done);
	}
	free(keys);
	return err;
}

static bool is_hash(__u32 type)
{
	return type == BPF_MAP_TYPE_HASH || type == BPF_MAP_TYPE_LRU_HASH || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH || type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

int elfmap_job__clear(struct elfmap_job *job, struct elfmap_msg *msg)
{
	__u32 type = job->map->info.type;
	int err;

	job->done = 0;
	if (elfmap_map__is_queue(type))
		return drain(job, msg);
	if (elfmap_map__keeps_slots(type))
		return write_zeros(job, msg);
	err = elfmap_map__check_deletable(job->map, msg);
	if (err)
		return err;
	if (is_hash(type)) {
		err = take_batches(job);
		if (err <= 0)
			return err ? explain(job, err, msg) : 0;
	}
	if (elfmap_map__has_indexes(type) || type == BPF_MAP_TYPE_CGROUP_ARRAY || type == BPF_MAP_TYPE_XSKMAP ||
	    type == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return delete_slots(job, msg);
	return delete_keys(job, msg);
}
