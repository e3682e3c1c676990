/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A frozen array with one value, in which elfmap notes something: bound to programs, or pinned. */
#ifndef ELFMAP_FROZEN_H
#define ELFMAP_FROZEN_H

#include <stdbool.h>
#include <stddef.h>

struct bpf_map_info;

/* Makes such a map called NAME with VALUE, of SIZE bytes. A dot in NAME sets it apart from maps with pins: bpffs takes
 * none. FLAGS: of the map. A descriptor, or a negative errno. */
int elfmap_frozen__make(const char *name, const void *value, size_t size, unsigned int flags);

/* Is the map described by INFO one called NAME? */
bool elfmap_frozen__is(const struct bpf_map_info *info, const char *name);

#endif
