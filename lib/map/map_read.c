// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reads the entries of a map while other programs may change it. Three methods, because get_next_key restarts at the
 * first key when the current key was deleted:
 *
 *   batches   hashes and arrays since Linux 5.6: whole buckets, each once
 *   indexes   maps with slots 0 to max_entries - 1: each slot is looked up
 *   keys      other maps: a list of distinct keys first, then their values
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "base/second_thread.h"
#include "kinds/maps.h"
#include "map/map.h"

#define BATCH_BYTES (256u << 10)
#define KERNEL_ENOTSUPP 524 /* private errno of the kernel that system calls still return */
#define FALL_BACK 1	    /* not an error: the kernel does not support batches for this map */

struct reading {
	const struct elfmap_reader *map;
	int (*take)(void *context, const void *keys, const void *values, size_t count);
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

/* ---- batches: one is read while the previous is processed -------------------------------------------- */

struct batch {
	void *keys;
	void *values;
	__u32 room;
	__u32 count;
	bool is_full; /* read, but not processed */
};

struct batches {
	const struct reading *reading;
	struct batch both[2];
	void *from; /* position in the map: the number of a bucket, or a key */
	void *to;
	bool started;

	pthread_mutex_t lock; /* protects is_full and the members below */
	pthread_cond_t moved;
	bool at_end;   /* the last batch was read, or err is set */
	bool given_up; /* processing has ended */
	int err;
};

static int batch__grow(struct batch *batch, const struct reading *r, __u32 room)
{
	void *larger = reallocarray(batch->keys, room, r->key_size);

	if (!larger)
		return -ENOMEM;
	batch->keys = larger;
	larger = reallocarray(batch->values, room, r->value_size);
	if (!larger)
		return -ENOMEM;
	batch->values = larger;
	batch->room = room;
	return 0;
}

/* Returns 1 after the last batch. */
static int read_batch(struct batches *batches, struct batch *batch)
{
	const struct reading *r = batches->reading;
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = r->map->lock);
	void *swap = batches->from;
	int err;

	for (;;) {
		batch->count = batch->room;
		err = bpf_map_lookup_batch(r->map->fd, batches->started ? batches->from : NULL, batches->to,
					   batch->keys, batch->values, &batch->count, &opts);
		/* The bucket has more entries than fit; the position is unchanged. */
		if (err != -ENOSPC || batch->room / 4 > r->map->info.max_entries + 1024)
			break;
		err = batch__grow(batch, r, 2 * batch->room);
		if (err)
			return err;
	}
	if (err && err != -ENOENT)
		return err;
	batches->started = true;
	batches->from = batches->to;
	batches->to = swap;
	return err ? 1 : 0;
}

/* Fills the two batches in turn, each after it was processed. */
static void *read_ahead(void *context)
{
	struct batches *batches = context;
	bool last = false;

	for (unsigned int turn = 1; !last; turn ^= 1) {
		struct batch *batch = &batches->both[turn];
		int err;

		pthread_mutex_lock(&batches->lock);
		while (batch->is_full && !batches->given_up)
			pthread_cond_wait(&batches->moved, &batches->lock);
		last = batches->given_up;
		pthread_mutex_unlock(&batches->lock);
		if (last)
			break;
		err = read_batch(batches, batch);
		last = err != 0;
		pthread_mutex_lock(&batches->lock);
		batch->is_full = err >= 0;
		batches->at_end = last;
		batches->err = err < 0 ? err : 0;
		pthread_cond_signal(&batches->moved);
		pthread_mutex_unlock(&batches->lock);
	}
	return NULL;
}

static int hand_over(const struct reading *r, const struct batch *batch)
{
	return batch->count ? r->take(r->context, batch->keys, batch->values, batch->count) : 0;
}

/* Waits until BATCH is full; false: the map is at its end. */
static bool wait_for(struct batches *batches, const struct batch *batch)
{
	bool is_full;

	pthread_mutex_lock(&batches->lock);
	while (!batch->is_full && !batches->at_end)
		pthread_cond_wait(&batches->moved, &batches->lock);
	is_full = batch->is_full;
	pthread_mutex_unlock(&batches->lock);
	return is_full;
}

static void hand_back(struct batches *batches, struct batch *batch, bool give_up)
{
	pthread_mutex_lock(&batches->lock);
	batch->is_full = false;
	batches->given_up = give_up;
	pthread_cond_signal(&batches->moved);
	pthread_mutex_unlock(&batches->lock);
}

static int take_with_thread(struct batches *batches)
{
	unsigned int turn = 0;
	int err = 0;

	while (!err && wait_for(batches, &batches->both[turn])) {
		err = hand_over(batches->reading, &batches->both[turn]);
		hand_back(batches, &batches->both[turn], err != 0);
		turn ^= 1;
	}
	return err;
}

static int take_alone(struct batches *batches)
{
	int err = hand_over(batches->reading, &batches->both[0]);

	while (!err && !batches->at_end) {
		batches->err = read_batch(batches, &batches->both[0]);
		batches->at_end = batches->err != 0;
		if (batches->err < 0)
			break;
		batches->err = 0;
		err = hand_over(batches->reading, &batches->both[0]);
	}
	return err;
}

