// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a file of entries through a window, line by line. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "map/map_input.h"
#include "text/window.h"

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
		if (elfmap_entries__add(entries, text->line_number))
			return elfmap_msg__set(msg, -ENOMEM, "no memory for the entries");
	}
}

/* A file tells by its size, and by lines from its middle (numbers grow towards the end), how many entries are about to
 * come. */
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

int elfmap_input__read(struct elfmap_input *input, int fd, struct elfmap_entries *entries, struct elfmap_msg *msg)
{
	struct elfmap_window window = {.fd = fd, .stop = input->stop};
	struct elfmap_msg why;
	struct elfmap_text text = elfmap_text__new(NULL, 0, input->resolver, &why);
	int err = 0, more;

	input->nr_refused = 0;
	text.ids = true;
	while (!err && (more = elfmap_window__next(&window, msg)) != 0) {
		if (!text.line_number)
			expect_entries(&window, entries);
		text.at = window.bytes;
		text.end = window.bytes + window.whole;
		text.line = NULL;
		err = more < 0 ? more : read_lines(input, &text, entries, msg);
	}
	elfmap_window__free(&window);
	if (!err && elfmap_entries__finish(entries, refuse_conflict, input) == -ENOMEM)
		err = elfmap_msg__set(msg, -ENOMEM, "no memory for the entries");
	return err;
}
