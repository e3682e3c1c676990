/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file read through a window of whole lines, so that its text is never in memory as a whole. */
#ifndef ELFMAP_WINDOW_H
#define ELFMAP_WINDOW_H

#include <signal.h>
#include <stdbool.h>

#include "elfmap.h"

/* Set the first block, zero the rest. */
struct elfmap_window {
	int fd;				   /* is read from where it stands */
	__u64 limit;			   /* as if the file ended after so many bytes; 0: all it has */
	const volatile sig_atomic_t *stop; /* NULL, or set by a signal handler: -EINTR */

	char *bytes;
	size_t whole;  /* of them, those of whole lines; the file's last one needs no line end */
	__u64 at;      /* where in the file they begin, from where it stood */
	size_t length; /* private from here on */
	size_t room;
	bool at_end;
};

/* Moves on to the next lines, at least one. 1: here they are; 0: there are no more; or a negative errno with a
 * message, -EFBIG for a line that is longer than any entry, and no more after that. */
int elfmap_window__next(struct elfmap_window *window, struct elfmap_msg *msg);
void elfmap_window__free(struct elfmap_window *window);

#endif
