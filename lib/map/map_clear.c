// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Clears maps: depending on the type, a cleared map has no entries, zeros in all slots, or no queued values. */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "base/second_thread.h"
#include "kinds/maps.h"
#include "map/map_write.h"

#define BATCH 8192
#define BATCH_BYTES (1u << 20)
#define FALL_BACK 1 /* not an error: try the next method */

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

/* ---- queued values ------------------------------------------------------------------------------ */

/* Removes at most max_entries values: another program may push values all the time. */
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

/* ---- slots of arrays ---------------------------------------------------------------------------- */

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

/* Shared by the two threads that clear a hash. */
struct clearing {
	struct elfmap_job *job;
	_Atomic size_t done;
	_Atomic bool is_over;
};

/* The walk of one thread through the buckets. */
struct walk {
	struct clearing *clearing;
	void *keys;
	void *values;
	void *from; /* position in the map */
	void *to;
	__u32 room;
	bool started;
};

static int walk__init(struct walk *walk, struct clearing *clearing)
{
	const struct elfmap_reader *map = clearing->job->map;
	size_t key = map->info.key_size, value = elfmap_map__value_size(map), room = BATCH_BYTES / (key + value);
	size_t mark = key > 8 ? key : 8;

	room = (room < BATCH ? room : BATCH) + 64;
	*walk = (struct walk){.clearing = clearing,
			      .keys = calloc(room, key),
			      .values = calloc(room, value),
			      .from = calloc(1, mark),
			      .to = calloc(1, mark),
			      .room = (__u32)room};
	return walk->keys && walk->values && walk->from && walk->to ? 0 : -ENOMEM;
}

static void walk__free(struct walk *walk)
{
	free(walk->keys);
	free(walk->values);
	free(walk->from);
	free(walk->to);
}

/* Deletes a batch: *RET_COUNT keys are at walk->keys. Returns 1 after the last batch. */
static int take_batch(struct walk *walk, __u32 *ret_count)
{
	const struct elfmap_reader *map = walk->clearing->job->map;
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = map->lock);
	void *swap = walk->from;
	__u32 count = walk->room;
	int err;

	err = bpf_map_lookup_and_delete_batch(map->fd, walk->started ? walk->from : NULL, walk->to, walk->keys,
					      walk->values, &count, &opts);
	if (err && err != -ENOENT)
		return err;
	walk->started = true;
	walk->from = walk->to;
	walk->to = swap;
	walk->clearing->done += count;
	*ret_count = count;
	return err ? 1 : 0;
}

/* Clears the second half of the buckets. The position is assumed to be the number of a bucket. If it is not, the result
 * is still correct: the first thread walks through all buckets. */
static void *take_from_middle(void *context)
{
	struct clearing *clearing = context;
	__u32 middle = 1, count;
	struct walk walk;

	while (middle < clearing->job->map->info.max_entries / 2)
		middle *= 2;
	if (!walk__init(&walk, clearing)) {
		memcpy(walk.from, &middle, sizeof(middle));
		walk.started = true;
		while (!clearing->is_over && !take_batch(&walk, &count))
			;
	}
	walk__free(&walk);
	return NULL;
}

/* FALL_BACK: the kernel does not support lookup_and_delete_batch for this map. */
static int take_all(struct clearing *clearing, struct walk *walk)
{
	struct elfmap_job *job = clearing->job;
	bool first = true, helped = false;
	pthread_t helper;
	__u32 count = 0;
	int err = 0;

	for (; !err && goes_on(job, &err); first = false) {
		if (!first && !helped && job->max_threads != 1)
			helped = second_thread__start(&helper, take_from_middle, clearing);
		err = take_batch(walk, &count);
		if (err < 0)
			break;
		note_last(job, walk->keys, count);
		job->done = clearing->done;
	}
	clearing->is_over = true;
	if (helped)
		pthread_join(helper, NULL);
	job->done = clearing->done;
	if (err == 1)
		return 0;
	return first && err && err != -EINTR ? FALL_BACK : err;
}

static int take_batches(struct elfmap_job *job)
{
	struct clearing clearing = {.job = job};
	struct walk walk;
	int err = FALL_BACK;

	if (!walk__init(&walk, &clearing))
		err = take_all(&clearing, &walk);
	walk__free(&walk);
	return err;
}

/* Empty slots are not counted. Some types accept a second deletion of a slot; others do not support look-ups. */
static int delete_slots(struct elfmap_job *job, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(job->map->info.type);
	void *value = calloc(1, elfmap_map__value_size(job->map));
	int err = value ? 0 : -ENOMEM;

	for (__u32 slot = 0; slot < job->map->info.max_entries && !err; slot++) {
		if (bpf_map_lookup_elem(job->map->fd, &slot, value) == -ENOENT)
			continue;
		err = bpf_map_delete_elem(job->map->fd, &slot);
		if (!err) {
			job->done++;
			note_last(job, &slot, 1);
		} else if (err == -ENOENT || (err == -EINVAL && kind->empty_is_invalid)) {
			err = 0; /* the slot was empty */
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

int elfmap_job__clear(struct elfmap_job *job, struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(job->map->info.type);
	int err;

	job->done = 0;
	if (kind->is_queue)
		return drain(job, msg);
	if (kind->keeps_slots)
		return write_zeros(job, msg);
	err = elfmap_map__check_deletable(job->map, msg);
	if (err)
		return err;
	if (kind->takes_batches) {
		err = take_batches(job);
		if (err != FALL_BACK)
			return err ? explain(job, err, msg) : 0;
	}
	if (kind->has_slots)
		return delete_slots(job, msg);
	return delete_keys(job, msg);
}
