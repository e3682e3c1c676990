// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Fills a map from a file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/fill.h"
#include "pins/bpffs.h"
#include "text/json_lines.h"
#include "text/window.h"

#define MAX_TOLD 20 /* refused lines or entries that are reported one by one; the others are counted */

/* ---- a file of entries ----------------------------------------------------------------------------------- */

static void tell(const struct elfmap_source *source, const char *place, const char *why)
{
	if (source->refused)
		source->refused(source->context, place, why);
}

/* Reports how many of NR were not reported one by one. */
static void tell_rest(const struct elfmap_source *source, size_t nr, const char *what)
{
	char text[64];

	if (nr <= MAX_TOLD)
		return;
	snprintf(text, sizeof(text), "%zu more %s are refused", nr - MAX_TOLD, what);
	tell(source, source->name, text);
}

/* COLUMN counts from 1; 0: the line as a whole. */
static void refuse_line(struct elfmap_source *source, size_t line, size_t column, const char *why)
{
	char place[PATH_MAX + 64];

	if (++source->nr_refused > MAX_TOLD)
		return;
	if (source->is_json)
		snprintf(place, sizeof(place), "%s: entry %zu", source->name, line);
	else if (column)
		snprintf(place, sizeof(place), "%s:%zu:%zu", source->name, line, column);
	else
		snprintf(place, sizeof(place), "%s:%zu", source->name, line);
	tell(source, place, why);
}

static void refuse_conflict(void *context, const struct elfmap_conflict *conflict)
{
	const struct elfmap_source *source = context;
	char why[96];

	snprintf(why, sizeof(why), "the key is in %s %zu with another value", source->is_json ? "entry" : "line",
		 conflict->first_line);
	refuse_line(context, conflict->line, 0, why);
}

/* COMMON: the value of all lines; NULL: each line has its own. */
static int read_lines(struct elfmap_source *source, const struct elfmap_format *format, const void *common,
		      struct elfmap_text *text, struct elfmap_msg *msg)
{
	struct elfmap_entries *entries = &source->entries;

	for (;;) {
		void *key, *value;
		int got = elfmap_entries__reserve(entries, &key, &value);

		if (got)
			return elfmap_msg__set(msg, got, "no memory for the entries");
		got = elfmap_text__read_entry(text, format, entries->key_size ? key : NULL, common ? NULL : value);
		if (!got)
			return 0;
		if (common)
			memcpy(value, common, entries->value_size);
		if (got < 0) {
			refuse_line(source, text->line_number, elfmap_text__column(text), text->msg->text);
			continue;
		}
		if (elfmap_entries__add(entries, text->line_number))
			return elfmap_msg__set(msg, -ENOMEM, "no memory for the entries");
	}
}

/* Reads one entry from a line of text made of JSON. */
static int read_json_entry(struct elfmap_source *source, const struct elfmap_format *format, size_t nth,
			   struct elfmap_buffer *line, const struct elfmap_text *like, struct elfmap_msg *msg)
{
	struct elfmap_text text = elfmap_text__new(line->bytes, line->length, like->resolver, like->msg);
	void *key, *value;
	int got = elfmap_entries__reserve(&source->entries, &key, &value);

	text.ids = true;
	if (got)
		return elfmap_msg__set(msg, got, "no memory for the entries");
	got = elfmap_text__read_entry(&text, format, source->entries.key_size ? key : NULL, value);
	if (got <= 0) {
		refuse_line(source, nth, 0, got ? text.msg->text : "no entry");
		return 0;
	}
	return elfmap_entries__add(&source->entries, nth) ? elfmap_msg__set(msg, -ENOMEM, "no memory for the entries")
							  : 0;
}

/* TEXT has whole entries; line_number counts them. */
static int read_json(struct elfmap_source *source, const struct elfmap_format *format, struct json_lines *lines,
		     struct elfmap_text *text, struct elfmap_msg *msg)
{
	struct elfmap_buffer line = {};
	const char *entry;
	int more, err = 0;

