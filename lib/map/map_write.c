// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Writes and deletes entries. Three methods, tried in this order:
 *
 *   memory    arrays created with BPF_F_MMAPABLE, without a system call for each entry
 *   batches   thousands of entries in a call, with two threads for large jobs
 *   singles   one entry in a call: the kernel has no batch call for this map, or the job has flags
 *
 * The first batch shows whether the kernel supports batches.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/second_thread.h"
#include "kinds/maps.h"
#include "map/map_write.h"

#define BATCH 8192		/* entries in a call; more than 4096 gain no speed */
#define SINGLES 512		/* entries between two checks of job->stop */
#define BUSY_RETRIES 1000	/* EBUSY: a program holds the lock of the bucket on this CPU */
#define THREADS_PAY (4 * BATCH) /* entries; fewer do not repay the cost of a thread */

enum operation { UPDATE, DELETE };

/* Shared by the threads of a job. */
struct work {
	struct elfmap_job *job;
	enum operation operation;
	const unsigned char *keys;
	const unsigned char *values;
	size_t key_size;
	size_t value_size;
	size_t count;
	bool has_batches;
	_Atomic size_t next; /* the first entry that no thread has taken */
	_Atomic size_t done;
	_Atomic int err; /* of the first thread that failed */
	size_t refused;
};

static bool stops(const struct elfmap_job *job)
{
	return job->stop && *job->stop;
}

/* ---- singles ------------------------------------------------------------------------------------ */

static const void *key_at(const struct work *work, size_t index)
{
	return work->keys ? work->keys + index * work->key_size : NULL;
}

static const void *value_at(const struct work *work, size_t index)
{
	return work->values ? work->values + index * work->value_size : NULL;
}

static int write_one(const struct work *work, size_t index)
{
	const struct elfmap_reader *map = work->job->map;
	int err = -EBUSY;

	for (int i = 0; err == -EBUSY && i < BUSY_RETRIES; i++) {
		if (i)
			sched_yield();
		if (work->operation == DELETE)
			err = bpf_map_delete_elem(map->fd, key_at(work, index));
		else
			err = bpf_map_update_elem(map->fd, key_at(work, index), value_at(work, index),
						  work->job->flags | map->lock);
	}
	return err;
}

/* Writes COUNT entries from FIRST one by one; *DONE counts them. */
static int write_singles(const struct work *work, size_t first, size_t count, size_t *done)
{
	const struct elfmap_job *job = work->job;

	for (*done = 0; *done < count; ++*done) {
		int err = write_one(work, first + *done);

		if (err && !(err == -ENOENT && work->operation == DELETE && job->skip_absent))
			return err;
		if (job->wrote)
			job->wrote(job->notes, key_at(work, first + *done), value_at(work, first + *done));
	}
	return 0;
}

/* ---- batches ------------------------------------------------------------------------------------ */

/* The kernel copies keys one by one and would wait for memory at each cache miss. */
static void fetch(const void *memory, size_t size)
{
	for (size_t i = 0; i < size; i += 64)
		__builtin_prefetch((const char *)memory + i);
}

/* *DONE counts the finished entries; on failure these are all entries before the refused one. */
static int call_batch(const struct work *work, size_t first, size_t count, size_t *done)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = work->job->map->lock);
	int err, fd = work->job->map->fd;
	__u32 n = (__u32)count;

	fetch(key_at(work, first), count * work->key_size);
	fetch(value_at(work, first), count * work->value_size);
	if (work->operation == DELETE)
		err = bpf_map_delete_batch(fd, key_at(work, first), &n, NULL);
	else
		err = bpf_map_update_batch(fd, key_at(work, first), value_at(work, first), &n, &opts);
	/* A call that was refused as a whole does not change N. */
	*done = err && n == count ? 0 : n;
	return err;
}

static int write_batches(const struct work *work, size_t first, size_t count, size_t *done)
{
	int err = 0, busy = 0;

	*done = 0;
	while (*done < count && !err) {
		size_t step;

		err = call_batch(work, first + *done, count - *done, &step);
		*done += step;
		if (err == -ENOENT && work->operation == DELETE && work->job->skip_absent) {
			++*done;
			err = 0;
		}
		if (err == -EBUSY && (step || ++busy < BUSY_RETRIES)) {
			sched_yield();
			err = 0;
		}
	}
	return err;
}

/* ---- threads ------------------------------------------------------------------------------------ */

static int write_chunk(const struct work *work, size_t first, size_t count, size_t *done)
{
	return work->has_batches ? write_batches(work, first, count, done) : write_singles(work, first, count, done);
}

static void note_failure(struct work *work, size_t index, int err)
{
	int none = 0;

	if (atomic_compare_exchange_strong(&work->err, &none, err))
		work->refused = index;
}

