// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entries in memory and a hash table of their keys. The table is accessed in blocks with prefetching: a cache miss for
 * each entry costs more than parsing its line. */
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "base/second_thread.h"
#include "map/entries.h"

#define FIRST_ROOM 16		  /* most commands have one entry: touch few pages */
#define MOST_EXPECTED (64u << 20) /* entries; the estimate is not trusted beyond */
#define LARGE (4u << 20)	  /* bytes */
#define THREADS_PAY 32768	  /* entries; fewer do not repay the cost of a thread */

void elfmap_entries__init(struct elfmap_entries *entries, size_t key_size, size_t value_size)
{
	*entries = (struct elfmap_entries){.key_size = key_size, .value_size = value_size};
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

/* A slot holds index + 1 in its low bits and a tag, the remaining bits of the hash, above. Other keys in the same place
 * rarely have the same tag, so they are rarely compared. */
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

/* The slot of the key, or the empty slot for it. */
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

/* Random access misses the TLB for each page; huge pages reduce that. The advice covers whole allocations: realloc()
 * copies a mapping that has the advice in part, instead of extending it. */
static void prefer_large_pages(void *memory, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)memory & ~(page - 1);

	if (size >= LARGE)
		madvise((void *)start, (uintptr_t)memory + size - start, MADV_HUGEPAGE);
}

/* The smallest 2^n - 1 that is not less than NR_SLOTS. */
static __u32 mask_for(size_t nr_slots)
{
	__u32 mask = 1;

	while (mask < nr_slots)
		mask = mask << 1 | 1;
	return mask;
}

/* A third more slots than entries: tags keep the comparisons few, and more slots would cost memory. */
static int make_table(struct elfmap_entries *entries)
{
	size_t nr_slots = entries->count + entries->count / 3 + 1;

	free(entries->slots);
	entries->slots = calloc(nr_slots, sizeof(*entries->slots));
	if (!entries->slots)
		return -ENOMEM;
	prefer_large_pages(entries->slots, nr_slots * sizeof(*entries->slots));
	entries->nr_slots = nr_slots;
	entries->index_mask = mask_for(nr_slots);
	return 0;
}

/* Stores CONTENT in the slot of the key; another thread may do the same. Returns the content that the slot has already,
 * or 0. */
static __u32 take_slot(const struct elfmap_entries *entries, struct place place, const unsigned char *key,
		       __u32 content)
{
	__u32 mask = entries->index_mask;

	for (;; place.slot = place.slot + 1 < entries->nr_slots ? place.slot + 1 : 0) {
		_Atomic __u32 *slot = (_Atomic __u32 *)&entries->slots[place.slot];
		__u32 there = atomic_load_explicit(slot, memory_order_relaxed);

		if (!there && atomic_compare_exchange_strong_explicit(slot, &there, content, memory_order_relaxed,
								      memory_order_relaxed))
			return 0;
		if ((there & ~mask) == place.tag &&
		    !memcmp(entries->keys + ((there & mask) - 1) * entries->key_size, key, entries->key_size))
			return there;
	}
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
	runs = elfmap_array__grow(runs, entries->nr_runs, sizeof(*runs));
	if (!runs)
		return -ENOMEM;
	entries->runs = runs;
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
	if (count <= MOST_EXPECTED && count > entries->room)
		(void)grow_room(entries, count);
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

int elfmap_entries__add(struct elfmap_entries *entries, size_t line)
{
	return add_line(entries, entries->count++, line);
}

static void move_entry(struct elfmap_entries *entries, size_t from, size_t to)
{
	if (from == to)
		return;
	memcpy(entries->keys + to * entries->key_size, entries->keys + from * entries->key_size, entries->key_size);
	memcpy(entries->values + to * entries->value_size, entries->values + from * entries->value_size,
	       entries->value_size);
}

/* ---- indexing: by two threads in any order, unless a key is repeated ------------------------------- */

struct indexing {
	struct elfmap_entries *entries;
	_Atomic size_t next; /* the first entry that no thread has taken */
	_Atomic bool has_twins;
};

static void *index_blocks(void *context)
{
	struct indexing *indexing = context;
	const struct elfmap_entries *entries = indexing->entries;
	struct place places[ELFMAP_ENTRIES_BLOCK];

	while (!indexing->has_twins) {
		size_t first = atomic_fetch_add(&indexing->next, ELFMAP_ENTRIES_BLOCK), count;
		const unsigned char *key = entries->keys + first * entries->key_size;

		if (first >= entries->count)
			break;
		count = entries->count - first;
		count = count < ELFMAP_ENTRIES_BLOCK ? count : ELFMAP_ENTRIES_BLOCK;
		find_places(entries, key, count, places);
		for (size_t i = 0; i < count; i++, key += entries->key_size)
			if (take_slot(entries, places[i], key, (__u32)(first + i + 1) | places[i].tag))
				indexing->has_twins = true;
	}
	return NULL;
}

/* False: a key is repeated. */
static bool index_all(struct elfmap_entries *entries)
{
	struct indexing indexing = {.entries = entries};
	pthread_t helper;
	bool helped = entries->count >= THREADS_PAY && second_thread__start(&helper, index_blocks, &indexing);

	index_blocks(&indexing);
	if (helped)
		pthread_join(helper, NULL);
	return !indexing.has_twins;
}

/* ---- indexing: in order, the first entry of each key ---------------------------------------------- */

/* Moves entry INDEX to the end of the kept entries if its key is new. */
static int keep_first(struct elfmap_entries *kept, size_t index, size_t line,
		      void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context)
{
	const unsigned char *key = kept->keys + index * kept->key_size;
	struct place place = place_of(kept, key);
	__u32 there = take_slot(kept, place, key, (__u32)(kept->count + 1) | place.tag);
	size_t other = (there & kept->index_mask) - 1;

	if (!there) {
		move_entry(kept, index, kept->count);
		return elfmap_entries__add(kept, line);
	}
	if (!memcmp(kept->values + other * kept->value_size, kept->values + index * kept->value_size, kept->value_size))
		return 0;
	if (conflict)
		conflict(context,
			 &(struct elfmap_conflict){.line = line, .first_line = elfmap_entries__line(kept, other)});
	return -EEXIST;
}

static int keep_firsts(struct elfmap_entries *entries,
		       void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context)
{
	struct elfmap_entries kept = *entries; /* shares the memory, except the lines */
	int err = 0;

	kept.count = kept.nr_runs = 0;
	kept.runs = NULL;
	memset(kept.slots, 0, kept.nr_slots * sizeof(*kept.slots));
	for (size_t i = 0; i < entries->count && err != -ENOMEM; i++) {
		int refused = keep_first(&kept, i, elfmap_entries__line(entries, i), conflict, context);

		if (refused)
			err = refused;
	}
	free(entries->runs);
	*entries = kept;
	return err;
}

int elfmap_entries__finish(struct elfmap_entries *entries,
			   void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context)
{
	int err;

	if (!entries->key_size || entries->indexed == entries->count)
		return 0;
	err = make_table(entries);
	if (!err && !index_all(entries))
		err = keep_firsts(entries, conflict, context);
	entries->indexed = entries->count;
	return err;
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
	(void)index_all(entries); /* keys are distinct */
}

/* ---- look-up -------------------------------------------------------------------------------------- */

/* Prefetches the keys for the comparison, and the values, which the caller reads next. */
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