	while (!err && (more = json_lines__next(lines, &text->at, text->end, &entry, msg)) != 0) {
		if (more < 0) {
			err = more;
			break;
		}
		text->line_number++;
		line.length = 0;
		err = json_lines__add(&line, format, entry, text->at, text->msg);
		if (err == -EINVAL) {
			refuse_line(source, text->line_number, 0, text->msg->text);
			err = 0;
		} else {
			err = err ? elfmap_msg__set(msg, err, "no memory")
				  : read_json_entry(source, format, text->line_number, &line, text, msg);
		}
	}
	elfmap_buffer__free(&line);
	return err;
}

/* Estimates the number of entries from the size of the file and the lines in its middle: numbers often grow towards the
 * end. */
static void expect_entries(const struct elfmap_window *window, struct elfmap_entries *entries)
{
	char sample[16 << 10];
	struct stat file;
	ssize_t length;
	size_t lines = 0;

	if (window->at_end || fstat(window->fd, &file) || !S_ISREG(file.st_mode))
		return;
	length = pread(window->fd, sample, sizeof(sample), file.st_size / 2);
	for (ssize_t i = 0; i < length; i++)
		lines += sample[i] == '\n';
	if (lines)
		elfmap_entries__expect(entries, (size_t)file.st_size / ((size_t)length / lines) * 33 / 32);
}

/* The value of all lines; *RET_VALUE is NULL if each line has its own. */
static int read_common(const struct elfmap_source *source, const struct elfmap_format *format,
		       struct elfmap_resolver *resolver, void **ret_value, struct elfmap_msg *msg)
{
	size_t length = source->value ? strlen(source->value) : 0;
	struct elfmap_msg why;
	struct elfmap_text text = elfmap_text__new(source->value, length, resolver, &why);
	void *value;

	text.ids = true;
	if (!source->value)
		return 0;
	if (!format->key)
		return elfmap_msg__set(msg, -EINVAL, "the map has no keys, and a value for them is given");
	value = calloc(1, source->entries.value_size ?: 1);
	if (!value)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (!elfmap_text__read_value(&text, format, value) && elfmap_text__is_at_end(&text)) {
		*ret_value = value;
		return 0;
	}
	free(value);
	return elfmap_msg__set(msg, -EINVAL, "value '%s': %s", source->value,
			       text.wrong ? why.text : "is more than one value");
}

/* Some editors write a byte-order mark in front of UTF-8. */
static size_t mark_size(const struct elfmap_window *window)
{
	return window->whole >= 3 && !memcmp(window->bytes, "\xef\xbb\xbf", 3) ? 3 : 0;
}

static int read_file(struct elfmap_source *source, struct elfmap_window *window, const struct elfmap_format *format,
		     struct elfmap_resolver *resolver, struct elfmap_msg *msg)
{
	struct elfmap_msg why;
	struct elfmap_text text = elfmap_text__new(NULL, 0, resolver, &why);
	struct json_lines json = {};
	void *common = NULL;
	int err = read_common(source, format, resolver, &common, msg), more;

	text.ids = true;
	while (!err && (more = elfmap_window__next(window, msg)) != 0) {
		source->is_json = window->is_json;
		if (window->is_json && common)
			err = elfmap_msg__set(msg, -EINVAL, "is JSON, whose entries have values, and 'value' is given");
		if (!text.line_number && !window->is_json)
			expect_entries(window, &source->entries);
		text.at = window->bytes + (text.line_number ? 0 : mark_size(window));
		text.end = window->bytes + window->whole;
		text.line = NULL;
		if (!err)
			err = more < 0		? more
			      : window->is_json ? read_json(source, format, &json, &text, msg)
						: read_lines(source, format, common, &text, msg);
	}
	if (!err && json.in_array)
		err = elfmap_msg__set(msg, -EINVAL, "the array has no end: the file is incomplete");
	free(common);
	if (!err && elfmap_entries__finish(&source->entries, refuse_conflict, source) == -ENOMEM)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory for the entries");
	return err;
}

