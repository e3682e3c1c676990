// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The content of restored maps, and the notes of the devices and cgroups that their numbers mean. Names are looked up
 * now: devices, cgroups, pins. A bare id of a program or a map was valid before the reboot only, so it is refused.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_restore.h"
#include "kinds/maps.h"
#include "map/cgroup_slots.h"
#include "map/device_names.h"
#include "map/entries.h"
#include "map/map_write.h"
#include "map/resolve.h"
#include "pins/bpffs.h"

/* ---- notes ----------------------------------------------------------------------------------------------- */

struct noting {
	struct elfmap_device_names names;
	struct elfmap_msg *msg;
};

static int note_entry(void *context, const void *key, const void *value)
{
	struct noting *noting = context;

	return elfmap_device_names__note(&noting->names, key, value, noting->msg);
}

static int note_devices(const struct restored *map, const char *path, struct elfmap_msg *msg)
{
	struct noting noting = {.names.fd = -1, .msg = msg};
	int err;

	err = elfmap_device_names__open(path, &map->map, &noting.names, msg);
	err = err ?: elfmap_reader__each(&map->map, note_entry, &noting, msg);
	elfmap_device_names__close(&noting.names);
	return err;
}

/* The kernel shows no slots, so the text is read once more. */
static int note_cgroups(const struct saved_file *file, const struct restored *map, const char *path,
			struct elfmap_msg *msg)
{
	struct elfmap_resolver *names = NULL;
	struct elfmap_cgroup_slots slots;
	struct saved_entries entries = {};
	__u32 index, cgroup;
	int err;

	err = elfmap_cgroup_slots__open(path, &slots, msg);
	if (err)
		return err;
	err = elfmap_resolver__new(&names, msg);
	err = err ?: saved_entries__begin(&entries, file, map->saved, names, msg);
	while (!err) {
		int more = saved_entries__next(&entries, &map->map.format, &index, &cgroup);

		if (!more)
			break;
		if (more > 0) /* else it has been complained about */
			err = elfmap_cgroup_slots__set(&slots, index, (int)cgroup, msg);
	}
	saved_entries__end(&entries);
	elfmap_resolver__free(names);
	elfmap_cgroup_slots__close(&slots);
	return err;
}

void restore__note(const struct restore *restore)
{
	for (size_t i = 0; i < restore->file.nr_maps; i++) {
		const struct restored *map = &restore->maps[i];
		struct elfmap_msg msg;
		char path[PATH_MAX];
		int err;

		if (!map->saved->nr_pins)
			continue;
		err = elfmap_bpffs__pin_path(map->saved->pins->word, path, sizeof(path), &msg);
		if (!err && elfmap_map_kind__of(map->map.info.type)->value == ELFMAP_VALUE_CGROUP &&
		    map->saved->entries_size)
			err = note_cgroups(&restore->file, map, path, &msg);
		else if (!err && elfmap_map__has_devices(&map->map))
			err = note_devices(map, path, &msg);
		if (err)
			complain(map->saved->label, "restored, but the names of its numbers cannot be noted: %s",
				 msg.text);
	}
}

/* ---- entries --------------------------------------------------------------------------------------------- */

#define BATCH_BYTES (1u << 20)
#define MAX_BATCH 8192

struct restored *restore__find(const struct restore *restore, const char *label)
{
	for (size_t i = 0; i < restore->file.nr_maps; i++)
		if (!strcmp(restore->maps[i].saved->label, label))
			return &restore->maps[i];
	return NULL;
}

int restore__complain(const struct restore *restore, size_t line, size_t column, const char *format, ...)
{
	char place[PATH_MAX + 64];
	struct elfmap_msg msg;
	va_list args;

	va_start(args, format);
	elfmap_msg__print(&msg, format, args);
	va_end(args);
	if (column)
		snprintf(place, sizeof(place), "%s:%zu:%zu", restore->name, line, column);
	else
		snprintf(place, sizeof(place), "%s:%zu", restore->name, line);
	return complain(place, "%s", msg.text);
}

/* ---- names ---------------------------------------------------------------------------------------- */

struct restore_names {
	struct elfmap_resolver resolver; /* first: what its callbacks are given */
	struct elfmap_resolver *system;
	const struct restore *restore;
};

static int find_device(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg)
{
	struct elfmap_resolver *system = ((struct restore_names *)self)->system;

	return system->device(system, name, ret_ifindex, msg);
}

static int find_object(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		       __u64 *ret_id, struct elfmap_msg *msg)
{
	const struct restore_names *names = (const struct restore_names *)self;
	const struct restored *map;

	if (reference->kind == ELFMAP_CGROUP)
		return names->system->object(names->system, reference, ret_fd, ret_id, msg);
	if (!reference->path)
		return elfmap_msg__set(msg, -EINVAL, "id %llu is from another boot; use 'pinned PIN'", reference->id);
	map = reference->kind == ELFMAP_PROG ? NULL : restore__find(names->restore, reference->path);
	if (!map)
		return names->system->object(names->system, reference, ret_fd, ret_id, msg);
	*ret_id = map->map.info.id;
	if (ret_fd)
		*ret_fd = map->fd;
	return 0;
}

