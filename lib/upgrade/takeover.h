/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a version takes over from the running one: every map whose definition is the same, and the values of global
 * variables, merged as in merge.h. Variables that programs change during the exchange are merged once more after it.
 */
#ifndef ELFMAP_TAKEOVER_H
#define ELFMAP_TAKEOVER_H

#include "upgrade/report.h"
#include "upgrade/running.h"

struct elfmap_taken_section;

struct elfmap_takeover {
	const char *tc_dir;
	const char *file;
	const char *resets; /* names of maps and sections to start anew, "a,.data"; NULL */
	void (*warn)(const char *file, const char *text); /* may be NULL */
	const struct elfmap_load *first; /* another load of the file, whose new pinned maps are used; NULL */
	struct elfmap_running running;
	struct elfmap_map_reports *reports;
	struct elfmap_load_source source; /* for struct elfmap_load_opts */
	struct elfmap_taken_section *sections;
	size_t nr_sections;
};

/* Prepares TAKEOVER, whose first four members and REPORTS are set, for the running programs that were added to RUNNING.
 * -ENOMEM */
int elfmap_takeover__init(struct elfmap_takeover *takeover, struct elfmap_msg *msg);

/* Is the map or section NAME to start anew? */
bool elfmap_takeover__resets(const struct elfmap_takeover *takeover, const char *name);
/* -ENOENT: a name to start anew is not one of LOAD. */
int elfmap_takeover__check_resets(const struct elfmap_takeover *takeover, const struct elfmap_load *load,
				  struct elfmap_msg *msg);

/* Reports what became of each map of LOAD, which is loaded. -ENOMEM */
int elfmap_takeover__report(struct elfmap_takeover *takeover, const struct elfmap_load *load);

/* Reports the maps that the programs in TARGET, which are loaded, share with the running ones. -ENOMEM */
int elfmap_takeover__report_common(struct elfmap_takeover *takeover, const struct elfmap_running *target);

/* The way back: merges the running values into the existing maps of the programs in TARGET. */
int elfmap_takeover__merge_back(struct elfmap_takeover *takeover, const struct elfmap_running *target,
				struct elfmap_msg *msg);

/* After the exchange of programs: merges variables that the former programs have changed since. */
void elfmap_takeover__finish(struct elfmap_takeover *takeover);
void elfmap_takeover__free(struct elfmap_takeover *takeover);

#endif
