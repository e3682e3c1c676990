/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps that run: what the programs at some hooks use, and the stages behind them. */
#ifndef ELFMAP_RUNNING_H
#define ELFMAP_RUNNING_H

#include "hooks.h"

struct elfmap_running {
	__u32 *maps; /* ids */
	size_t nr;
};

/* Follows the programs of HOOKS through the slots of their tables. -ENOMEM; free() ret_running->maps. */
int elfmap_running__read(const struct elfmap_hooks *hooks, struct elfmap_running *ret_running);

/* The running map that is called NAME, as much of it as the kernel keeps, and of TYPE, as a descriptor; the map with
 * id PREFERRED if that is one of several. -ENOENT: there is none. */
int elfmap_running__find(const struct elfmap_running *running, const char *name, __u32 type, __u32 preferred);

#endif
