// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the kernel tells of a pinned map, and what follows for an object's maps. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "pins/pin_take.h"

static int check_owner(const struct elfmap_map *map, const char *path, enum bpf_prog_type owner,
		       const struct elfmap_pin_user *user, struct elfmap_msg *msg)
{
	if (!user->type || owner == user->type)
		return 0;
	return elfmap_msg__set(msg, -EINVAL,
			       "map '%s': %s: holds programs of type %s, and %s%s%s is %s; a PROG_ARRAY takes one "
			       "type: pin one for each, under another name",
			       map->name, path, elfmap_prog_type_name(owner) ?: "unknown",
			       user->program ? "program '" : "", user->program ?: user->words, user->program ? "'" : "",
			       elfmap_prog_type_name(user->type) ?: "unknown");
}

int elfmap_pin__take(const struct elfmap_map *map, const char *path, int fd, const struct elfmap_pin_user *users,
		     size_t nr_users, struct bpf_map_info *ret_info, struct elfmap_msg *msg)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	enum bpf_prog_type owner;
	int err;

	if (!elfmap_map__is_map(fd))
		return elfmap_msg__set(msg, -EMEDIUMTYPE, "map '%s': %s: is not a map", map->name, path);
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return elfmap_msg__set(msg, -errno, "map '%s': %s: %s", map->name, path, strerror(errno));
	err = elfmap_pin__compare(map, &info, msg);
	if (!err && elfmap_map__is_prog_array(map->def.type) && nr_users) {
		owner = elfmap_map__owner(fd);
		for (size_t i = 0; owner && !err && i < nr_users; i++)
			err = check_owner(map, path, owner, &users[i], msg);
	}
	if (!err || err == -EEXIST)
		*ret_info = info;
	return err;
}

void elfmap_pin__add_remedy(const char *path, struct elfmap_msg *msg)
{
	struct elfmap_msg what = *msg;

	elfmap_msg__set(msg, 0, "%s; pinned at %s; when nothing uses that any more: elfmap map unpin %s", what.text,
			path, path);
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