int elfmap_source__read(struct elfmap_source *source, const char *name, const struct elfmap_reader *map,
			struct elfmap_resolver *resolver, const volatile sig_atomic_t *stop, struct elfmap_msg *msg)
{
	bool is_stdin = !name || !strcmp(name, "-");
	struct elfmap_window window = {
		.fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC), .stop = stop, .takes_json = true};
	struct elfmap_msg why;
	int err;

	source->name = is_stdin ? "standard input" : name;
	if (window.fd < 0)
		return elfmap_msg__set(msg, -errno, "cannot be opened: %s", strerror(errno));
	elfmap_entries__init(&source->entries, map->info.key_size, elfmap_map__value_size(map));
	err = read_file(source, &window, &map->format, resolver, &why);
	elfmap_window__free(&window);
	if (!is_stdin)
		close(window.fd);
	if (err)
		return elfmap_msg__set(msg, err, "%s; nothing was changed", why.text);
	tell_rest(source, source->nr_refused, "lines");
	return 0;
}

void elfmap_source__close(struct elfmap_source *source)
{
	elfmap_entries__free(&source->entries);
}

void elfmap_source__place(const struct elfmap_source *source, size_t entry, char *ret_place, size_t size)
{
	snprintf(ret_place, size, source->is_json ? "%s: entry %zu" : "%s:%zu", source->name,
		 elfmap_entries__line(&source->entries, entry));
}

int elfmap_fill__open_objects(const struct elfmap_reader *map, struct elfmap_resolver *resolver, void *value,
			      struct elfmap_msg *msg)
{
	const struct elfmap_format *format = &map->format;
	int err = 0;

	for (size_t copy = 0; format->value->has_objects && copy < format->copies && !err; copy++)
		err = elfmap_type__open_objects(format->value, resolver, (char *)value + copy * format->stride, msg);
	return err;
}

int elfmap_source__open_objects(struct elfmap_source *source, const struct elfmap_reader *map,
				struct elfmap_resolver *resolver, size_t *ret_entry, struct elfmap_msg *msg)
{
	struct elfmap_entries *entries = &source->entries;
	struct elfmap_msg why;
	int err = 0;

	for (size_t i = 0; map->format.value->has_objects && !err && i < entries->count; i++) {
		err = elfmap_fill__open_objects(map, resolver, entries->values + i * entries->value_size, &why);
		if (err)
			*ret_entry = i;
	}
	return err ? elfmap_msg__set(msg, err, "%s; nothing was changed", why.text) : 0;
}

void elfmap_fill__describe_key(const struct elfmap_reader *map, struct elfmap_resolver *resolver, const void *key,
			       char *ret_text, size_t size)
{
	struct elfmap_value value = {.bytes = key, .copies = 1};
	struct elfmap_buffer buffer = {};

	elfmap_text__write(&buffer, map->format.key, &value, resolver);
	if (buffer.error)
		snprintf(ret_text, size, "?");
	else if (buffer.length < size)
		snprintf(ret_text, size, "%.*s", (int)buffer.length, buffer.bytes);
	else
		snprintf(ret_text, size, "%.*s...", (int)size - 4, buffer.bytes);
	elfmap_buffer__free(&buffer);
}

/* ---- records of devices and cgroups -------------------------------------------------------------------------- */

static void keep(void *notes, const void *key, const void *value)
{
	struct elfmap_name_keeper *keeper = notes;

	if (!keeper->err)
		keeper->err = elfmap_device_names__note(&keeper->names, key, value, &keeper->msg);
}

static void note_cgroup(void *notes, const void *key, const void *value)
{
	struct elfmap_name_keeper *keeper = notes;
	int cgroup = -1;
	__u32 slot;

	memcpy(&slot, key, sizeof(slot));
	if (value)
		memcpy(&cgroup, value, sizeof(cgroup));
	if (!keeper->err)
		keeper->err = elfmap_cgroup_slots__note(&keeper->slots, slot, cgroup, &keeper->msg);
}

static void begin_cgroups(struct elfmap_name_keeper *keeper, const char *path, struct elfmap_job *job)
{
	keeper->err = elfmap_cgroup_slots__open(path, &keeper->slots, &keeper->msg);
	if (keeper->err)
		return;
	job->wrote = note_cgroup;
	job->notes = keeper;
}

