// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes the entries of a map those of a file, and puts the former ones back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "map/contents.h"

/* ---- reading ------------------------------------------------------------------------------------------------- */

int elfmap_contents__read(struct elfmap_contents *contents, const char *file, const struct elfmap_reader *reader,
			  const char *path, struct elfmap_msg *msg)
{
	struct elfmap_msg why;
	int err = contents->resolver ? 0 : elfmap_resolver__new(&contents->resolver, msg);

	if (err)
		return err;
	if (elfmap_map__is_prog_array(reader->info.type))
		elfmap_resolver__load_for(contents->resolver, reader->fd, path);
	elfmap_entries__free(&contents->source.entries);
	contents->source.nr_refused = 0;
	err = elfmap_source__read(&contents->source, file, reader, contents->resolver, contents->stop, &why);
	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", contents->source.name, why.text);
	return contents->source.nr_refused ? elfmap_msg__set(msg, -EINVAL, "%s", "") : 0;
}

/* ---- comparing ----------------------------------------------------------------------------------------------- */

static int compare(struct elfmap_contents *contents, const struct elfmap_reader *reader, elfmap_contents_each *each,
		   void *context, struct elfmap_comparison *ret_comparison, struct elfmap_msg *msg)
{
	struct elfmap_comparison comparison = {
		.map = reader, .wanted = &contents->source.entries, .differs = each, .context = context};
	int err = elfmap_comparison__make(&comparison, msg);

	if (err) {
		elfmap_comparison__free(&comparison);
		return err;
	}
	contents->nr_changed = comparison.nr_changed;
	contents->nr_missing = contents->source.entries.count - comparison.nr_equal - comparison.nr_changed;
	contents->nr_extra = comparison.nr_leftover;
	*ret_comparison = comparison;
	return 0;
}

int elfmap_contents__compare(struct elfmap_contents *contents, const struct elfmap_reader *reader,
			     elfmap_contents_each *each, void *context, struct elfmap_msg *msg)
{
	struct elfmap_comparison comparison;
	int err = compare(contents, reader, each, context, &comparison, msg);

	if (!err)
		elfmap_comparison__free(&comparison);
	return err;
}

/* ---- the way back -------------------------------------------------------------------------------------------- */

/* Offsets in the bytes. */
#define NO_VALUE ((size_t)-1)
struct elfmap_change {
	size_t key, before, after;
};

struct recorder {
	struct elfmap_contents *contents;
	const struct elfmap_reader *reader;
};

static int keep_bytes(struct elfmap_contents *contents, const void *bytes, size_t size, size_t *ret_at)
{
	if (!bytes) {
		*ret_at = NO_VALUE;
		return 0;
	}
	if (contents->room - contents->nr_bytes < size) {
		size_t room = 2 * contents->room + size + 4096;
		unsigned char *grown = realloc(contents->bytes, room);

		if (!grown)
			return -ENOMEM;
		contents->bytes = grown;
		contents->room = room;
	}
	memcpy(contents->bytes + contents->nr_bytes, bytes, size);
	*ret_at = contents->nr_bytes;
	contents->nr_bytes += size;
	return 0;
}

static int record(void *context, const void *key, const void *old_value, const void *new_value)
{
	const struct recorder *recorder = context;
	struct elfmap_contents *contents = recorder->contents;
	size_t size = elfmap_map__value_size(recorder->reader);
	struct elfmap_change change, *grown;

	if (!contents->exact && old_value && !new_value)
		return 0; /* it stays */
	grown = elfmap_array__grow(contents->changes, contents->nr_changes, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	contents->changes = grown;
	if (keep_bytes(contents, key, recorder->reader->info.key_size, &change.key) ||
	    keep_bytes(contents, old_value, size, &change.before) ||
	    keep_bytes(contents, new_value, size, &change.after))
		return -ENOMEM;
	grown[contents->nr_changes++] = change;
	return 0;
}

/* Is the entry as it was written? */
static bool is_ours(const struct elfmap_contents *contents, const struct elfmap_change *change,
		    const struct elfmap_reader *reader, void *value)
{
	int err = elfmap_map__lookup_exact(reader, contents->bytes + change->key, value, NULL);

	if (change->after == NO_VALUE)
		return err == -ENOENT;
	return !err && !memcmp(value, contents->bytes + change->after, elfmap_map__value_size(reader));
}

void elfmap_contents__undo(struct elfmap_contents *contents, const struct elfmap_reader *reader)
{
	void *value = malloc(elfmap_map__value_size(reader) + 1);

	for (size_t i = contents->nr_changes; value && i--;) {
		const struct elfmap_change *change = &contents->changes[i];
		struct elfmap_job job = {.map = reader, .skip_absent = true, .max_threads = 1};
		unsigned char *before = contents->bytes + change->before;

		if (!is_ours(contents, change, reader, value))
			continue;
		if (change->before == NO_VALUE)
			elfmap_job__delete(&job, contents->bytes + change->key, 1, NULL);
		else if (!elfmap_fill__open_objects(reader, contents->resolver, before, NULL))
			elfmap_job__update(&job, contents->bytes + change->key, before, 1, NULL);
	}
	contents->nr_changes = 0;
	free(value);
}

/* ---- writing ------------------------------------------------------------------------------------------------- */

/* LRU maps make room by themselves; slots are there or not, and the kernel's answer is the best message. A cgroup's
 * storage has no maximum. */
static int check_room(const struct elfmap_contents *contents, const struct elfmap_reader *reader,
		      struct elfmap_msg *msg)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(reader->info.type);
	size_t count = contents->source.entries.count;

	if (count <= reader->info.max_entries || kind->read_by_index || !reader->info.max_entries || kind->is_lru)
		return 0;
	return elfmap_msg__set(msg, -E2BIG, "%s has %zu entries, and there is room for %u", contents->source.name,
			       count, reader->info.max_entries);
}

