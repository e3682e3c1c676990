// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which map has a companion, for verbs that treat whole maps: the two come and go together. */
#include <stdio.h>

#include "helpers/map/map_companion.h"
#include "kinds/maps.h"
#include "map/cgroup_slots.h"
#include "map/device_names.h"

bool map_companion_path(const char *path, int fd, char ret_path[PATH_MAX])
{
	const char *suffix = NULL;
	struct elfmap_reader map;

	if (elfmap_reader__open_fd(fd, path, NULL, &map, NULL))
		return false;
	if (elfmap_map_kind__of(map.info.type)->value == ELFMAP_VALUE_CGROUP)
		suffix = CGROUP_NOTES_SUFFIX;
	else if (elfmap_map__has_devices(&map))
		suffix = "_devs";
	elfmap_reader__close(&map);
	return suffix && snprintf(ret_path, PATH_MAX, "%s%s", path, suffix) < PATH_MAX;
}
