/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the programs of one object are attached in this network namespace, and all of them exchanged. */
#ifndef ELFMAP_HOOKS_H
#define ELFMAP_HOOKS_H

#include "hook/filter.h"
#include "upgrade/generation.h"

struct elfmap_hook {
	char *section;		     /* of the object whose filter it is */
	struct elfmap_filter filter; /* of tc; where LINK is not NULL, its ifindex, direction and program */
	char *link;		     /* path of the pin of a tcx link */
	int before;		     /* the program that runs there; a descriptor */
};

struct elfmap_hooks {
	struct elfmap_hook *at;
	size_t nr;
};

/* All filters called OBJECT:[SECTION], on all devices and in all chains, and tcx links that `elfmap attach
 * --tcx` has pinned below TC_DIR for them. */
int elfmap_hooks__find(const char *object, const char *tc_dir, struct elfmap_hooks *ret_hooks, struct elfmap_msg *msg);
void elfmap_hooks__free(struct elfmap_hooks *hooks);

/* Gives every hook the program that enters by its section in GEN: no packet passes without one. All have
 * the new one when it returns 0, all have the one before on failure. -ENOENT: GEN lacks a section. */
int elfmap_hooks__switch(struct elfmap_hooks *hooks, const struct elfmap_generation *gen, struct elfmap_msg *msg);

#endif
