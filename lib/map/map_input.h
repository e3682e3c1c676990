/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A map's entries from a file, line by line, into memory. */
#ifndef ELFMAP_MAP_INPUT_H
#define ELFMAP_MAP_INPUT_H

#include <signal.h>

#include "map/entries.h"
#include "text/values.h"

struct elfmap_input {
	const struct elfmap_format *format;
	struct elfmap_resolver *resolver;
	const volatile sig_atomic_t *stop; /* NULL, or set by a signal handler: -EINTR */
	/* Called for each line that is refused, in the order they are found to be: COLUMN from 1; 0: the line as
	 * a whole. */
	void (*refused)(void *context, size_t line, size_t column, const char *why);
	void *context;

	size_t nr_refused; /* filled in */
};

/* Reads what FD has, up to its end, and adds it to ENTRIES, which are empty (elfmap_entries__init()) and
 * afterwards finished; programs and maps stand there by their ids. Refused lines are left out; a key that
 * comes twice with different values is one. A negative errno with a message is for what prevents reading
 * on, lines that are too long among it. */
int elfmap_input__read(struct elfmap_input *input, int fd, struct elfmap_entries *entries, struct elfmap_msg *msg);

#endif
