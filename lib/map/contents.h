/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The entries that a file gives to a map: what they would change, the change, and the way back. The file is read once;
 * the map is compared again directly before it is changed.
 */
#ifndef ELFMAP_CONTENTS_H
#define ELFMAP_CONTENTS_H

#include "map/fill.h"
#include "map/map_copy.h"

/* OLD is NULL for an entry to add, NEW for an entry to delete. */
typedef int elfmap_contents_each(void *context, const void *key, const void *old_value, const void *new_value);

struct elfmap_contents {
	bool exact; /* entries that the file does not have are removed */
	const volatile sig_atomic_t *stop;
	struct elfmap_source source; /* the caller sets `refused` and its context */
	struct elfmap_resolver *resolver;

	/* filled in by the comparison */
	size_t nr_missing; /* entries of the file that the map does not have */
	size_t nr_changed; /* that have another value in the map */
	size_t nr_extra;   /* entries of the map that the file does not have */

	/* private: the entries before the change */
	struct elfmap_change *changes;
	size_t nr_changes;
	unsigned char *bytes;
	size_t nr_bytes, room;
};

/* Reads FILE for the map READER, whose pin is at PATH. Refused lines are reported one by one, then -EINVAL; the message
 * is empty. */
int elfmap_contents__read(struct elfmap_contents *contents, const char *file, const struct elfmap_reader *reader,
			  const char *path, struct elfmap_msg *msg);

/* Compares the file with the map, whose entries must be readable. EACH may be NULL. */
int elfmap_contents__compare(struct elfmap_contents *contents, const struct elfmap_reader *reader,
			     elfmap_contents_each *each, void *context, struct elfmap_msg *msg);

/* Writes the entries to the map, which is open for writing. IS_NEW: the map is empty, and needs no way back. */
int elfmap_contents__write(struct elfmap_contents *contents, const struct elfmap_reader *reader, const char *path,
			   bool is_new, struct elfmap_msg *msg);

/* Restores the entries that the write changed, as far as they still have its values. */
void elfmap_contents__undo(struct elfmap_contents *contents, const struct elfmap_reader *reader);

void elfmap_contents__free(struct elfmap_contents *contents);

#endif
