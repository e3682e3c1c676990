/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file of entries, read for a map, with complaints; and long work: its progress on a terminal, its interruption. */
#ifndef ELFMAP_MAP_FILE_H
#define ELFMAP_MAP_FILE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "helpers/map/map_target.h"
#include "map/fill.h"

/* What is taken of a file with lines that are refused. */
enum map_file_taken {
	MAP_FILE_WHOLE,	     /* nothing: a part would mean something else */
	MAP_FILE_STRICT,     /* nothing; the complaint names --keep-going */
	MAP_FILE_KEEP_GOING, /* the others */
};

/* Reads NAME (NULL or "-": standard input), complaining about each line that is refused. Returns an exit status. */
int map_file__read(struct elfmap_source *file, const struct target *target, const char *name,
		   enum map_file_taken taken);

/* Makes the entries what the kernel takes. Returns an exit status. */
int map_file__open_objects(struct elfmap_source *file, const struct target *target);

/* ---- progress ------------------------------------------------------------------------------------ */

/* Set by SIGINT and SIGTERM once interrupt__catch() was called: work that is half done reports how far it
 * came. A second signal kills. */
extern volatile sig_atomic_t interrupted;
void interrupt__catch(void);
/* The same, and output that nobody reads is an error like any other: for verbs that take values out of maps. */
void interrupt__keep_output(void);

struct progress {
	size_t total; /* entries; 0: unknown */
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
