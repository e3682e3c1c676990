/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The running system's names, for text: devices of this network namespace, cgroups of the cgroup2 file
 * system (also from within `ip netns exec`, which hides it), programs and maps. */
#ifndef ELFMAP_RESOLVE_H
#define ELFMAP_RESOLVE_H

#include "text/values.h"

/* -ENOMEM is the only failure: what is missing is said when it is asked for. */
int elfmap_resolver__new(struct elfmap_resolver **ret_resolver, struct elfmap_msg *msg);

/* Closes the descriptors that object() handed out, between two batches for instance: what has been written
 * into a map needs them no more. */
void elfmap_resolver__forget(struct elfmap_resolver *resolver);

/* Programs named by their object are loaded for the PROG_ARRAY that is open as FD and pinned at PATH: as its
 * owner's type, and as its object wants it whose table that is. */
void elfmap_resolver__load_for(struct elfmap_resolver *resolver, int fd, const char *path);

/* What was loaded is in a map now: the pins of its maps stay. Without this elfmap_resolver__free() takes
 * them away again. */
void elfmap_resolver__keep(struct elfmap_resolver *resolver);

/* Closes them, too, and takes NULL. */
void elfmap_resolver__free(struct elfmap_resolver *resolver);

#endif