/* Writes chunks until the job is done. A thread finishes its chunk after the other one was stopped, so the written
 * entries are contiguous. */
static void write_chunks(struct work *work, bool reports)
{
	size_t size = work->has_batches ? BATCH : SINGLES, first, done;

	while (!atomic_load(&work->err)) {
		size_t count;
		int err;

		if (stops(work->job)) {
			note_failure(work, 0, -EINTR);
			break;
		}
		first = atomic_fetch_add(&work->next, size);
		if (first >= work->count)
			break;
		count = work->count - first < size ? work->count - first : size;
		err = write_chunk(work, first, count, &done);
		atomic_fetch_add(&work->done, done);
		if (err)
			note_failure(work, first + done, err);
		if (reports && work->job->progress)
			work->job->progress(work->job->context, atomic_load(&work->done));
	}
}

static void *help(void *work)
{
	write_chunks(work, false);
	return NULL;
}

/* A second thread needs a type of map with more than one lock (an LPM_TRIE has one). Singles stay in order. */
static bool wants_thread(const struct work *work)
{
	return elfmap_map_kind__of(work->job->map->info.type)->has_two_writers && work->has_batches &&
	       work->job->max_threads != 1 && work->count - work->next >= THREADS_PAY;
}

/* Writes the first batch, which shows whether the kernel supports batches. */
static void probe_batches(struct work *work)
{
	size_t count = work->count < BATCH ? work->count : BATCH, done = 0;
	int err;

	work->has_batches = work->count > 1 && work->keys && !work->job->flags && !work->job->wrote;
	if (!work->has_batches)
		return;
	err = write_batches(work, 0, count, &done);
	if (!done && elfmap_refusal__is_unsupported(err)) {
		work->has_batches = false;
		return;
	}
	work->next = count;
	work->done = done;
	if (err)
		note_failure(work, done, err);
}

static void write_rest(struct work *work)
{
	pthread_t helper;
	bool helped = wants_thread(work) && second_thread__start(&helper, help, work);

	write_chunks(work, true);
	if (helped)
		pthread_join(helper, NULL);
}

/* ---- memory ------------------------------------------------------------------------------------- */

/* Writes the entries through mmap(); false: not possible for this job. */
static bool write_mapped(struct work *work)
{
	const struct bpf_map_info *info = &work->job->map->info;
	size_t stride = ((size_t)info->value_size + 7) / 8 * 8, page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (stride * info->max_entries + page - 1) / page * page;
	unsigned char *memory;

	if (work->operation != UPDATE || !elfmap_map_kind__of(info->type)->can_be_mapped ||
	    !(info->map_flags & BPF_F_MMAPABLE) || work->job->flags || work->job->wrote || work->count < 2)
		return false;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, work->job->map->fd, 0);
	if (memory == MAP_FAILED)
		return false;
	for (size_t i = 0; i < work->count; i++) {
		__u32 slot;

		memcpy(&slot, work->keys + i * sizeof(slot), sizeof(slot));
		if (slot >= info->max_entries || (i % BATCH == 0 && stops(work->job))) {
			note_failure(work, i, slot >= info->max_entries ? -E2BIG : -EINTR);
			break;
		}
		memcpy(memory + slot * stride, work->values + i * info->value_size, info->value_size);
		work->done++;
	}
	munmap(memory, size);
	return true;
}

/* ------------------------------------------------------------------------------------------------- */

static int run(struct work *work, struct elfmap_msg *msg)
{
	struct elfmap_job *job = work->job;

	if (!write_mapped(work)) {
		probe_batches(work);
		write_rest(work);
	}
	job->done = work->done;
	job->refused = work->refused;
	if (!work->err)
		return 0;
	return elfmap_refusal__explain(job->map, work->operation == DELETE, key_at(work, job->refused), work->err, msg);
}

int elfmap_job__update(struct elfmap_job *job, const void *keys, const void *values, size_t count,
		       struct elfmap_msg *msg)
{
	struct work work = {.job = job,
			    .operation = UPDATE,
			    .keys = keys,
			    .values = values,
			    .key_size = job->map->info.key_size,
			    .value_size = elfmap_map__value_size(job->map),
			    .count = count};
	int err = elfmap_map__check_writable(job->map, msg);

	job->done = 0;
	if (err)
		return err;
	return run(&work, msg);
}

int elfmap_job__delete(struct elfmap_job *job, const void *keys, size_t count, struct elfmap_msg *msg)
{
	struct work work = {
		.job = job, .operation = DELETE, .keys = keys, .key_size = job->map->info.key_size, .count = count};
	int err = elfmap_map__check_deletable(job->map, msg);

	job->done = 0;
	return err ?: run(&work, msg);
}
