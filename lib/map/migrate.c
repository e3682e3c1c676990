// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Converts entries of a map to those of a successor with other types of keys or values. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map_copy.h"
#include "map/map_write.h"
#include "map/migrate.h"
#include "text/values.h"

/* ---- the plan ---------------------------------------------------------------------------------------------------- */

static int plan_side(const struct elfmap_layout_type *from, const struct elfmap_layout_type *to, const char *root,
		     struct elfmap_layout *ret_layout, struct elfmap_msg *msg)
{
	if (from->btf && to->btf && from->id && to->id)
		return elfmap_layout__plan(from, to, root, ret_layout, msg);
	if (from->size != to->size)
		return elfmap_msg__set(msg, -EINVAL,
				       "its %s has %zu bytes in one form and %zu in the other, and not both forms have "
				       "BTF to tell the members; compile with -g",
				       root, from->size, to->size);
	elfmap_layout__keep(from->size, ret_layout);
	return 0;
}

static struct elfmap_layout_type type_of(const struct elfmap_reader *map, bool key)
{
	return (struct elfmap_layout_type){.btf = map->types.btf,
					   .id = key ? map->info.btf_key_type_id : map->info.btf_value_type_id,
					   .size = key ? map->info.key_size : map->info.value_size};
}

int elfmap_migration__plan(const struct elfmap_reader *from, const struct elfmap_reader *to,
			   struct elfmap_migration *ret_migration, struct elfmap_msg *msg)
{
	const struct elfmap_layout_type from_key = type_of(from, true), from_value = type_of(from, false),
					to_key = type_of(to, true), to_value = type_of(to, false);
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(from->info.type);
	struct elfmap_migration migration = {.from = from, .to = to};
	int err = 0;

	if (from->info.type != to->info.type)
		return elfmap_msg__set(msg, -EINVAL, "the map is %s, and the new one %s", kind->phrase,
				       elfmap_map_kind__of(to->info.type)->phrase);
	if (kind->value != ELFMAP_VALUE_BYTES) { /* the kernel defines the values */
		elfmap_layout__keep(from->info.key_size, &migration.key);
		elfmap_layout__keep(from->info.value_size, &migration.value);
		if (from->info.key_size != to->info.key_size || from->info.value_size != to->info.value_size)
			err = elfmap_msg__set(msg, -EINVAL, "entries of %s cannot be converted", kind->phrase);
	} else {
		err = plan_side(&from_key, &to_key, "key", &migration.key, msg);
		err = err ?: plan_side(&from_value, &to_value, "value", &migration.value, msg);
	}
	if (!err && kind->is_prefix)
		err = elfmap_layout__make_prefix(&migration.key, msg);
	if (err)
		elfmap_migration__free(&migration);
	else
		*ret_migration = migration;
	return err;
}

