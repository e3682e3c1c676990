/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* All steps of load.h, begun anew where another command has pinned one of the maps meanwhile; and their end. */
#ifndef ELFMAP_LOAD_RUN_H
#define ELFMAP_LOAD_RUN_H

#include "load/load.h"

/* What is to be done with an object that the kernel has taken. All zero: it is committed. */
struct elfmap_load_goal {
	bool pins_programs; /* in elfmap_load__progs_dir() */
	/* Called before the commit, which follows if it returns 0. 1: the object stays as it is, where others do not
	 * see it. A negative errno ends the run. It is called again for each try. NULL: the commit follows. */
	int (*look)(void *context, struct elfmap_load *load, struct elfmap_msg *msg);
	void *context;
};

/* Opens FILE, makes its maps, loads its programs and commits them as GOAL (NULL: the commit alone) says. On failure
 * nothing of it stays. elfmap_load__end() ends what it gives. */
int elfmap_load__run(const char *file, const struct elfmap_load_opts *opts, const struct elfmap_load_goal *goal,
		     struct elfmap_load **ret_load, struct elfmap_msg *msg);
/* A look for a goal without commit. */
int elfmap_load__look_only(void *context, struct elfmap_load *load, struct elfmap_msg *msg);

/* Frees LOAD, which may be NULL. KEEP: what was committed stays; else it is undone. */
void elfmap_load__end(struct elfmap_load *load, bool keep);

#endif
