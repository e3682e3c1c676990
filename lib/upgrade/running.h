/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps that run: what the programs at some hooks use, and the stages behind them. */
#ifndef ELFMAP_RUNNING_H
#define ELFMAP_RUNNING_H

#include "load/load.h"
#include "upgrade/hooks.h"

struct elfmap_running {
	__u32 *maps; /* ids */
	size_t nr;
};

/* Follows the programs of HOOKS through the slots of their tables. -ENOMEM; free() ret_running->maps. */
int elfmap_running__read(const struct elfmap_hooks *hooks, struct elfmap_running *ret_running);

/* The running map that is called NAME, as much of it as the kernel keeps, and of TYPE, as a descriptor; the map with
 * id PREFERRED if that is one of several. -ENOENT: there is none. */
int elfmap_running__find(const struct elfmap_running *running, const char *name, __u32 type, __u32 preferred);

/* Tells LOAD's warn() of state maps whose pin is another map than the one that runs: by an upgrade in another network
 * namespace, or since the pin was taken away. LOAD has been committed; what programs wrote to the one that runs is not
 * in the pinned one. */
void elfmap_running__warn_of_split(const struct elfmap_running *running, const struct elfmap_load *load);

/* Can GEN run as it did? -ENOENT: a PROG_ARRAY that its programs jump through is pinned nowhere below TC_DIR, so it has
 * been empty since, and every tail call would fall through. */
int elfmap_running__check_tables(const struct elfmap_generation *gen, const char *tc_dir, struct elfmap_msg *msg);

#endif
