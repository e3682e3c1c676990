// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A window on a file, moved by whole lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "text/json_lines.h"
#include "text/window.h"

#define WINDOW (256u << 10)
#define LONGEST_LINE (64u << 20) /* the largest value of a map, for all CPUs of a large machine, in hex */

static int grow(struct elfmap_window *window, struct elfmap_msg *msg)
{
	size_t room = window->room ? 2 * window->room : WINDOW;
	char *larger;

	if (room > LONGEST_LINE)
		return elfmap_msg__set(msg, -EFBIG, "has a line longer than %u MiB", LONGEST_LINE >> 20);
	larger = realloc(window->bytes, room);
	if (!larger)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	window->bytes = larger;
	window->room = room;
	return 0;
}

static size_t bytes_wanted(const struct elfmap_window *window)
{
	size_t room = window->room - window->length;
	__u64 left = window->limit - window->at - window->length;

	return window->limit && left < room ? (size_t)left : room;
}

/* Reads more bytes, until the room or the file ends. */
static int fill(struct elfmap_window *window, struct elfmap_msg *msg)
{
	while (!window->at_end && window->length < window->room) {
		size_t wanted = bytes_wanted(window);
		ssize_t got = wanted ? read(window->fd, window->bytes + window->length, wanted) : 0;

		if (window->stop && *window->stop)
			return elfmap_msg__set(msg, -EINTR, "interrupted");
		if (got < 0 && errno != EINTR)
			return elfmap_msg__set(msg, -errno, "cannot be read: %s", strerror(errno));
		if (wanted && !got && window->limit)
			return elfmap_msg__set(msg, -EIO, "cannot be read: it became shorter while it was read");
		window->at_end = got == 0;
		window->length += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

static size_t whole_lines(const struct elfmap_window *window)
{
	const char *last;

	if (window->at_end || !window->length)
		return window->length;
	if (window->is_json)
		return json_lines__whole(window->bytes, window->length);
	last = memrchr(window->bytes, '\n', window->length);
	return last ? (size_t)(last - window->bytes) + 1 : 0;
}

int elfmap_window__next(struct elfmap_window *window, struct elfmap_msg *msg)
{
	int err = 0;

	window->at += window->whole;
	window->length -= window->whole;
	if (window->whole)
		memmove(window->bytes, window->bytes + window->whole, window->length);
	window->whole = 0;
	while (!err && !window->whole && !window->at_end) {
		if (window->length == window->room)
			err = grow(window, msg);
		err = err ?: fill(window, msg);
		if (!err && !window->at && window->takes_json)
			window->is_json = json_lines__is(window->bytes, window->length);
		window->whole = err ? 0 : whole_lines(window);
	}
	if (err) { /* report the error only once */
		window->at_end = true;
		window->length = 0;
	}
	return err ?: window->whole != 0;
}

void elfmap_window__free(struct elfmap_window *window)
{
	free(window->bytes);
	window->bytes = NULL;
}
