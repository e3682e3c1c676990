// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Looks at all entries of a map, again and again, and keeps those whose first number changes fastest. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/map/map_rates.h"
#include "map/map_write.h"

/* ---- numbers -------------------------------------------------------------------------------------- */

static size_t count_numbers(const struct elfmap_type *type)
{
	size_t count = elfmap_type__is_counter(type);

	for (size_t i = 0; type->notation == ELFMAP_STRUCT && i < type->nr_members; i++)
		count += count_numbers(&type->members[i]);
	return count;
}

/* Puts them behind each other, and returns how many there are. 64 bits are enough for a difference. */
static size_t take_numbers(const struct elfmap_type *type, const struct elfmap_value *value, __u64 *to)
{
	size_t count = 0;

	if (elfmap_type__is_counter(type)) {
		*to = (__u64)elfmap_type__number(type, value);
		return 1;
	}
	for (size_t i = 0; type->notation == ELFMAP_STRUCT && i < type->nr_members; i++) {
		struct elfmap_value inner = elfmap_type__member(&type->members[i], value, 0);

		count += take_numbers(&type->members[i], &inner, to + count);
	}
	return count;
}

static double change_of(__u64 now, __u64 before)
{
	return (double)(__s64)(now - before);
}

/* ---- rows ----------------------------------------------------------------------------------------- */

static int busiest_first(const void *a, const void *b)
{
	const struct rates_row *one = a, *other = b;
	double left = fabs(one->rate), right = fabs(other->rate);

	if (left > right || left < right)
		return left > right ? -1 : 1;
	return one->number < other->number ? -1 : one->number > other->number;
}

static void drop_idlest(struct rates *rates)
{
	qsort(rates->rows, rates->nr_rows, sizeof(*rates->rows), busiest_first);
	if (rates->nr_rows <= rates->most)
		return;
	rates->nr_rows = rates->most;
	rates->least = fabs(rates->rows[rates->most - 1].rate);
}

static int grow_rows(struct rates *rates)
{
	size_t room = rates->room ? 2 * rates->room : 64;
	struct rates_row *rows = reallocarray(rates->rows, room, sizeof(*rows));
	unsigned char *places;

	if (!rows)
		return -ENOMEM;
	rates->rows = rows;
	places = reallocarray(rates->places, room, rates->place_size);
	if (!places)
		return -ENOMEM;
	rates->places = places;
	for (; rates->room < room; rates->room++)
		rows[rates->room].place = rates->room;
	return 0;
}

/* Half as many again as will be kept are taken before they are sorted, which then is seldom. */
static int find_row(struct rates *rates, struct rates_row **ret_row)
{
	if (rates->nr_rows > rates->most + rates->most / 2)
		drop_idlest(rates);
	if (rates->nr_rows == rates->room && grow_rows(rates))
		return -ENOMEM;
	*ret_row = &rates->rows[rates->nr_rows++];
	return 0;
}

static unsigned char *place_of(const struct rates *rates, const struct rates_row *row)
{
	return rates->places + row->place * rates->place_size;
}

const void *rates__key(const struct rates *rates, const struct rates_row *row)
{
	return place_of(rates, row);
}

struct elfmap_value rates__value(const struct rates *rates, const struct rates_row *row)
{
	const struct elfmap_format *format = &rates->map->format;

	return (struct elfmap_value){.bytes = place_of(rates, row) + rates->map->info.key_size,
				     .copies = format->copies,
				     .stride = format->stride};
}

double rates__of(const struct rates *rates, const struct rates_row *row, size_t n, const struct elfmap_type *type,
		 const struct elfmap_value *value)
{
	const unsigned char *before = place_of(rates, row) + rates->map->info.key_size +
				      elfmap_map__value_size(rates->map) + n * sizeof(__u64);
	__int128 now = elfmap_type__number(type, value);
	__u64 number;

	memcpy(&number, before, sizeof(number));
	return (row->is_new ? (double)now : change_of((__u64)now, number)) / rates->seconds;
}

/* ---- looking -------------------------------------------------------------------------------------- */

/* BEFORE: the numbers at the last look; NULL: it is new. */
static int offer(struct rates *rates, const void *key, const void *value, const void *before)
{
	size_t key_size = rates->map->info.key_size, value_size = elfmap_map__value_size(rates->map), number;
	__u64 first = 0;
	struct rates_row *row;
	unsigned char *place;
	double rate = 0;

	number = rates->nr_entries++;
	if (before && rates->nr_numbers)
		memcpy(&first, before, sizeof(first));
	if (rates->seconds > 0 && rates->nr_numbers)
		rate = change_of(*rates->numbers, first) / rates->seconds;
	if (fabs(rate) <= rates->least)
		return 0;
	if (find_row(rates, &row))
		return -ENOMEM;
	row->rate = rate;
	row->number = number;
	row->is_new = !before;
	place = place_of(rates, row);
	memcpy(place, key, key_size);
	memcpy(place + key_size, value, value_size);
	if (before)
		memcpy(place + key_size + value_size, before, rates->last.value_size);
	return 0;
}