/* ---- CPUs ------------------------------------------------------------------------------------------- */

static bool is_zero(const unsigned char *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

/* Fits the values of the saved CPUs to those of this system. A value of a CPU that this system lacks must be zero,
 * because it would be lost. */
static int fit_cpus(const struct elfmap_format *saved, const struct elfmap_format *here, const unsigned char *from,
		    unsigned char *to, struct elfmap_msg *msg)
{
	size_t had = saved->copies * saved->stride, has = here->copies * here->stride;

	if (had > has && !is_zero(from + has, had - has))
		return elfmap_msg__set(msg, -EINVAL,
				       "has values of %zu CPUs, this system has %zu; the other values are not zero",
				       saved->copies, here->copies);
	memset(to, 0, has);
	memcpy(to, from, had < has ? had : has);
	return 0;
}

/* ---- entries ---------------------------------------------------------------------------------------- */

struct filling {
	struct restore *restore;
	struct restored *map;
	struct restore_names *names;
	struct saved_entries entries;
	struct elfmap_format saved; /* the format, for so many CPUs as there were */
	struct elfmap_msg msg;
	unsigned char *keys;
	unsigned char *values;
	unsigned char *value; /* one, as it was saved */
	size_t *lines;
	size_t room;
	size_t count;
};

static int refuse(struct filling *filling, size_t line, size_t column, const char *why)
{
	filling->restore->nr_refused++;
	progress__end(&filling->restore->progress); /* it comes again */
	restore__complain(filling->restore, line, column, "%s", why);
	return filling->restore->keep_going ? 0 : -EINVAL;
}

/* A stack is saved from its top: what was saved last goes in first. */
static void reverse(unsigned char *values, size_t count, size_t size, unsigned char *spare)
{
	for (size_t i = 0, last = count; i + 1 < last; i++) {
		last--;
		memcpy(spare, values + i * size, size);
		memcpy(values + i * size, values + last * size, size);
		memcpy(values + last * size, spare, size);
	}
}

static int flush(struct filling *filling)
{
	struct elfmap_job job = {.map = &filling->map->map};
	size_t size = elfmap_map__value_size(job.map), key_size = job.map->info.key_size, first = 0;
	int err = 0;

	if (elfmap_map_kind__of(job.map->info.type)->is_lifo)
		reverse(filling->values, filling->count, size, filling->value);
	while (first < filling->count && !err) {
		err = elfmap_job__update(&job, key_size ? filling->keys + first * key_size : NULL,
					 filling->values + first * size, filling->count - first, &filling->msg);
		filling->restore->nr_entries += job.done;
		progress__update(&filling->restore->progress, filling->restore->nr_entries);
		if (!err)
			break;
		err = refuse(filling, filling->lines[first + job.refused], 0, filling->msg.text);
		first += job.refused + 1;
	}
	filling->count = 0;
	elfmap_resolver__forget(filling->names->system);
	return err;
}

static int grow(struct filling *filling)
{
	size_t room = filling->room ? 2 * filling->room : 1024;
	size_t size = elfmap_map__value_size(&filling->map->map), key_size = filling->map->map.info.key_size;
	unsigned char *keys = reallocarray(filling->keys, room, key_size ?: 1), *values;
	size_t *lines;

	if (!keys)
		return -ENOMEM;
	filling->keys = keys;
	values = reallocarray(filling->values, room, size);
	if (!values)
		return -ENOMEM;
	filling->values = values;
	lines = reallocarray(filling->lines, room, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	filling->lines = lines;
	filling->room = room;
	return 0;
}

/* 1: an entry, 0: no more. A line that is refused is passed over. */
static int take_entry(struct filling *filling)
{
	const struct elfmap_reader *map = &filling->map->map;
	size_t size = elfmap_map__value_size(map);
	unsigned char *key = filling->keys + filling->count * map->info.key_size;
	int more = saved_entries__next(&filling->entries, &filling->saved, map->info.key_size ? key : NULL,
				       filling->value);
	size_t line = saved_entries__line(&filling->entries);

	if (more < 0)
		return refuse(filling, line, elfmap_text__column(&filling->entries.text), filling->msg.text) ?: 1;
	if (!more)
		return 0;
	if (fit_cpus(&filling->saved, &map->format, filling->value, filling->values + filling->count * size,
		     &filling->msg))
		return refuse(filling, line, 0, filling->msg.text) ?: 1;
	filling->lines[filling->count++] = line;
	return 1;
}

static int read_entries(struct filling *filling)
{
	/* A stack is turned round as a whole. */
	bool whole = elfmap_map_kind__of(filling->map->map.info.type)->is_lifo;
	int more = 1, err = 0;

	while (more > 0 && !err) {
		if (filling->count == filling->room)
			err = filling->room >= MAX_BATCH && !whole ? flush(filling) : grow(filling);
		if (!err)
			more = take_entry(filling);
	}
	if (more < 0)
		return more;
	return err ?: flush(filling);
}

static int fill(struct restore *restore, struct restored *map, struct restore_names *names)
{
	struct filling filling = {.restore = restore, .map = map, .names = names, .saved = map->map.format};
	const struct saved_map *saved = map->saved;
	int err;

	if (!saved->entries_size)
		return 0;
	if (saved->cpus)
		filling.saved.copies = saved->cpus;
	filling.value = calloc(filling.saved.copies, filling.saved.stride ?: 1);
	err = saved_entries__begin(&filling.entries, &restore->file, saved, &names->resolver, &filling.msg);
	if (err)
		restore__complain(restore, saved->line, 0, "%s", filling.msg.text);
	if (!err)
		err = filling.value ? read_entries(&filling) : -ENOMEM;
	if (err == -ENOMEM)
		restore__complain(restore, saved->line, 0, "no memory");
	saved_entries__end(&filling.entries);
	free(filling.keys);
	free(filling.values);
	free(filling.lines);
	free(filling.value);
	return err;
}

int restore__fill(struct restore *restore)
{
	struct restore_names names = {.resolver = {.device = find_device, .object = find_object}, .restore = restore};
	struct elfmap_msg msg;
	int err;

	err = elfmap_resolver__new(&names.system, &msg);
	if (err)
		return complain(restore->name, "%s", msg.text);
	progress__begin(&restore->progress, 0);
	for (size_t i = 0; i < restore->file.nr_maps && !err; i++)
		err = fill(restore, &restore->maps[i], &names);
	progress__end(&restore->progress);
	if (!err)
		elfmap_resolver__keep(names.system);
	elfmap_resolver__free(names.system);
	if (!err)
		return EXIT_SUCCESS;
	return complain(restore->name, "nothing was restored; --keep-going writes the valid lines");
}

/* ---- entries for a running map --------------------------------------------------------------------------- */

static void note_conflict(void *context, const struct elfmap_conflict *conflict)
{
	struct restore *restore = context;

	restore->nr_refused++;
	restore__complain(restore, conflict->line, 0, "the key is in line %zu with another value",
			  conflict->first_line);
}

static int keep_entries(const struct filling *filling, struct elfmap_entries *entries)
{
	int err = 0;

	for (size_t i = 0; i < filling->count && !err; i++) {
		void *key, *value;

		err = elfmap_entries__reserve(entries, &key, &value);
		if (err)
			break;
		memcpy(key, filling->keys + i * entries->key_size, entries->key_size);
		memcpy(value, filling->values + i * entries->value_size, entries->value_size);
		err = elfmap_entries__add(entries, filling->lines[i]);
	}
	return err;
}

static int read_with_ids(struct filling *filling, struct elfmap_entries *entries)
{
	int more = 1, err = 0;

	filling->entries.text.ids = true;
	while (more > 0 && !err) {
		if (filling->count == filling->room && filling->room >= MAX_BATCH) {
			err = keep_entries(filling, entries);
			filling->count = 0;
		} else if (filling->count == filling->room) {
			err = grow(filling);
		}
		if (!err)
			more = take_entry(filling);
	}
	if (more < 0)
		return more;
	err = err ?: keep_entries(filling, entries);
	if (!err && elfmap_entries__finish(entries, note_conflict, filling->restore) == -ENOMEM)
		err = -ENOMEM;
	return err ?: filling->restore->nr_refused ? -EINVAL : 0;
}

int restore__read(struct restore *restore, struct restored *map, struct elfmap_entries *ret_entries)
{
	struct restore_names names = {.resolver = {.device = find_device, .object = find_object}, .restore = restore};
	struct filling filling = {.restore = restore, .map = map, .names = &names, .saved = map->map.format};
	struct elfmap_msg msg;
	int err;

	elfmap_entries__init(ret_entries, map->map.info.key_size, elfmap_map__value_size(&map->map));
	if (!map->saved->entries_size)
		return EXIT_SUCCESS;
	if (map->saved->cpus)
		filling.saved.copies = map->saved->cpus;
	err = elfmap_resolver__new(&names.system, &msg);
	if (err)
		return complain(restore->name, "%s", msg.text);
	filling.value = calloc(filling.saved.copies, filling.saved.stride ?: 1);
	err = saved_entries__begin(&filling.entries, &restore->file, map->saved, &names.resolver, &filling.msg);
	if (err)
		restore__complain(restore, map->saved->line, 0, "%s", filling.msg.text);
	else
		err = filling.value ? read_with_ids(&filling, ret_entries) : -ENOMEM;
	if (err == -ENOMEM)
		restore__complain(restore, map->saved->line, 0, "no memory");
	elfmap_resolver__keep(names.system); /* ids stay valid until the entries are written */
	saved_entries__end(&filling.entries);
	elfmap_resolver__free(names.system);
	free(filling.keys);
	free(filling.values);
	free(filling.lines);
	free(filling.value);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
