// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compares a map with what it shall have, entry by entry as they come from the kernel: nothing of the map
 * is kept but the keys that have to go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map_compare.h"
#include "map/map_write.h"

/* What the kernel pads a CPU's value with is not part of it. */
static bool is_equal(const struct elfmap_reader *map, const unsigned char *a, const unsigned char *b)
{
	if (map->format.copies == 1)
		return !memcmp(a, b, map->info.value_size);
	for (size_t i = 0; i < map->format.copies; i++)
		if (memcmp(a + i * map->format.stride, b + i * map->format.stride, map->info.value_size) != 0)
			return false;
	return true;
}

static int add_leftover(struct elfmap_comparison *c, const unsigned char *key)
{
	size_t size = c->map->info.key_size;

	if (c->nr_leftover == c->room) {
		size_t room = c->room ? c->room + c->room / 2 : 256;
		unsigned char *keys = reallocarray(c->leftover, room, size);

		if (!keys)
			return -ENOMEM;
		c->leftover = keys;
		c->room = room;
	}
	memcpy(c->leftover + c->nr_leftover++ * size, key, size);
	return 0;
}

static int tell(const struct elfmap_comparison *c, const void *key, const void *old_value, const void *new_value)
{
	return c->differs ? c->differs(c->context, key, old_value, new_value) : 0;
}

static int judge(struct elfmap_comparison *c, const unsigned char *key, const unsigned char *value, size_t index)
{
	const unsigned char *wanted;
	int err;

	if (index == ELFMAP_NO_ENTRY) {
		if (c->zeros && is_equal(c->map, value, c->zeros))
			return 0;
		err = add_leftover(c, key);
		return err ?: tell(c, key, value, c->zeros);
	}
	wanted = c->wanted->values + index * c->wanted->value_size;
	if (is_equal(c->map, value, wanted)) {
		c->is_equal[index] = 1;
		c->nr_equal++;
		return 0;
	}
	c->is_equal[index] = 2;
	c->nr_changed++;
	return tell(c, key, value, wanted);
}

static int judge_batch(void *context, const void *keys, const void *values, size_t count)
{
	struct elfmap_comparison *c = context;
	size_t key_size = c->map->info.key_size, value_size = elfmap_map__value_size(c->map);
	size_t indexes[ELFMAP_ENTRIES_BLOCK], step;
	int err = 0;

	for (size_t done = 0; done < count && !err; done += step) {
		const unsigned char *key = (const unsigned char *)keys + done * key_size;
		const unsigned char *value = (const unsigned char *)values + done * value_size;

		step = count - done < ELFMAP_ENTRIES_BLOCK ? count - done : ELFMAP_ENTRIES_BLOCK;
		elfmap_entries__find(c->wanted, key, step, indexes);
		for (size_t i = 0; i < step && !err; i++)
			err = judge(c, key + i * key_size, value + i * value_size, indexes[i]);
	}
	return err;
}

static int tell_additions(struct elfmap_comparison *c)
{
	int err = 0;

	for (size_t i = 0; i < c->wanted->count && !err; i++) {
		if (!c->is_equal[i])
			err = tell(c, c->wanted->keys + i * c->wanted->key_size, NULL,
				   c->wanted->values + i * c->wanted->value_size);
		c->is_equal[i] &= 1;
	}
	return err;
}

int elfmap_comparison__make(struct elfmap_comparison *comparison, struct elfmap_msg *msg)
{
	int err = elfmap_map__check_readable(&comparison->map->info, msg);

	if (err)
		return err;
	comparison->is_equal = calloc(comparison->wanted->count + 1, 1);
	if (elfmap_map_kind__of(comparison->map->info.type)->keeps_slots)
		comparison->zeros = calloc(1, elfmap_map__value_size(comparison->map));
	if (!comparison->is_equal ||
	    (elfmap_map_kind__of(comparison->map->info.type)->keeps_slots && !comparison->zeros))
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	elfmap_msg__set(msg, 0, "no memory");
	err = elfmap_reader__each_batch(comparison->map, judge_batch, comparison, msg);
	return err ?: tell_additions(comparison);
}

void elfmap_comparison__free(struct elfmap_comparison *comparison)
{
	free(comparison->is_equal);
	free(comparison->leftover);
	free(comparison->zeros);
	comparison->is_equal = comparison->leftover = comparison->zeros = NULL;
}
