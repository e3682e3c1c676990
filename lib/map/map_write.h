/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes and deletes entries: in batches if the kernel supports them for the map, otherwise one by one, or through
 * mmap() if the map was created with BPF_F_MMAPABLE.
 *
 * Keys are contiguous, info.key_size bytes each. Values are contiguous, elfmap_map__value_size() bytes each; a per-CPU
 * map has the values of all CPUs there, in the layout of the kernel.
 */
#ifndef ELFMAP_MAP_WRITE_H
#define ELFMAP_MAP_WRITE_H

#include <signal.h>

#include "map/map.h"

/* An update, a deletion, or clearing a map. All members except `map` may be zero. */
struct elfmap_job {
	const struct elfmap_reader *map; /* open for writing */
	__u64 flags;			 /* of an update: BPF_ANY, BPF_NOEXIST or BPF_EXIST */
	bool skip_absent;		 /* of a deletion: a missing key is not a failure */
	unsigned int max_threads;	 /* 0: chosen by the number of entries */

	/* Set by a signal handler: the job ends with -EINTR, and all entries before `done` are written. */
	const volatile sig_atomic_t *stop;
	/* Called repeatedly in the thread of the caller with the number of entries written so far. */
	void (*progress)(void *context, size_t done);
	/* Called after each entry was written (VALUE NULL: deleted), to record names of devices. A job with this
	 * callback writes entries one by one. */
	void (*wrote)(void *notes, const void *key, const void *value);
	void *notes;
	void *context; /* for progress */

	/* Buffer for the key of the last entry that elfmap_job__clear() cleared; may be NULL. */
	void *last_key;

	/* Filled in, also on failure. */
	size_t done;	/* entries written or deleted; with skip_absent also missing keys */
	size_t refused; /* on failure except -EINTR: index of the entry that the kernel refused */
};

/* Writes COUNT entries, in order if one thread writes them. On failure the message explains why the kernel refused
 * entry `refused`. KEYS is NULL for a QUEUE, STACK or BLOOM_FILTER, whose values are pushed. */
int elfmap_job__update(struct elfmap_job *job, const void *keys, const void *values, size_t count,
		       struct elfmap_msg *msg);
/* Deletes COUNT keys. -EOPNOTSUPP: entries of this type of map cannot be deleted. */
int elfmap_job__delete(struct elfmap_job *job, const void *keys, size_t count, struct elfmap_msg *msg);
/* Clears the map: deletes all entries, writes zeros to entries that cannot be deleted, removes all queued values.
 * `done` counts them. */
int elfmap_job__clear(struct elfmap_job *job, struct elfmap_msg *msg);

#endif
