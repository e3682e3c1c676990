/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A file of entries, read for a map, with complaints. */
#ifndef ELFMAP_MAP_FILE_H
#define ELFMAP_MAP_FILE_H

#include "helpers/map/map_target.h"
#include "map/fill.h"

/* What is taken of a file with lines that are refused. */
enum map_file_taken {
	MAP_FILE_WHOLE,	     /* nothing: without them the others mean something else */
	MAP_FILE_STRICT,     /* nothing, but who says --keep-going can have the others */
	MAP_FILE_KEEP_GOING, /* the others */
};

/* Reads NAME (NULL or "-": standard input), complaining about each line that is refused. Returns an exit status. */
int map_file__read(struct elfmap_source *file, const struct target *target, const char *name,
		   enum map_file_taken taken);

/* Makes the entries what the kernel takes. Returns an exit status. */
int map_file__open_objects(struct elfmap_source *file, const struct target *target);

#endif
