/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries in memory: what a file wants a map to have. Keys and values lie one behind the other, ready
 * for lib/map/map_write.h; a table finds a key; runs of numbers remember the lines they came from, without
 * a number for each.
 */
#ifndef ELFMAP_ENTRIES_H
#define ELFMAP_ENTRIES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define ELFMAP_ENTRIES_BLOCK 512 /* entries are looked at by the block: memory is slow one by one */
#define ELFMAP_NO_ENTRY ((size_t)-1)

struct elfmap_entries {
	size_t key_size; /* 0: no keys, and then nothing is found or twice */
	size_t value_size;
	unsigned char *keys;
	unsigned char *values;
	size_t count;
	size_t room;

	size_t indexed; /* of these the keys are in the table: all, when finished */
	__u32 *slots;	/* open hash of the keys: tag and index + 1 */
	size_t nr_slots;
	__u32 index_mask; /* a slot's bits that are the index + 1; the others are the tag */
	struct elfmap_line_run {
		size_t first; /* entry */
		size_t line;  /* of that entry; the next entry is one line further */
	} * runs;
	size_t nr_runs;
};

/* A key that came twice, with different values. */
struct elfmap_conflict {
	size_t line;	   /* where it came again */
	size_t first_line; /* where it came first */
};

void elfmap_entries__init(struct elfmap_entries *entries, size_t key_size, size_t value_size);
void elfmap_entries__free(struct elfmap_entries *entries);

/* About COUNT entries will come: makes room for them at once, if there is memory. */
void elfmap_entries__expect(struct elfmap_entries *entries, size_t count);

/* Room for one more entry, zeroed, to be filled in at *RET_KEY and *RET_VALUE. -ENOMEM. */
int elfmap_entries__reserve(struct elfmap_entries *entries, void **ret_key, void **ret_value);

/* Takes what was filled in, from LINE. -ENOMEM. */
int elfmap_entries__add(struct elfmap_entries *entries, size_t line);

/* There are no more for now: only now the new ones' keys can be found. An entry that came twice is left out the second
 * time. -EEXIST: keys were given twice with different values; the first of each stays, and CONFLICT (may be NULL) is
 * called for every other. -ENOMEM. */
int elfmap_entries__finish(struct elfmap_entries *entries,
			   void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context);

/* Of entries that are finished, leaves only those whose byte in KEEP is not 0, in their order; the lines they came
 * from are forgotten. */
void elfmap_entries__keep(struct elfmap_entries *entries, const unsigned char *keep);

/* The indexes of COUNT (at most a block) keys, or ELFMAP_NO_ENTRY. */
void elfmap_entries__find(const struct elfmap_entries *entries, const void *keys, size_t count, size_t *ret_indexes);

size_t elfmap_entries__line(const struct elfmap_entries *entries, size_t index);

#endif
