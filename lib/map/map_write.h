/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Writes and deletes entries, thousands a call where map and kernel have calls for that, one by one
 * where not, and through memory where the map is shared as memory.
 *
 * Keys lie one behind the other, info.key_size bytes each; values likewise, elfmap_map__value_size()
 * bytes each: for maps with a value for every CPU all of them, as the kernel wants them.
 */
#ifndef ELFMAP_MAP_WRITE_H
#define ELFMAP_MAP_WRITE_H

#include <signal.h>

#include "map/map.h"

/* One piece of work. All but `map` may be left zero. */
struct elfmap_job {
	const struct elfmap_reader *map; /* open for writing */
	__u64 flags;			 /* of an update: BPF_ANY, BPF_NOEXIST or BPF_EXIST */
	bool skip_absent;		 /* of a deletion: a key that is not there is no failure */
	unsigned int max_threads;	 /* 0: as many as pay */

	/* Set by a signal handler: the work ends early, with -EINTR, everything before entry `done` written. */
	const volatile sig_atomic_t *stop;
	/* Called now and then from the caller's thread with the number of entries that are done. */
	void (*progress)(void *context, size_t done);
	/* Called after each entry that was written (VALUE NULL: deleted), for names that are kept beside a map.
	 * A job that has it writes one by one. */
	void (*wrote)(void *notes, const void *key, const void *value);
	void *notes;
	void *context; /* for progress */

	/* Room for a key, where elfmap_job__clear() leaves that of the last entry it cleared; may be NULL. */
	void *last_key;

	/* Filled in, also on failure. */
	size_t done;	/* entries written or deleted, or not there with skip_absent */
	size_t refused; /* on failure but -EINTR: the entry that the kernel refused */
};

/* Writes COUNT entries, in their order as far as one thread does it. On failure the message says in
 * words what the kernel holds against entry `refused`, and the errno is the kernel's. KEYS is NULL for
 * a QUEUE, STACK or BLOOM_FILTER, whose values are pushed. */
int elfmap_job__update(struct elfmap_job *job, const void *keys, const void *values, size_t count,
		       struct elfmap_msg *msg);
/* Deletes COUNT keys. -EOPNOTSUPP for maps whose entries cannot be deleted. */
int elfmap_job__delete(struct elfmap_job *job, const void *keys, size_t count, struct elfmap_msg *msg);
/* Empties the map: deletes all entries, or sets to zero those that cannot be deleted, or takes out
 * what is queued. `done` counts them. */
int elfmap_job__clear(struct elfmap_job *job, struct elfmap_msg *msg);

#endif
