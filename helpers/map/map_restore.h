/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What `elfmap map restore` makes of a file: the maps (map_restore.c) and their content (map_restore_fill.c). */
#ifndef ELFMAP_MAP_RESTORE_H
#define ELFMAP_MAP_RESTORE_H

#include "helpers/map/map_file.h"
#include "helpers/map/saved.h"
#include "map/map.h"

/* A pin that was made, and what takes it back. */
struct restored_pin {
	bool is_made;
	int old; /* the map that was pinned there; -1: none */
};

struct restored {
	struct saved_map *saved;
	int fd; /* -1: not made yet */
	struct elfmap_reader map;
	struct restored_pin *pins; /* as many as SAVED has */
};

struct restore {
	const char *name; /* of the file, for messages */
	struct saved_file file;
	struct restored *maps; /* as many as the file has */
	int lock;
	bool replace;
	bool keep_going;
	size_t nr_entries;
	struct progress progress;
	size_t nr_refused; /* lines */
};

/* The map that the file calls LABEL; NULL: no map has it. */
struct restored *restore__find(const struct restore *restore, const char *label);

/* Complains about a line of the file (COLUMN 0: about all of it). Returns EXIT_FAILURE. */
int restore__complain(const struct restore *restore, size_t line, size_t column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Reads the entries of all maps and writes them. Returns an exit status. */
int restore__fill(struct restore *restore);

/* Reads the entries of MAP, with ids of objects, into *RET_ENTRIES. Complains; returns an exit status. */
struct elfmap_entries;
int restore__read(struct restore *restore, struct restored *map, struct elfmap_entries *ret_entries);
/* Replaces the contents of the running maps; or prints what would change, with DRY_RUN. Returns an exit status. */
int restore__contents(struct restore *restore, bool dry_run);

/* What `check` and `cgroup show` know of device numbers and slots, once the maps are pinned. Complains. */
void restore__note(const struct restore *restore);

#endif
