/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file of entries, read for a map, and what is said when it, or the kernel, is not content. */
#ifndef ELFMAP_MAP_FILE_H
#define ELFMAP_MAP_FILE_H

#include "helpers/map/map_target.h"
#include "map/map_input.h"
#include "map/map_write.h"

struct map_file {
	const char *name; /* for messages */
	struct elfmap_entries entries;
	size_t nr_refused;   /* lines */
	size_t nr_unwritten; /* entries that the kernel refused, and others were written after them */
};

/* What is taken of a file with lines that are refused. */
enum map_file_taken {
	MAP_FILE_WHOLE,	     /* nothing: without them the others mean something else */
	MAP_FILE_STRICT,     /* nothing, but who says --keep-going can have the others */
	MAP_FILE_KEEP_GOING, /* the others */
};

/* Reads NAME (NULL or "-": standard input), complaining about each line that is refused. Returns an exit status. */
int map_file__read(struct map_file *file, const struct target *target, const char *name, enum map_file_taken taken);
void map_file__close(struct map_file *file);

/* Makes the entries what the kernel takes. Returns an exit status. */
int map_file__open_objects(struct map_file *file, const struct target *target);

/* Complains about an entry that the kernel refused, and counts it; and at the end about those that were too many
 * to be shown. */
void map_file__refuse_entry(struct map_file *file, size_t index, const struct elfmap_msg *msg);
void map_file__end_refusals(const struct map_file *file);

/* Says what became of JOB, which wrote the first entries and failed with ERR: at which line and why, how
 * many were written, and which was the last. Returns EXIT_FAILURE. */
int map_file__complain(const struct map_file *file, const struct target *target, const struct elfmap_job *job, int err,
		       const struct elfmap_msg *msg);

#endif
