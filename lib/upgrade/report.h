/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an upgrade or a rollback did with each map. The text and JSON of a command come from this. */
#ifndef ELFMAP_REPORT_H
#define ELFMAP_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "object/layout.h"

enum elfmap_map_fate {
	ELFMAP_MAP_NEW,	    /* made anew, without entries of the old version */
	ELFMAP_MAP_KEPT,    /* the same kernel map */
	ELFMAP_MAP_COPIED,  /* made anew, entries copied */
	ELFMAP_MAP_DRAINED, /* made anew, values taken out of the old one */
	ELFMAP_MAP_MERGED,  /* global data; the counts are variables */
};

struct elfmap_map_report {
	char *name; /* of the map in the object, or of the section of global data */
	enum elfmap_map_fate fate;
	size_t carried; /* entries, or variables whose running value was kept */
	size_t late;	/* of these written during the exchange */
	size_t lost;	/* written by both versions during the exchange: the new version's value was kept */
	size_t removed; /* entries or variables that the new version does not have */
	size_t merged;	/* old keys that became part of another */
	/* Members that entries gained or lost, "new value.b". */
	struct elfmap_member_change *members;
	size_t nr_members;
	bool unnoted; /* start values are unknown: all running values are kept */
};

struct elfmap_map_reports {
	struct elfmap_map_report *at;
	size_t nr;
};

/* The report on map NAME, which is added if it is missing. NULL: no memory. The pointer is valid until the next call.
 */
struct elfmap_map_report *elfmap_map_reports__get(struct elfmap_map_reports *reports, const char *name);
void elfmap_map_reports__free(struct elfmap_map_reports *reports);

/* Adds the changes of LAYOUT. -ENOMEM */
int elfmap_map_report__add_members(struct elfmap_map_report *report, const struct elfmap_layout *layout);

/* "kept", "copied", ... */
const char *elfmap_map_fate__word(enum elfmap_map_fate fate);

#endif