/* The first batch shows whether the kernel supports batches and whether a second thread is useful. */
static int read_all(struct batches *batches)
{
	const struct reading *r = batches->reading;
	pthread_t thread;
	int err;

	err = read_batch(batches, &batches->both[0]);
	if (elfmap_refusal__is_unsupported(err))
		return FALL_BACK;
	if (err < 0)
		return err == -ENOMEM ? no_memory(r) : fail(r, err, "reading entries");
	batches->at_end = err == 1;
	batches->both[0].is_full = true;
	if (!batches->at_end && !batch__grow(&batches->both[1], r, batches->both[0].room) &&
	    second_thread__start(&thread, read_ahead, batches)) {
		err = take_with_thread(batches);
		pthread_join(thread, NULL);
	} else {
		err = take_alone(batches);
	}
	if (!err && batches->err)
		err = batches->err == -ENOMEM ? no_memory(r) : fail(r, batches->err, "reading entries");
	return err;
}

static int read_batches(const struct reading *r)
{
	size_t room = BATCH_BYTES / (r->key_size + r->value_size) + 1;
	size_t mark_size = r->key_size > 8 ? r->key_size : 8;
	struct batches batches = {
		.reading = r,
		.from = calloc(1, mark_size),
		.to = calloc(1, mark_size),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.moved = PTHREAD_COND_INITIALIZER,
	};
	int err;

	if (room > r->map->info.max_entries)
		room = r->map->info.max_entries;
	err = batches.from && batches.to ? batch__grow(&batches.both[0], r, (__u32)room) : -ENOMEM;
	err = err ? no_memory(r) : read_all(&batches);
	for (int i = 0; i < 2; i++) {
		free(batches.both[i].keys);
		free(batches.both[i].values);
	}
	free(batches.from);
	free(batches.to);
	return err;
}

/* ---- indexes ------------------------------------------------------------------------------------ */

