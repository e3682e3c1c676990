/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Companions: maps of notes that explain the numbers in other maps (map/device_names.h, map/cgroup_slots.h). */
#ifndef ELFMAP_MAP_PIN_H
#define ELFMAP_MAP_PIN_H

#include <limits.h>
#include <stdbool.h>

/* The path that the companion of map FD, which is pinned at PATH, has or would have. False: maps of this
 * kind have no companion. */
bool map_companion_path(const char *path, int fd, char ret_path[PATH_MAX]);

#endif
