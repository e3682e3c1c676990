// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel tells of a pinned map, and what follows for an object's maps. */
#include <errno.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "pins/pin_take.h"

int elfmap_pin__check_owner(const struct elfmap_map *map, const char *path, int fd, enum bpf_prog_type type,
			    const char *who, struct elfmap_msg *msg)
{
	enum bpf_prog_type owner = elfmap_map__is_prog_array(map->def.type) ? elfmap_map__owner(fd) : 0;

	if (!owner || !type || owner == type)
		return 0;
	return elfmap_msg__set(msg, -EINVAL,
			       "map '%s': %s: holds programs of type %s, and %s is %s; a PROG_ARRAY takes one type: "
			       "pin one for each, under another name",
			       map->name, path, elfmap_prog_type_name(owner) ?: "unknown", who,
			       elfmap_prog_type_name(type) ?: "unknown");
}

int elfmap_pin__check_template(const struct elfmap_map *map, struct elfmap_msg *msg)
{
	if (!elfmap_map__is_map_in_map(map->def.type) || map->inner >= 0)
		return 0;
	return elfmap_msg__set(msg, -EINVAL,
			       "map '%s': the object gives this map of maps no inner_id (in 28 bytes there is no room "
			       "for one): its own loader creates the map; create and pin it first",
			       map->name);
}