static bool has_cgroups(const struct elfmap_reader *map)
{
	return elfmap_map_kind__of(map->info.type)->value == ELFMAP_VALUE_CGROUP;
}

void elfmap_name_keeper__begin(struct elfmap_name_keeper *keeper, const char *path, struct elfmap_job *job)
{
	*keeper = (struct elfmap_name_keeper){.names.fd = -1, .slots = {.map = -1, .notes = -1, .probe = -1}};
	if (has_cgroups(job->map)) {
		begin_cgroups(keeper, path, job);
		return;
	}
	if (!elfmap_map__has_devices(job->map))
		return;
	keeper->err = elfmap_device_names__open(path, job->map, &keeper->names, &keeper->msg);
	if (keeper->err)
		return;
	job->wrote = keep;
	job->notes = keeper;
}

int elfmap_name_keeper__end(struct elfmap_name_keeper *keeper, const struct elfmap_job *job, struct elfmap_msg *msg)
{
	bool are_cgroups = has_cgroups(job->map);

	elfmap_device_names__close(&keeper->names);
	elfmap_cgroup_slots__close(&keeper->slots);
	if (!keeper->err)
		return 0;
	return elfmap_msg__set(msg, keeper->err, "written, but '%s' will not know the %s: %s",
			       are_cgroups ? "cgroup show" : "map check", are_cgroups ? "cgroups" : "devices",
			       keeper->msg.text);
}

/* ---- filling --------------------------------------------------------------------------------------------- */

struct work {
	struct elfmap_fill *fill;
	struct elfmap_source source;
	char path[PATH_MAX];
	struct elfmap_reader map;
	struct elfmap_resolver *resolver;
	struct elfmap_job job;
	size_t nr_unwritten; /* refused entries before the last written one */
	struct elfmap_msg *msg;
};

/* Sets what the message refers to. Returns ERR. */
static int blame(struct work *work, const char *culprit, int err)
{
	snprintf(work->fill->culprit, sizeof(work->fill->culprit), "%s", culprit);
	return err;
}

static void note(const struct work *work, const char *text)
{
	if (work->fill->note)
		work->fill->note(work->fill->context, work->fill->request.pin, text);
}

static int open_map(struct work *work)
{
	const struct elfmap_fill_request *request = &work->fill->request;
	int err;

	err = elfmap_bpffs__pin_path(request->pin, work->path, sizeof(work->path), work->msg);
	err = err ?: elfmap_reader__open_for(work->path, ELFMAP_READ_WRITE, &request->types, &work->map, work->msg);
	err = err ?: elfmap_resolver__new(&work->resolver, work->msg);
	err = err ?: elfmap_map__check_writable(&work->map, work->msg);
	if (err)
		return blame(work, request->pin, err);
	if (elfmap_map__is_prog_array(work->map.info.type))
		elfmap_resolver__load_for(work->resolver, work->map.fd, work->path);
	if (work->map.types.are_secret && !request->types.value)
		note(work, ELFMAP_TYPES_ARE_SECRET);
	return 0;
}

static int read_source(struct work *work)
{
	const struct elfmap_fill_request *request = &work->fill->request;
	struct elfmap_source *source = &work->source;
	char place[PATH_MAX + 64];
	size_t entry;
	int err;

	source->value = request->value;
	source->refused = work->fill->refused;
	source->context = work->fill->context;
	err = elfmap_source__read(source, request->file, &work->map, work->resolver, work->fill->stop, work->msg);
	work->fill->nr_refused = source->nr_refused;
	if (err)
		return blame(work, source->name, err);
	if (source->nr_refused && !request->keep_going)
		return blame(work, request->pin,
			     elfmap_msg__set(work->msg, -EINVAL,
					     "nothing was changed; --keep-going writes the valid lines"));
	err = elfmap_source__open_objects(source, &work->map, work->resolver, &entry, work->msg);
	if (!err)
		return 0;
	elfmap_source__place(source, entry, place, sizeof(place));
	return blame(work, place, err);
}