void elfmap_migration__free(struct elfmap_migration *migration)
{
	elfmap_layout__free(&migration->key);
	elfmap_layout__free(&migration->value);
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

/* The key as text. */
static void describe_key(const struct elfmap_reader *map, const void *key, char *ret_text, size_t size)
{
	struct elfmap_buffer text = {};
	struct elfmap_value value = {.bytes = key, .copies = 1};

	if (map->format.key)
		elfmap_text__write(&text, map->format.key, &value, NULL);
	elfmap_buffer__add(&text, "", 1);
	snprintf(ret_text, size, "%s", text.error ? "" : (const char *)text.bytes);
	elfmap_buffer__free(&text);
}

static int refuse_value(const struct elfmap_migration *migration, const void *key, const char *name,
			struct elfmap_msg *msg)
{
	char text[256];

	if (!msg)
		return -ERANGE;
	describe_key(migration->from, key, text, sizeof(text));
	return elfmap_msg__set(msg, -ERANGE, "the entry %s: %s does not fit into its new type", text, name);
}

static int refuse_twins(const struct elfmap_migration *migration, const void *first, const void *second,
			struct elfmap_msg *msg)
{
	char one[256], other[256];

	describe_key(migration->from, first, one, sizeof(one));
	describe_key(migration->from, second, other, sizeof(other));
	return elfmap_msg__set(msg, -EEXIST,
			       "the keys %s and %s become the same key; choose one with '--merge first' or "
			       "'--merge last'",
			       one, other);
}

/* ---- one entry --------------------------------------------------------------------------------------------------- */

/* Data after the end of a shorter key must not be part of the prefix. */
static bool is_prefix_too_long(const struct elfmap_migration *migration, const void *key)
{
	__u32 length;

	if (!elfmap_map_kind__of(migration->from->info.type)->is_prefix)
		return false;
	memcpy(&length, key, sizeof(length));
	return length > (migration->to->info.key_size - sizeof(length)) * 8;
}

static int convert_key(const struct elfmap_migration *migration, const void *key, void *ret_key, struct elfmap_msg *msg)
{
	const char *name = "key";
	int err = elfmap_layout__convert(&migration->key, key, ret_key, &name);

	if (!err && is_prefix_too_long(migration, key)) {
		err = -ERANGE;
		name = "the prefix";
	}
	return err ? refuse_value(migration, key, name, msg) : 0;
}

static int convert_value(const struct elfmap_migration *migration, const void *key, const void *value, void *ret_value,
			 struct elfmap_msg *msg)
{
	size_t from = migration->from->format.stride, to = migration->to->format.stride;
	const char *name = "value";
	int err = 0;

	for (size_t i = 0; !err && i < migration->to->format.copies; i++)
		err = elfmap_layout__convert(&migration->value, (const char *)value + i * from,
					     (char *)ret_value + i * to, &name);
	return err ? refuse_value(migration, key, name, msg) : 0;
}

int elfmap_migration__convert(const struct elfmap_migration *migration, const void *key, const void *value,
			      void *ret_key, void *ret_value, struct elfmap_msg *msg)
{
	int err = convert_key(migration, key, ret_key, msg);

	return err ?: convert_value(migration, key, value, ret_value, msg);
}

/* ---- all entries ------------------------------------------------------------------------------------------------- */

static int add_converted(const struct elfmap_migration *migration, const struct elfmap_entries *old, size_t index,
			 struct elfmap_entries *entries, struct elfmap_msg *msg)
{
	void *key, *value;
	int err = elfmap_entries__reserve(entries, &key, &value);

	if (err)
		return elfmap_msg__set(msg, err, "no memory");
	err = elfmap_migration__convert(migration, old->keys + index * old->key_size,
					old->values + index * old->value_size, key, value, msg);
	return err ?: elfmap_entries__add(entries, index + 1);
}

/* Finds two keys of OLD that are one in ENTRIES, which are indexed. */
static int find_twins(const struct elfmap_migration *migration, const struct elfmap_entries *old,
		      const struct elfmap_entries *entries, struct elfmap_msg *msg)
{
	size_t *owners = calloc(entries->count + 1, sizeof(*owners)), at;
	unsigned char *key = malloc(entries->key_size + 1);
	int err = 0;

	if (!owners || !key)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; owners && key && !err && i < old->count; i++) {
		const unsigned char *old_key = old->keys + i * old->key_size;

		err = convert_key(migration, old_key, key, msg);
		if (err)
			break;
		elfmap_entries__find(entries, key, 1, &at);
		if (at != ELFMAP_NO_ENTRY && owners[at])
			err = refuse_twins(migration, old->keys + (owners[at] - 1) * old->key_size, old_key, msg);
		else if (at != ELFMAP_NO_ENTRY)
			owners[at] = i + 1;
	}
	free(owners);
	free(key);
	return err;
}

int elfmap_migration__convert_all(struct elfmap_migration *migration, const struct elfmap_entries *old,
				  struct elfmap_entries *ret_entries, struct elfmap_msg *msg)
{
	bool backwards = migration->merge == ELFMAP_MERGE_LAST; /* the first entry of a key is kept */
	int err = 0;

	elfmap_entries__expect(ret_entries, old->count);
	for (size_t i = 0; !err && i < old->count; i++)
		err = add_converted(migration, old, backwards ? old->count - 1 - i : i, ret_entries, msg);
	if (!err && elfmap_entries__finish(ret_entries, NULL, NULL) == -ENOMEM)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (!err && ret_entries->key_size)
		migration->merged = old->count - ret_entries->count;
	if (!err && migration->merged && migration->merge == ELFMAP_MERGE_REFUSED)
		err = find_twins(migration, old, ret_entries, msg);
	return err;
}

/* ---- from map to map --------------------------------------------------------------------------------------------- */

struct running {
	struct elfmap_migration *migration;
	struct elfmap_entries old; /* if keys may merge */
	struct elfmap_entries batch;
	size_t count;
	struct elfmap_msg *msg;
};

