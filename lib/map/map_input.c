// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a file of entries through a window of whole lines, so that the text is never in memory as a whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"
#include "map_input.h"

#define WINDOW (256u << 10)
#define LONGEST_LINE (64u << 20) /* the largest value of a map, for all CPUs of a large machine, in hex */

struct window {
	int fd;
	char *bytes;
	size_t room;
	size_t length;
	bool at_end;
};

/* Reads on behind what is there already; ends with as much as there is room for, or the file has. */
static int fill(struct window *window, const struct elfmap_input *input, struct elfmap_msg *msg)
{
	while (window->length < window->room && !window->at_end) {
		ssize_t got = read(window->fd, window->bytes + window->length, window->room - window->length);

		if (input->stop && *input->stop)
			return elfmap_msg__set(msg, -EINTR, "interrupted");
		if (got < 0 && errno != EINTR)
			return elfmap_msg__set(msg, -errno, "cannot be read: %s", strerror(errno));
		window->at_end = got == 0;
		window->length += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static int grow(struct window *window, struct elfmap_msg *msg)
{
	char *larger;

	if (window->room >= LONGEST_LINE)
		return elfmap_msg__set(msg, -EFBIG, "has a line of more than %u MiB", LONGEST_LINE >> 20);
	larger = realloc(window->bytes, window->room ? 2 * window->room : WINDOW);
	if (!larger)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	window->bytes = larger;
	window->room = window->room ? 2 * window->room : WINDOW;
	return 0;
}

/* The length of the whole lines at the window's begin; at the file's end the last one needs no line end. */
static size_t whole_lines(const struct window *window)
{
	const char *last;

	if (window->at_end)
		return window->length;
	last = memrchr(window->bytes, '\n', window->length);
	return last ? (size_t)(last - window->bytes) + 1 : 0;
}

static void refuse(struct elfmap_input *input, size_t line, size_t column, const char *why)
{
	input->nr_refused++;
	input->refused(input->context, line, column, why);
}

static void refuse_conflict(void *context, const struct elfmap_conflict *conflict)
{
	char why[96];

	snprintf(why, sizeof(why), "the key stands in line %zu with another value", conflict->first_line);
	refuse(context, conflict->line, 0, why);
}

static int read_lines(struct elfmap_input *input, struct elfmap_text *text, struct elfmap_entries *entries,
		      struct elfmap_msg *msg)
{
	for (;;) {
		void *key, *value;
		int got = elfmap_entries__reserve(entries, &key, &value);

		if (!got)
			got = elfmap_text__read_entry(text, input->format, entries->key_size ? key : NULL, value);
		else
			return elfmap_msg__set(msg, got, "no memory for the entries");
		if (!got)
			return 0;
		if (got < 0) {
			refuse(input, text->line_number, elfmap_text__column(text), text->msg->text);
			continue;
		}
		if (elfmap_entries__add(entries, text->line_number, refuse_conflict, input) == -ENOMEM)
			return elfmap_msg__set(msg, -ENOMEM, "no memory for the entries");
	}
}

/* A file tells by its size, and by lines from its middle (numbers grow towards the end), how many entries are about to
 * come. */
static void expect_entries(const struct window *window, struct elfmap_entries *entries)
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

static int read_windows(struct elfmap_input *input, struct window *window, struct elfmap_entries *entries,
			struct elfmap_msg *msg)
{
	struct elfmap_msg why;
	struct elfmap_text text = elfmap_text__new(NULL, 0, input->resolver, &why);
	int err = 0;

	text.ids = true;
	while (!err && !(window->at_end && !window->length)) {
		size_t whole;

		if (window->length == window->room)
			err = grow(window, msg);
		err = err ?: fill(window, input, msg);
		if (err || !window->bytes)
			break;
		whole = whole_lines(window);
		if (!text.line_number)
			expect_entries(window, entries);
		text.at = window->bytes;
		text.end = window->bytes + whole;
		text.line = NULL;
		err = read_lines(input, &text, entries, msg);
		memmove(window->bytes, window->bytes + whole, window->length - whole);
		window->length -= whole;
	}
	return err;
}

int elfmap_input__read(struct elfmap_input *input, int fd, struct elfmap_entries *entries, struct elfmap_msg *msg)
{
	struct window window = {.fd = fd};
	int err;

	input->nr_refused = 0;
	err = read_windows(input, &window, entries, msg);
	free(window.bytes);
	if (!err && elfmap_entries__finish(entries, refuse_conflict, input) == -ENOMEM)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory for the entries");
	return err;
}