static int add_last(struct rates *rates, const void *key)
{
	void *last_key, *last_numbers;
	int err = elfmap_entries__reserve(&rates->last, &last_key, &last_numbers);

	if (err)
		return err;
	memcpy(last_key, key, rates->last.key_size);
	memcpy(last_numbers, rates->numbers, rates->last.value_size);
	/* They come from no lines, but a run of numbers takes less than each its own. */
	return elfmap_entries__add(&rates->last, rates->last.count + 1);
}

static int take_entry(struct rates *rates, const void *key, const void *value, size_t index)
{
	const struct elfmap_format *format = &rates->map->format;
	const struct elfmap_value all = {.bytes = value, .copies = format->copies, .stride = format->stride};
	unsigned char *last;
	int err;

	if (index != ELFMAP_NO_ENTRY && (index >= rates->nr_last || rates->seen[index]))
		return 0;
	take_numbers(format->value, &all, rates->numbers);
	if (index == ELFMAP_NO_ENTRY)
		return offer(rates, key, value, NULL) ?: add_last(rates, key);
	last = rates->last.values + index * rates->last.value_size;
	err = offer(rates, key, value, last);
	memcpy(last, rates->numbers, rates->last.value_size);
	rates->seen[index] = 1;
	return err;
}

static int take(void *context, const void *keys, const void *values, size_t count)
{
	struct rates *rates = context;
	size_t key_size = rates->map->info.key_size, value_size = elfmap_map__value_size(rates->map);
	size_t indexes[ELFMAP_ENTRIES_BLOCK], step;
	int err = 0;

	for (size_t done = 0; done < count && !err; done += step) {
		const char *key = (const char *)keys + done * key_size;
		const char *value = (const char *)values + done * value_size;

		step = count - done < ELFMAP_ENTRIES_BLOCK ? count - done : ELFMAP_ENTRIES_BLOCK;
		elfmap_entries__find(&rates->last, key, step, indexes);
		for (size_t i = 0; i < step && !err; i++)
			err = take_entry(rates, key + i * key_size, value + i * value_size, indexes[i]);
	}
	return err;
}

static int begin_look(struct rates *rates, size_t most)
{
	rates->most = most;
	rates->least = -1;
	rates->nr_rows = rates->nr_entries = 0;
	rates->nr_last = rates->last.count;
	free(rates->seen);
	rates->seen = calloc(rates->nr_last + 1, 1);
	return rates->seen ? 0 : -ENOMEM;
}

/* Those that have gone are forgotten: should they come back, they are new. */
static int end_look(struct rates *rates)
{
	unsigned char *seen;
	bool all_seen = !memchr(rates->seen, 0, rates->nr_last);

	drop_idlest(rates);
	/* A key that comes twice has changed while it was read: either value will do. */
	if (elfmap_entries__finish(&rates->last, NULL, NULL) == -ENOMEM)
		return -ENOMEM;
	if (all_seen)
		return 0;
	seen = realloc(rates->seen, rates->last.count);
	if (!seen)
		return -ENOMEM;
	rates->seen = seen;
	memset(seen + rates->nr_last, 1, rates->last.count - rates->nr_last);
	elfmap_entries__keep(&rates->last, seen);
	return 0;
}

/* The rates of this look are for the time since the last one began. */
static void take_time(struct rates *rates)
{
	struct timespec last = rates->time;

	clock_gettime(CLOCK_MONOTONIC, &rates->time);
	if (last.tv_sec || last.tv_nsec)
		rates->seconds =
			(double)(rates->time.tv_sec - last.tv_sec) + (double)(rates->time.tv_nsec - last.tv_nsec) / 1e9;
}

int rates__look(struct rates *rates, size_t most, struct elfmap_msg *msg)
{
	int err;

	take_time(rates);
	err = begin_look(rates, most);
	if (!err)
		err = elfmap_reader__each_batch(rates->map, take, rates, msg);
	if (!err)
		err = end_look(rates);
	return err == -ENOMEM ? elfmap_msg__set(msg, err, "no memory") : err;
}

/* ------------------------------------------------------------------------------------------------- */

int rates__begin(struct rates *rates, const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	size_t count = count_numbers(map->format.value);

	*rates = (struct rates){.map = map, .nr_numbers = count};
	rates->place_size = map->info.key_size + elfmap_map__value_size(map) + count * sizeof(*rates->numbers);
	elfmap_entries__init(&rates->last, map->info.key_size, count * sizeof(*rates->numbers));
	rates->numbers = calloc(count + 1, sizeof(*rates->numbers));
	return rates->numbers ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

void rates__free(struct rates *rates)
{
	elfmap_entries__free(&rates->last);
	free(rates->numbers);
	free(rates->places);
	free(rates->rows);
	free(rates->seen);
}
