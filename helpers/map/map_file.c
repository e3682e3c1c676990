// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a file of entries for load, replace and diff. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/progress.h"

#define LINES_SHOWN 20 /* refused lines; the others are counted */

static void refuse(void *context, size_t line, size_t column, const char *why)
{
	struct map_file *file = context;
	char place[PATH_MAX + 64];

	if (++file->nr_refused > LINES_SHOWN)
		return;
	if (column)
		snprintf(place, sizeof(place), "%s:%zu:%zu", file->name, line, column);
	else
		snprintf(place, sizeof(place), "%s:%zu", file->name, line);
	complain(place, "%s", why);
}

static int read_from(struct map_file *file, const struct target *target, int fd)
{
	struct elfmap_input input = {.format = &target->map.format,
				     .resolver = target->resolver,
				     .stop = &interrupted,
				     .refused = refuse,
				     .context = file};
	struct elfmap_msg msg;

	elfmap_entries__init(&file->entries, target->map.info.key_size, elfmap_map__value_size(&target->map));
	if (!elfmap_input__read(&input, fd, &file->entries, &msg))
		return EXIT_SUCCESS;
	return complain(file->name, "%s; nothing was changed", msg.text);
}

int map_file__read(struct map_file *file, const struct target *target, const char *name, enum map_file_taken taken)
{
	bool is_stdin = !name || !strcmp(name, "-");
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	int status;

	file->name = is_stdin ? "standard input" : name;
	if (fd < 0)
		return complain(name, "cannot be opened: %s", strerror(errno));
	status = read_from(file, target, fd);
	if (!is_stdin)
		close(fd);
	if (status || !file->nr_refused)
		return status;
	if (file->nr_refused > LINES_SHOWN)
		complain(file->name, "%zu more lines are refused", file->nr_refused - LINES_SHOWN);
	if (taken == MAP_FILE_KEEP_GOING)
		return EXIT_SUCCESS;
	return complain(target->pin, "nothing was changed%s",
			taken == MAP_FILE_STRICT ? "; --keep-going takes the lines that are right" : "");
}

void map_file__close(struct map_file *file)
{
	elfmap_entries__free(&file->entries);
}

int map_file__open_objects(struct map_file *file, const struct target *target)
{
	struct elfmap_entries *entries = &file->entries;
	char place[PATH_MAX + 64];
	struct elfmap_msg msg;

	for (size_t i = 0; target->map.format.value->has_objects && i < entries->count; i++) {
		if (!target__open_objects(target, entries->values + i * entries->value_size, &msg))
			continue;
		snprintf(place, sizeof(place), "%s:%zu", file->name, elfmap_entries__line(entries, i));
		return complain(place, "%s; nothing was changed", msg.text);
	}
	return EXIT_SUCCESS;
}

void map_file__refuse_entry(struct map_file *file, size_t index, const struct elfmap_msg *msg)
{
	char place[PATH_MAX + 64];

	if (++file->nr_unwritten > LINES_SHOWN)
		return;
	snprintf(place, sizeof(place), "%s:%zu", file->name, elfmap_entries__line(&file->entries, index));
	complain(place, "%s", msg->text);
}

void map_file__end_refusals(const struct map_file *file)
{
	if (file->nr_unwritten > LINES_SHOWN)
		complain(file->name, "%zu more entries are refused", file->nr_unwritten - LINES_SHOWN);
}

int map_file__complain(const struct map_file *file, const struct target *target, const struct elfmap_job *job, int err,
		       const struct elfmap_msg *msg)
{
	const struct elfmap_entries *entries = &file->entries;
	size_t written = job->done - file->nr_unwritten;
	char place[PATH_MAX + 64], last[256] = "";

	if (err != -EINTR) {
		snprintf(place, sizeof(place), "%s:%zu", file->name, elfmap_entries__line(entries, job->refused));
		return complain(place, "%s; %zu of %zu entries were written", msg->text, written, entries->count);
	}
	if (!written)
		return complain(target->pin, "interrupted; nothing was written");
	if (entries->key_size)
		target__describe_key(target, entries->keys + (job->done - 1) * entries->key_size, last, sizeof(last));
	return complain(target->pin,
			"interrupted; %zu of %zu entries were written, the last from %s:%zu%s%s; "
			"the same command again finishes it",
			written, entries->count, file->name, elfmap_entries__line(entries, job->done - 1),
			*last ? ", key " : "", last);
}
