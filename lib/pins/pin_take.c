// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a descriptor of a map tells beside the kernel's description of it, and what follows for an object's maps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "pins/pin_take.h"

bool elfmap_map__is_map(int fd)
{
	static const char kind[] = "anon_inode:bpf-map";
	char link[32], target[sizeof(kind)];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, target, sizeof(target));
	return length == (ssize_t)strlen(kind) && !memcmp(target, kind, (size_t)length);
}

int elfmap_fdinfo__number(int fd, const char *field)
{
	size_t length = strlen(field);
	char path[40], line[128];
	int value = -1;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (!strncmp(line, field, length) && line[length] == ':')
			value = atoi(line + length + 1);
	if (info)
		fclose(info);
	return value;
}

enum bpf_prog_type elfmap_map__owner(int fd)
{
	int owner = elfmap_fdinfo__number(fd, "owner_prog_type");

	return owner > 0 ? (enum bpf_prog_type)owner : BPF_PROG_TYPE_UNSPEC;
}

int elfmap_map__owner_jited(int fd)
{
	return elfmap_fdinfo__number(fd, "owner_jited");
}

int elfmap_pin__check_owner(const struct elfmap_map *map, const char *path, int fd, enum bpf_prog_type type,
			    const char *who, struct elfmap_msg *msg)
{
	enum bpf_prog_type owner = map->def.type == BPF_MAP_TYPE_PROG_ARRAY ? elfmap_map__owner(fd) : 0;

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
	__u32 type = map->def.type;

	if ((type != BPF_MAP_TYPE_ARRAY_OF_MAPS && type != BPF_MAP_TYPE_HASH_OF_MAPS) || map->inner >= 0)
		return 0;
	return elfmap_msg__set(msg, -EINVAL,
			       "map '%s': the object gives this map of maps no inner_id (in 28 bytes there is no room "
			       "for one): its own loader creates the map; create and pin it first",
			       map->name);
}
