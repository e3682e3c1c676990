// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entries in memory, found by their keys. A block's places in the table are fetched together, since each
 * of them alone would cost more than reading its line. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "entries.h"

#define FIRST_ROOM 16		  /* most commands have one entry, and every page that is touched costs them */
#define MOST_EXPECTED (64u << 20) /* who promises more has to show it */
#define LARGE (4u << 20)	  /* bytes */

void elfmap_entries__init(struct elfmap_entries *entries, size_t key_size, size_t value_size)
{
	memset(entries, 0, offsetof(struct elfmap_entries, pending_lines));
	entries->key_size = key_size;
	entries->value_size = value_size;
}

void elfmap_entries__free(struct elfmap_entries *entries)
{
	free(entries->keys);
	free(entries->values);
	free(entries->slots);
	free(entries->runs);
	elfmap_entries__init(entries, 0, 0);
}

/* ---- the table ---------------------------------------------------------------------------------- */

static uint64_t load_word(const unsigned char *from, size_t size)
{
	uint64_t word = 0;

	memcpy(&word, from, size < 8 ? size : 8);
	return word;
}

static uint64_t hash_key(const unsigned char *key, size_t size)
{
	uint64_t hash = size;

	for (; size > 8; key += 8, size -= 8) {
		hash = (hash ^ load_word(key, 8)) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 32;
	}
	hash = (hash ^ load_word(key, size)) * 0x9e3779b97f4a7c15ull;
	return (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ull;
}

/* A slot is index + 1 in as many bits as that needs, and above them what the hash has left: another
 * key with the same place seldom has the same tag, and is not looked at. */
struct place {
	size_t slot;
	__u32 tag;
};

static struct place place_of(const struct elfmap_entries *entries, const unsigned char *key)
{
	uint64_t hash = hash_key(key, entries->key_size);

	return (struct place){.slot = (size_t)((hash >> 32) * entries->nr_slots >> 32),
			      .tag = (__u32)hash & ~entries->index_mask};
}

/* The slot that has the key, or the empty one where it belongs. */
static __u32 *find_slot(const struct elfmap_entries *entries, struct place place, const unsigned char *key)
{
	__u32 mask = entries->index_mask;

	for (;; place.slot = place.slot + 1 < entries->nr_slots ? place.slot + 1 : 0) {
		__u32 *slot = &entries->slots[place.slot];

		if (!*slot)
			return slot;
		if ((*slot & ~mask) == place.tag &&
		    !memcmp(entries->keys + ((*slot & mask) - 1) * entries->key_size, key, entries->key_size))
			return slot;
	}
}

static void find_places(const struct elfmap_entries *entries, const unsigned char *keys, size_t count,
			struct place *places)
{
	for (size_t i = 0; i < count; i++) {
		places[i] = place_of(entries, keys + i * entries->key_size);
		__builtin_prefetch(&entries->slots[places[i].slot], 1);
	}
}

/* Memory that is walked through at random costs as many look-ups in the page table as it has pages. All pages
 * of a block are meant, for one that is in two minds is not enlarged where it lies, but copied. */
static void prefer_large_pages(void *memory, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)memory & ~(page - 1);

	if (size >= LARGE)
		madvise((void *)start, (uintptr_t)memory + size - start,
			MADV_HUGEPAGE); /* which is no more than a wish */
}

/* At least a third more slots than entries: with tags it is seldom that another key is looked at, and a million
 * entries shall not take the memory of two. */
static size_t table_size(const struct elfmap_entries *entries, size_t count)
{
	size_t least = count + count / 3 + 1;

	if (least <= entries->nr_slots)
		return entries->nr_slots;
	return least > 2 * entries->nr_slots ? least : 2 * entries->nr_slots;
}

/* The smallest power of two that is more than NR_SLOTS, less one. */
static __u32 mask_for(size_t nr_slots)
{
	__u32 mask = 1;

	while (mask < nr_slots)
		mask = mask << 1 | 1;
	return mask;
}