/* Keys that the file does not have: deleted, or set to zero where they cannot be. */
static int remove_extra(const struct elfmap_comparison *comparison, struct elfmap_job *job, struct elfmap_msg *msg)
{
	void *zeros = NULL;
	int err;

	if (!comparison->nr_leftover)
		return 0;
	job->skip_absent = true;
	if (comparison->zeros) {
		zeros = calloc(comparison->nr_leftover, elfmap_map__value_size(job->map));
		if (!zeros)
			return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	err = zeros ? elfmap_job__update(job, comparison->leftover, zeros, comparison->nr_leftover, msg)
		    : elfmap_job__delete(job, comparison->leftover, comparison->nr_leftover, msg);
	free(zeros);
	return err;
}

/* The entries of the file that the map does not have, with objects as descriptors. */
static int copy_different(struct elfmap_contents *contents, const struct elfmap_reader *reader,
			  const unsigned char *is_equal, struct elfmap_source *ret_different, struct elfmap_msg *msg)
{
	const struct elfmap_entries *all = &contents->source.entries;
	struct elfmap_source different = {.name = contents->source.name};
	size_t entry;
	int err = 0;

	elfmap_entries__init(&different.entries, all->key_size, all->value_size);
	for (size_t i = 0; !err && i < all->count; i++) {
		void *key, *value;

		if (is_equal && is_equal[i])
			continue;
		err = elfmap_entries__reserve(&different.entries, &key, &value);
		if (err)
			break;
		if (all->key_size)
			memcpy(key, all->keys + i * all->key_size, all->key_size);
		memcpy(value, all->values + i * all->value_size, all->value_size);
		err = elfmap_entries__add(&different.entries, elfmap_entries__line(all, i));
	}
	if (err)
		elfmap_msg__set(msg, err, "no memory");
	err = err ?: elfmap_source__open_objects(&different, reader, contents->resolver, &entry, msg);
	if (err)
		elfmap_entries__free(&different.entries);
	else
		*ret_different = different;
	return err;
}

static int write_entries(const struct elfmap_source *source, struct elfmap_job *job, struct elfmap_msg *msg)
{
	const struct elfmap_entries *entries = &source->entries;
	char place[PATH_MAX + 64];
	struct elfmap_msg why;
	int err;

	if (!entries->count)
		return 0;
	err = elfmap_job__update(job, entries->key_size ? entries->keys : NULL, entries->values, entries->count, &why);
	if (!err)
		return 0;
	elfmap_source__place(source, job->refused < entries->count ? job->refused : 0, place, sizeof(place));
	return elfmap_msg__set(msg, err, "%s: %s", err == -EINTR ? source->name : place,
			       err == -EINTR ? "interrupted" : why.text);
}

/* What has to go goes first: a full map has no room for what comes. */
int elfmap_contents__write(struct elfmap_contents *contents, const struct elfmap_reader *reader, const char *path,
			   bool is_new, struct elfmap_msg *msg)
{
	struct recorder recorder = {contents, reader};
	bool is_readable = !elfmap_map__check_readable(&reader->info, NULL);
	struct elfmap_job job = {.map = reader, .stop = contents->stop};
	struct elfmap_comparison comparison = {};
	struct elfmap_source different;
	struct elfmap_name_keeper keeper;
	int err;

	err = elfmap_map__check_writable(reader, msg) ?: check_room(contents, reader, msg);
	if (!err && is_readable)
		err = compare(contents, reader, is_new ? NULL : record, &recorder, &comparison, msg);
	err = err ?: copy_different(contents, reader, comparison.is_equal, &different, msg);
	if (err) {
		elfmap_comparison__free(&comparison);
		return err;
	}
	elfmap_name_keeper__begin(&keeper, path, &job);
	if (contents->exact)
		err = remove_extra(&comparison, &job, msg);
	err = err ?: write_entries(&different, &job, msg);
	elfmap_name_keeper__end(&keeper, &job, NULL);
	if (job.done)
		elfmap_resolver__keep(contents->resolver);
	elfmap_entries__free(&different.entries);
	elfmap_comparison__free(&comparison);
	return err;
}

void elfmap_contents__free(struct elfmap_contents *contents)
{
	elfmap_source__close(&contents->source);
	elfmap_resolver__free(contents->resolver);
	free(contents->changes);
	free(contents->bytes);
	contents->resolver = NULL;
	contents->changes = NULL;
	contents->bytes = NULL;
}
