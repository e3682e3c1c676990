/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* May an object's map be the one that is pinned, or be made? What whoever loads objects asks, tc's stand-in included.
 */
#ifndef ELFMAP_PIN_TAKE_H
#define ELFMAP_PIN_TAKE_H

#include "elfmap.h"

/* Can WHO ("program 'x'"), which is of TYPE, be put into FD, which is pinned at PATH for MAP? Any map but a PROG_ARRAY
 * has no say. The kernel would say EINVAL, whatever it is. */
int elfmap_pin__check_owner(const struct elfmap_map *map, const char *path, int fd, enum bpf_prog_type type,
			    const char *who, struct elfmap_msg *msg);

/* What is said of a pin that differs, with what mends it, everywhere the same: how it differs, and the path twice. */
#define ELFMAP_PIN_DIFFERS "%s; pinned at %s; when nothing uses that any more: elfmap map unpin %s"

/* Can MAP be made, where it has no pin? Without a template the kernel makes no map of maps. */
int elfmap_pin__check_template(const struct elfmap_map *map, struct elfmap_msg *msg);

#endif