static int read_value(const struct reading *r, const void *key, void *value)
{
	int err = bpf_map_lookup_elem_flags(r->map->fd, key, value, r->map->lock);

	if (err == -ENOENT)
		return 0; /* an empty slot, or the entry was just deleted */
	if (err)
		return fail(r, err, "reading an entry");
	return r->take(r->context, key, value, 1);
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

/* Returns 1 if the key was added, 0 if it was in the list already. */
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

/* A walk that ends has passed all keys since its last restart. A repeated key shows a restart; the number of restarts
 * is limited. */
static int list_keys(const struct reading *r, struct key_list *list, char *here, char *next)
{
	bool is_prefix = elfmap_map_kind__of(r->map->info.type)->is_prefix, first = true;
	size_t repeats = 0;

	for (;; first = false) {
		int err = bpf_map_get_next_key(r->map->fd, first ? NULL : here, next);

		if (err == -ENOENT)
			return 0;
		if (err)
			return fail(r, err, "listing keys");
		memcpy(here, next, r->key_size);
		if (is_prefix)
			elfmap_prefix__mask(next, r->key_size);
		err = add_key(list, next, r->key_size);
		if (err < 0)
			return no_memory(r);
		if (!err && ++repeats > 1000 + 100 * list->count)
			return elfmap_msg__set(r->msg, -EAGAIN,
					       "entries come and go faster than they can be listed; try again");
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

int elfmap_reader__each_batch(const struct elfmap_reader *reader,
			      int (*take)(void *context, const void *keys, const void *values, size_t count),
			      void *context, struct elfmap_msg *msg)
{
	const struct reading r = {
		.map = reader,
		.take = take,
		.context = context,
		.msg = msg,
		.key_size = reader->info.key_size,
		.value_size = elfmap_map__value_size(reader),
	};
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(reader->info.type);
	int err = FALL_BACK;

	if (!r.key_size || !r.value_size)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "the map has no keys or no values");
	if (kind->reads_batches)
		err = read_batches(&r);
	if (err != FALL_BACK)
		return err;
	return kind->read_by_index && r.key_size == 4 ? read_indexes(&r) : read_keys(&r);
}

struct one_by_one {
	const struct elfmap_reader *map;
	int (*each)(void *context, const void *key, const void *value);
	void *context;
};

static int hand_out(void *context, const void *keys, const void *values, size_t count)
{
	const struct one_by_one *to = context;
	size_t value_size = elfmap_map__value_size(to->map);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++)
		err = to->each(to->context, (const char *)keys + i * to->map->info.key_size,
			       (const char *)values + i * value_size);
	return err;
}

int elfmap_reader__each(const struct elfmap_reader *reader,
			int (*each)(void *context, const void *key, const void *value), void *context,
			struct elfmap_msg *msg)
{
	struct one_by_one to = {.map = reader, .each = each, .context = context};

	return elfmap_reader__each_batch(reader, hand_out, &to, msg);
}

/* ---- single entries ----------------------------------------------------------------------------- */

int elfmap_map__lookup(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg)
{
	int err = bpf_map_lookup_elem_flags(map->fd, key, value, map->lock);

	return err ? elfmap_refusal__explain(map, false, key, err, msg) : 0;
}

/* ---- prefixes of an LPM_TRIE: the kernel has no exact look-up ------------------------------------ */

struct exact {
	const void *key;
	size_t key_size;
	void *value;
	size_t value_size;
};

static int take_exact(void *context, const void *key, const void *value)
{
	struct exact *exact = context;

	if (memcmp(exact->key, key, exact->key_size) != 0)
		return 0;
	memcpy(exact->value, value, exact->value_size);
	return -EEXIST; /* found: end the walk */
}

static int walk_to(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg)
{
	struct exact exact = {
		.key = key, .key_size = map->info.key_size, .value = value, .value_size = elfmap_map__value_size(map)};
	int err = elfmap_reader__each(map, take_exact, &exact, msg);

	return err == -EEXIST ? 0 : err ?: -ENOENT;
}

/* Gives KEY, which is masked, the length LENGTH. */
static void shorten(const struct elfmap_reader *map, unsigned char *key, __u32 length)
{
	memcpy(key, &length, sizeof(length));
	elfmap_prefix__mask(key, map->info.key_size);
}

/* The value of the longest prefix of KEY that is shorter: does it differ from VALUE, or is there none? Then KEY itself
 * is an entry, since the look-up of KEY found VALUE. */
static bool changes_below(const struct elfmap_reader *map, const unsigned char *key, const void *value,
			  unsigned char *shorter, void *other)
{
	__u32 length;

	memcpy(&length, key, sizeof(length));
	if (!length)
		return true;
	memcpy(shorter, key, map->info.key_size);
	shorten(map, shorter, length - 1);
	return bpf_map_lookup_elem_flags(map->fd, shorter, other, map->lock) ||
	       memcmp(other, value, elfmap_map__value_size(map)) != 0;
}

/* May KEY be an entry? The successor of a key that is not one is the first key. Before Linux 6.13 a node with another
 * address is taken for the key. */
static bool may_exist(const struct elfmap_reader *map, const void *key, unsigned char *first, unsigned char *next)
{
	return bpf_map_get_next_key(map->fd, NULL, first) || bpf_map_get_next_key(map->fd, key, next) ||
	       memcmp(first, next, map->info.key_size) != 0;
}

struct scratch {
	unsigned char *key, *other_key, *value;
};

/* Finds the longest prefix that contains KEY among those that all have VALUE; KEY becomes that prefix. */
static int find_match(const struct elfmap_reader *map, unsigned char *key, void *value, struct scratch *scratch,
		      struct elfmap_msg *msg)
{
	__u32 length;

	for (;;) {
		bool changes = changes_below(map, key, value, scratch->key, scratch->value);
		int err;

		if (changes)
			return 0;
		if (may_exist(map, key, scratch->key, scratch->other_key)) {
			err = walk_to(map, key, value, msg);
			if (err != -ENOENT)
				return err;
		}
		memcpy(&length, key, sizeof(length));
		shorten(map, key, length - 1);
	}
}

static int begin_scratch(const struct elfmap_reader *map, struct scratch *scratch, struct elfmap_msg *msg)
{
	scratch->key = calloc(2, map->info.key_size);
	scratch->value = calloc(1, elfmap_map__value_size(map));
	scratch->other_key = scratch->key ? scratch->key + map->info.key_size : NULL;
	return scratch->key && scratch->value ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

static void end_scratch(struct scratch *scratch)
{
	free(scratch->key);
	free(scratch->value);
}

int elfmap_map__lookup_match(const struct elfmap_reader *map, void *key, void *value, struct elfmap_msg *msg)
{
	struct scratch scratch = {};
	int err = elfmap_map__lookup(map, key, value, msg);

	if (err || !elfmap_map_kind__of(map->info.type)->is_prefix)
		return err;
	err = begin_scratch(map, &scratch, msg);
	elfmap_prefix__mask(key, map->info.key_size);
	err = err ?: find_match(map, key, value, &scratch, msg);
	end_scratch(&scratch);
	return err;
}

int elfmap_map__lookup_exact(const struct elfmap_reader *map, const void *key, void *value, struct elfmap_msg *msg)
{
	struct scratch scratch = {};
	int err = elfmap_map__lookup(map, key, value, msg);

	if (err || !elfmap_map_kind__of(map->info.type)->is_prefix)
		return err;
	err = begin_scratch(map, &scratch, msg);
	if (!err && !changes_below(map, key, value, scratch.key, scratch.value))
		err = may_exist(map, key, scratch.key, scratch.other_key) ? walk_to(map, key, value, msg) : -ENOENT;
	end_scratch(&scratch);
	return err == -ENOENT ? elfmap_refusal__explain(map, false, key, err, msg) : err;
}

int elfmap_map__pop(const struct elfmap_reader *map, void *value, struct elfmap_msg *msg)
{
	int err = bpf_map_lookup_and_delete_elem(map->fd, NULL, value);

	return err ? elfmap_refusal__explain(map, true, NULL, err, msg) : 0;
}