/* Puts the keys that belong there into a table that is empty. */
static void fill_table(struct elfmap_entries *entries)
{
	for (size_t done = 0, step; done < entries->indexed; done += step) {
		struct place places[ELFMAP_ENTRIES_BLOCK];
		const unsigned char *keys = entries->keys + done * entries->key_size;

		step = entries->indexed - done;
		step = step < ELFMAP_ENTRIES_BLOCK ? step : ELFMAP_ENTRIES_BLOCK;
		find_places(entries, keys, step, places);
		for (size_t i = 0; i < step; i++)
			*find_slot(entries, places[i], keys + i * entries->key_size) =
				(__u32)(done + i + 1) | places[i].tag;
	}
}

static int grow_table(struct elfmap_entries *entries, size_t nr_slots)
{
	__u32 *slots = calloc(nr_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	prefer_large_pages(slots, nr_slots * sizeof(*slots));
	free(entries->slots);
	entries->slots = slots;
	entries->nr_slots = nr_slots;
	entries->index_mask = mask_for(nr_slots);
	fill_table(entries);
	return 0;
}

/* ---- lines -------------------------------------------------------------------------------------- */

static int add_line(struct elfmap_entries *entries, size_t index, size_t line)
{
	struct elfmap_line_run *runs = entries->runs, *last;

	if (entries->nr_runs) {
		last = &runs[entries->nr_runs - 1];
		if (last->line + (index - last->first) == line)
			return 0;
	}
	/* Room for 1, 2, 4, ... runs. */
	if (!(entries->nr_runs & (entries->nr_runs - 1))) {
		runs = reallocarray(runs, entries->nr_runs ? 2 * entries->nr_runs : 1, sizeof(*runs));
		if (!runs)
			return -ENOMEM;
		entries->runs = runs;
	}
	runs[entries->nr_runs++] = (struct elfmap_line_run){.first = index, .line = line};
	return 0;
}

size_t elfmap_entries__line(const struct elfmap_entries *entries, size_t index)
{
	size_t low = 0, high = entries->nr_runs;

	while (high - low > 1) {
		size_t middle = (low + high) / 2;

		if (entries->runs[middle].first <= index)
			low = middle;
		else
			high = middle;
	}
	return high ? entries->runs[low].line + (index - entries->runs[low].first) : 0;
}

/* ---- entries ------------------------------------------------------------------------------------ */

static int grow_room(struct elfmap_entries *entries, size_t room)
{
	unsigned char *larger;

	larger = reallocarray(entries->keys, room, entries->key_size ?: 1);
	if (!larger)
		return -ENOMEM;
	entries->keys = larger;
	prefer_large_pages(larger, room * entries->key_size);
	larger = reallocarray(entries->values, room, entries->value_size ?: 1);
	if (!larger)
		return -ENOMEM;
	entries->values = larger;
	prefer_large_pages(larger, room * entries->value_size);
	entries->room = room;
	return 0;
}

void elfmap_entries__expect(struct elfmap_entries *entries, size_t count)
{
	if (count > MOST_EXPECTED || count <= entries->room || grow_room(entries, count))
		return;
	if (entries->key_size)
		(void)grow_table(entries, table_size(entries, count)); /* without, it grows step by step */
}

int elfmap_entries__reserve(struct elfmap_entries *entries, void **ret_key, void **ret_value)
{
	if (entries->count == entries->room &&
	    grow_room(entries, entries->room ? entries->room + entries->room / 2 : FIRST_ROOM))
		return -ENOMEM;
	*ret_key = entries->keys + entries->count * entries->key_size;
	*ret_value = entries->values + entries->count * entries->value_size;
	memset(*ret_key, 0, entries->key_size);
	memset(*ret_value, 0, entries->value_size);
	return 0;
}

static void move_entry(struct elfmap_entries *entries, size_t from, size_t to)
{
	if (from == to)
		return;
	memcpy(entries->keys + to * entries->key_size, entries->keys + from * entries->key_size, entries->key_size);
	memcpy(entries->values + to * entries->value_size, entries->values + from * entries->value_size,
	       entries->value_size);
}

/* Puts the pending entries into the table, and closes the gaps of those that are there already. */
static int index_block(struct elfmap_entries *entries, size_t count,
		       void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context)
{
	unsigned char *keys = entries->keys + entries->indexed * entries->key_size;
	struct place places[ELFMAP_ENTRIES_BLOCK];
	size_t first = entries->indexed;
	int err = 0;

	find_places(entries, keys, count, places);
	for (size_t i = 0; i < count; i++) {
		const unsigned char *value = entries->values + (first + i) * entries->value_size;
		__u32 *slot = find_slot(entries, places[i], keys + i * entries->key_size);
		size_t other = (*slot & entries->index_mask) - 1;

		if (!*slot) {
			*slot = (__u32)(entries->indexed + 1) | places[i].tag;
			move_entry(entries, first + i, entries->indexed);
			if (add_line(entries, entries->indexed++, entries->pending_lines[i]))
				return -ENOMEM;
		} else if (memcmp(entries->values + other * entries->value_size, value, entries->value_size) != 0) {
			conflict(context,
				 &(struct elfmap_conflict){.line = entries->pending_lines[i],
							   .first_line = elfmap_entries__line(entries, other)});
			err = -EEXIST;
		}
	}
	return err;
}

int elfmap_entries__finish(struct elfmap_entries *entries,
			   void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context)
{
	size_t pending = entries->count - entries->indexed;
	size_t wanted = table_size(entries, entries->count);
	int err = 0;

	if (entries->key_size && wanted != entries->nr_slots)
		err = grow_table(entries, wanted);
	if (entries->key_size && !err)
		err = index_block(entries, pending, conflict, context);
	for (size_t i = 0; !entries->key_size && i < pending && !err; i++)
		err = add_line(entries, entries->indexed++, entries->pending_lines[i]);
	entries->count = entries->indexed;
	return err;
}

int elfmap_entries__add(struct elfmap_entries *entries, size_t line,
			void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context)
{
	entries->pending_lines[entries->count - entries->indexed] = line;
	entries->count++;
	if (entries->count - entries->indexed < ELFMAP_ENTRIES_BLOCK)
		return 0;
	return elfmap_entries__finish(entries, conflict, context);
}

void elfmap_entries__keep(struct elfmap_entries *entries, const unsigned char *keep)
{
	size_t kept = 0;

	for (size_t i = 0; i < entries->count; i++)
		if (keep[i])
			move_entry(entries, i, kept++);
	entries->count = entries->indexed = kept;
	entries->nr_runs = 0;
	if (!entries->nr_slots)
		return;
	memset(entries->slots, 0, entries->nr_slots * sizeof(*entries->slots));
	fill_table(entries);
}

/* Fetches what the keys will be compared with, and the values, which come next. */
static void fetch_entries(const struct elfmap_entries *entries, const struct place *places, size_t count)
{
	__u32 mask = entries->index_mask;

	for (size_t i = 0; i < count; i++) {
		__u32 slot = entries->slots[places[i].slot];

		if (!slot || (slot & ~mask) != places[i].tag)
			continue;
		__builtin_prefetch(entries->keys + ((slot & mask) - 1) * entries->key_size);
		__builtin_prefetch(entries->values + ((slot & mask) - 1) * entries->value_size);
	}
}

void elfmap_entries__find(const struct elfmap_entries *entries, const void *keys, size_t count, size_t *ret_indexes)
{
	const unsigned char *bytes = keys;
	struct place places[ELFMAP_ENTRIES_BLOCK];

	if (entries->nr_slots) {
		find_places(entries, bytes, count, places);
		fetch_entries(entries, places, count);
	}
	for (size_t i = 0; i < count; i++) {
		__u32 slot = entries->nr_slots ? *find_slot(entries, places[i], bytes + i * entries->key_size) : 0;

		ret_indexes[i] = slot ? (slot & entries->index_mask) - 1 : ELFMAP_NO_ENTRY;
	}
}
