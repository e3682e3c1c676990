/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reads a file through a window of whole lines, so that it is never in memory as a whole. */
#ifndef ELFMAP_WINDOW_H
#define ELFMAP_WINDOW_H

#include <signal.h>
#include <stdbool.h>

#include "elfmap.h"

/* Set the first block, zero the rest. */
struct elfmap_window {
	int fd;				   /* read from its current position */
	__u64 limit;			   /* read only so many bytes; 0: all */
	const volatile sig_atomic_t *stop; /* NULL, or set by a signal handler: -EINTR */
	bool takes_json;		   /* move by whole entries if the file is JSON, instead of lines */

	char *bytes;
	size_t whole; /* the length of the whole lines; the last line of the file may lack its line end */
	__u64 at;     /* their offset from the first position */
	bool is_json;
	size_t length; /* private from here on */
	size_t room;
	bool at_end;
};

/* Moves to the next lines, at least one. 1: there are lines; 0: end of the file; or a negative errno with a message,
 * -EFBIG for a line that is too long. After an error the next call returns 0. */
int elfmap_window__next(struct elfmap_window *window, struct elfmap_msg *msg);
void elfmap_window__free(struct elfmap_window *window);

#endif