static int write_from(struct work *work, size_t first)
{
	const struct elfmap_entries *entries = &work->source.entries;

	return elfmap_job__update(&work->job, entries->key_size ? entries->keys + first * entries->key_size : NULL,
				  entries->values + first * entries->value_size, entries->count - first, work->msg);
}

/* Does ERR apply to all entries? */
static bool is_for_all(int err)
{
	return err == -EINTR || err == -EPERM || err == -EOPNOTSUPP || err == -ENOMEM;
}

static void refuse_entry(struct work *work, size_t entry)
{
	char place[PATH_MAX + 64];

	work->fill->nr_refused++;
	if (++work->nr_unwritten > MAX_TOLD)
		return;
	elfmap_source__place(&work->source, entry, place, sizeof(place));
	tell(&work->source, place, work->msg->text);
}

/* Writes all entries; with keep_going, all that the kernel accepts. `job` counts from the first entry afterwards. */
static int write_all(struct work *work)
{
	struct elfmap_job *job = &work->job;
	size_t first = 0;
	int err = write_from(work, first);

	while (err && work->fill->request.keep_going && !is_for_all(err)) {
		refuse_entry(work, first + job->refused);
		first += job->refused + 1;
		if (first == work->source.entries.count) {
			job->done = 0;
			err = 0;
			break;
		}
		job->max_threads = 1; /* refusals are often many, and each one restarts the job */
		err = write_from(work, first);
	}
	job->done += first;
	job->refused += first;
	return err;
}

/* Writes the message: the line, the reason, the number of written entries, and the last one. */
static int explain(struct work *work, int err)
{
	const struct elfmap_entries *entries = &work->source.entries;
	size_t written = work->fill->nr_written, done = work->job.done;
	struct elfmap_msg why = *work->msg;
	char place[PATH_MAX + 64], last[256] = "";

	if (err != -EINTR) {
		elfmap_source__place(&work->source, work->job.refused, place, sizeof(place));
		elfmap_msg__set(work->msg, err, "%s; %zu of %zu entries were written", why.text, written,
				entries->count);
		return blame(work, place, err);
	}
	if (!written) {
		elfmap_msg__set(work->msg, err, "interrupted; nothing was written");
		return blame(work, work->fill->request.pin, err);
	}
	if (entries->key_size)
		elfmap_fill__describe_key(&work->map, work->resolver, entries->keys + (done - 1) * entries->key_size,
					  last, sizeof(last));
	elfmap_source__place(&work->source, done - 1, place, sizeof(place));
	elfmap_msg__set(work->msg, err,
			"interrupted; %zu of %zu entries were written, the last from %s%s%s; the same command again "
			"finishes it",
			written, entries->count, place, *last ? ", key " : "", last);
	return blame(work, work->fill->request.pin, err);
}

static int write_entries(struct work *work)
{
	struct elfmap_fill *fill = work->fill;
	struct elfmap_name_keeper keeper;
	struct elfmap_msg why;
	int err;

	work->job = (struct elfmap_job){
		.map = &work->map, .stop = fill->stop, .progress = fill->progress, .context = fill->context};
	elfmap_name_keeper__begin(&keeper, work->path, &work->job);
	if (fill->begin)
		fill->begin(fill->context, work->source.entries.count);
	err = write_all(work);
	if (elfmap_name_keeper__end(&keeper, &work->job, &why))
		note(work, why.text);
	if (work->job.done)
		elfmap_resolver__keep(work->resolver);
	tell_rest(&work->source, work->nr_unwritten, "entries");
	fill->nr_written = work->job.done - work->nr_unwritten;
	return err ? explain(work, err) : 0;
}

int elfmap_fill__run(struct elfmap_fill *fill, struct elfmap_msg *msg)
{
	struct work work = {.fill = fill, .map.fd = -1, .msg = msg};
	int err;

	fill->nr_refused = fill->nr_written = 0;
	err = open_map(&work);
	err = err ?: read_source(&work);
	err = err ?: write_entries(&work);
	elfmap_source__close(&work.source);
	elfmap_resolver__free(work.resolver);
	elfmap_reader__close(&work.map);
	return err;
}
