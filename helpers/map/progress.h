/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Long work: how far it is, on a terminal, and how it is interrupted. */
#ifndef ELFMAP_PROGRESS_H
#define ELFMAP_PROGRESS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Set by SIGINT and SIGTERM once interrupt__catch() was called: work that is half done says how far it
 * came. A second signal kills. */
extern volatile sig_atomic_t interrupted;
void interrupt__catch(void);

struct progress {
	size_t total; /* entries; 0: nobody knows */
	struct timespec start;
	struct timespec shown;
	bool on_terminal;
	bool is_shown;
};

/* A line on stderr from one second on, if that is a terminal: entries, rate, time left. */
void progress__begin(struct progress *progress, size_t total);
void progress__update(void *progress, size_t done); /* for struct elfmap_job */
void progress__end(struct progress *progress);	    /* takes the line away */

#endif
