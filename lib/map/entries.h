/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries in memory, for example those of a file. Keys and values are contiguous, as map/map_write.h expects them. A
 * hash table finds a key. Line numbers are stored as runs, not one for each entry.
 */
#ifndef ELFMAP_ENTRIES_H
#define ELFMAP_ENTRIES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define ELFMAP_ENTRIES_BLOCK 512 /* entries of one look-up: a block hides the latency of memory */
#define ELFMAP_NO_ENTRY ((size_t)-1)

struct elfmap_entries {
	size_t key_size; /* 0: no keys; then there are no look-ups and no duplicates */
	size_t value_size;
	unsigned char *keys;
	unsigned char *values;
	size_t count;
	size_t room;

	size_t indexed; /* entries whose keys are in the table; all after finish() */
	__u32 *slots;	/* open hash of the keys: tag and index + 1 */
	size_t nr_slots;
	__u32 index_mask; /* bits of a slot that hold the index + 1; the others hold the tag */
	struct elfmap_line_run {
		size_t first; /* entry */
		size_t line;  /* of that entry; each further entry of the run is one line later */
	} * runs;
	size_t nr_runs;
};

/* A duplicate key with a different value. */
struct elfmap_conflict {
	size_t line;	   /* of the duplicate */
	size_t first_line; /* of the first entry with the key */
};

void elfmap_entries__init(struct elfmap_entries *entries, size_t key_size, size_t value_size);
void elfmap_entries__free(struct elfmap_entries *entries);

/* Allocates room for about COUNT entries in advance. Failure is not reported: the arrays grow later. */
void elfmap_entries__expect(struct elfmap_entries *entries, size_t count);

/* Provides zeroed room for one more entry at *RET_KEY and *RET_VALUE, for the caller to fill in. -ENOMEM. */
int elfmap_entries__reserve(struct elfmap_entries *entries, void **ret_key, void **ret_value);

/* Adds the entry that was filled in; LINE is its line in the file. -ENOMEM. */
int elfmap_entries__add(struct elfmap_entries *entries, size_t line);

/* Puts the keys of the added entries into the table; find() works afterwards. Drops repeated entries. -EEXIST: a key
 * has several values; the first entry of each key is kept, and CONFLICT (may be NULL) is called for every other one.
 * -ENOMEM. */
int elfmap_entries__finish(struct elfmap_entries *entries,
			   void (*conflict)(void *context, const struct elfmap_conflict *conflict), void *context);

/* Removes the entries whose byte in KEEP is 0 and keeps the order of the others. Requires finish() before; the line
 * numbers are lost. */
void elfmap_entries__keep(struct elfmap_entries *entries, const unsigned char *keep);

/* Finds the indexes of COUNT keys (at most ELFMAP_ENTRIES_BLOCK); ELFMAP_NO_ENTRY for a key that is absent. */
void elfmap_entries__find(const struct elfmap_entries *entries, const void *keys, size_t count, size_t *ret_indexes);

/* Returns the line of an entry; 0: unknown. */
size_t elfmap_entries__line(const struct elfmap_entries *entries, size_t index);

#endif