static bool is_zero(const unsigned char *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

/* A slot beyond the end of a shorter array? */
static int check_slot(const struct running *running, const void *key, const unsigned char *value, bool *ret_beyond,
		      struct elfmap_msg *msg)
{
	const struct elfmap_reader *from = running->migration->from, *to = running->migration->to;
	__u32 index;

	*ret_beyond = false;
	if (!elfmap_map_kind__of(from->info.type)->keeps_slots)
		return 0;
	memcpy(&index, key, sizeof(index));
	*ret_beyond = index >= to->info.max_entries;
	if (*ret_beyond && !is_zero(value, elfmap_map__value_size(from)))
		return elfmap_msg__set(msg, -E2BIG, "entry %u is not zero and would be lost", index);
	return 0;
}

static int take_batch(void *context, const void *keys, const void *values, size_t count)
{
	struct running *running = context;
	const struct elfmap_migration *migration = running->migration;
	size_t key_size = migration->from->info.key_size, value_size = elfmap_map__value_size(migration->from);
	struct elfmap_job job = {.map = migration->to};
	bool is_beyond;
	int err = 0;

	running->batch.count = 0;
	for (size_t i = 0; !err && i < count; i++) {
		const unsigned char *key = (const unsigned char *)keys + i * key_size;
		const unsigned char *value = (const unsigned char *)values + i * value_size;
		void *to_key, *to_value;

		err = check_slot(running, key, value, &is_beyond, running->msg);
		if (err || is_beyond)
			continue;
		err = elfmap_entries__reserve(&running->batch, &to_key, &to_value);
		err = err ? elfmap_msg__set(running->msg, err, "no memory")
			  : elfmap_migration__convert(migration, key, value, to_key, to_value, running->msg);
		running->batch.count += !err;
	}
	running->count += running->batch.count;
	return err
		       ?: elfmap_job__update(&job, running->batch.keys, running->batch.values, running->batch.count,
					     running->msg);
}

static int remember(void *context, const void *keys, const void *values, size_t count)
{
	struct running *running = context;
	struct elfmap_entries *old = &running->old;

	for (size_t i = 0; i < count; i++) {
		void *key, *value;

		if (elfmap_entries__reserve(old, &key, &value) || elfmap_entries__add(old, 0))
			return elfmap_msg__set(running->msg, -ENOMEM, "no memory");
		memcpy(key, (const char *)keys + i * old->key_size, old->key_size);
		memcpy(value, (const char *)values + i * old->value_size, old->value_size);
	}
	return 0;
}

/* Keys that may become one are compared before any is written. */
static int run_merging(struct running *running)
{
	struct elfmap_job job = {.map = running->migration->to};
	int err = elfmap_reader__each_batch(running->migration->from, remember, running, running->msg);

	err = err ?: elfmap_migration__convert_all(running->migration, &running->old, &running->batch, running->msg);
	running->count = running->batch.count;
	return err
		       ?: elfmap_job__update(&job, running->batch.keys, running->batch.values, running->batch.count,
					     running->msg);
}

static int count_batch(void *context, const void *keys, const void *values, size_t count)
{
	(void)keys;
	(void)values;
	*(size_t *)context += count;
	return 0;
}

int elfmap_migration__run(struct elfmap_migration *migration, struct elfmap_msg *msg)
{
	const struct elfmap_reader *from = migration->from, *to = migration->to;
	struct running running = {.migration = migration, .msg = msg};
	size_t arrived = 0;
	int err;

	if (elfmap_migration__is_copy(migration))
		return elfmap_map__copy(from, to, msg);
	err = elfmap_map__check_copyable(&from->info, msg);
	if (err)
		return err;
	elfmap_entries__init(&running.old, from->info.key_size, elfmap_map__value_size(from));
	elfmap_entries__init(&running.batch, to->info.key_size, elfmap_map__value_size(to));
	err = migration->key.merges ? run_merging(&running)
				    : elfmap_reader__each_batch(from, take_batch, &running, msg);
	err = err ?: elfmap_reader__each_batch(to, count_batch, &arrived, msg);
	if (!err && arrived < running.count) /* a full LRU map evicts entries without an error */
		err = elfmap_msg__set(msg, -E2BIG, "%zu entries do not fit: %zu would be lost", running.count,
				      running.count - arrived);
	elfmap_entries__free(&running.old);
	elfmap_entries__free(&running.batch);
	return err;
}
