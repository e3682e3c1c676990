/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The resolver of the running system: devices of this network namespace, cgroups (also inside `ip netns exec`, which
 * hides the cgroup2 file system), programs and maps. */
#ifndef ELFMAP_RESOLVE_H
#define ELFMAP_RESOLVE_H

#include "text/values.h"

/* Creates a resolver. -ENOMEM is the only failure: missing file systems are reported by the look-ups. */
int elfmap_resolver__new(struct elfmap_resolver **ret_resolver, struct elfmap_msg *msg);

/* Closes the descriptors that object() returned. They are not needed after the values were written into a map. */
void elfmap_resolver__forget(struct elfmap_resolver *resolver);

/* Loads later programs of the form `obj FILE sec SECTION` for the PROG_ARRAY open as FD and pinned at PATH: with the
 * program type of its owner, and with PATH as the table of their object. */
void elfmap_resolver__load_for(struct elfmap_resolver *resolver, int fd, const char *path);

/* Keeps the pins of the maps of loaded programs, because the programs are in a map now. Otherwise
 * elfmap_resolver__free() removes these pins. */
void elfmap_resolver__keep(struct elfmap_resolver *resolver);

/* Closes all descriptors. RESOLVER may be NULL. */
void elfmap_resolver__free(struct elfmap_resolver *resolver);

#endif
