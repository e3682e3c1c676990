// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keeps names of devices beside the map that has their numbers: see device_names.h. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "map/device_names.h"
#include "pins/pin_change.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif
#define MAX_MEMBERS 64

/* ---- where the numbers are ---------------------------------------------------------------------- */

static int add_member(struct elfmap_device_names *names, const char *name, size_t offset)
{
	struct elfmap_device_member *members;

	if (names->nr_members == MAX_MEMBERS)
		return -E2BIG;
	members = reallocarray(names->members, names->nr_members + 1, sizeof(*members));
	if (!members)
		return -ENOMEM;
	names->members = members;
	members[names->nr_members].offset = offset;
	snprintf(members[names->nr_members].name, sizeof(members->name), "%s", name);
	names->nr_members++;
	return 0;
}

/* What shares its bytes with something else may be anything. */
static bool has_devices(const struct elfmap_type *type)
{
	if (type->notation == ELFMAP_IFINDEX)
		return true;
	for (size_t i = 0; i < type->nr_members && !type->overlaps; i++)
		if (has_devices(&type->members[i]))
			return true;
	return false;
}

static int find_members(struct elfmap_device_names *names, const struct elfmap_type *type, const char *name,
			size_t offset)
{
	bool is_array = type->notation == ELFMAP_ARRAY;
	int err = 0;

	if (type->notation == ELFMAP_IFINDEX)
		return add_member(names, name, offset);
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		size_t count = is_array ? type->count : 1;
		char below[64];

		for (size_t element = 0; element < count && has_devices(member) && !err; element++) {
			if (is_array)
				snprintf(below, sizeof(below), "%s[%zu]", name, element);
			else
				snprintf(below, sizeof(below), "%s%s%s", name, *name ? "." : "", member->name);
			err = find_members(names, member, below, offset + member->offset + element * member->size);
		}
	}
	return err;
}

bool elfmap_map__has_devices(const struct elfmap_reader *map)
{
	return map->format.value && !map->format.per_cpu && map->info.key_size && has_devices(map->format.value);
}

/* ---- the hash beside the map -------------------------------------------------------------------- */

static size_t value_size(const struct elfmap_device_names *names)
{
	size_t size = sizeof(names->netns) + names->nr_members * sizeof(struct elfmap_device_note);

	return (size + 7) & ~(size_t)7;
}

/* A hash of another layout was made for another map that had the name. */
static bool fits(const struct elfmap_device_names *names, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &size) && info.type == BPF_MAP_TYPE_HASH &&
	       info.key_size == names->map->info.key_size && info.value_size == value_size(names);
}

static int create(struct elfmap_device_names *names, struct elfmap_msg *msg)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_NO_PREALLOC);
	const struct bpf_map_info *info = &names->map->info;
	struct stat there;
	int fd, err;

	fd = bpf_map_create(BPF_MAP_TYPE_HASH, "devs", info->key_size, value_size(names), info->max_entries, &opts);
	if (fd < 0)
		return elfmap_msg__set(msg, fd, "names of devices cannot be kept: %s", strerror(-fd));
	err = stat(names->path, &there) ? elfmap_pin__add(fd, names->path, msg)
					: elfmap_pin__replace(fd, names->path, msg);
	if (err) {
		close(fd);
		return err;
	}
	names->fd = fd;
	return 0;
}

static __u64 find_netns(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(__u64);
	struct stat file;
	__u64 cookie = 0;

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	if (fd >= 0)
		close(fd);
	if (!cookie && !stat("/proc/self/ns/net", &file))
		cookie = file.st_ino; /* before Linux 5.14; may come again when the namespace has gone */
	return cookie;
}

int elfmap_device_names__open(const char *path, const struct elfmap_reader *map, struct elfmap_device_names *ret_names,
			      struct elfmap_msg *msg)
{
	struct elfmap_device_names names = {.fd = -1, .map = map, .netns = find_netns()};
	int err;

	if (!elfmap_map__has_devices(map))
		return elfmap_msg__set(msg, -EOPNOTSUPP,
				       "its values have no device numbers, as far as their type says");
	err = find_members(&names, map->format.value, "", 0);
	if (err == -E2BIG)
		err = elfmap_msg__set(msg, err, "more than %d device numbers in a value", MAX_MEMBERS);
	if (!err && asprintf(&names.path, "%s_devs", path) < 0) {
		names.path = NULL;
		err = -ENOMEM;
	}
	names.value = err ? NULL : calloc(1, value_size(&names));
	if (!err && !names.value)
		err = -ENOMEM;
	if (err == -ENOMEM)
		elfmap_msg__set(msg, err, "no memory");
	if (err) {
		elfmap_device_names__close(&names);
		return err;
	}
	names.notes = (struct elfmap_device_note *)((char *)names.value + sizeof(names.netns));
	names.fd = bpf_obj_get(names.path);
	if (names.fd >= 0 && !fits(&names, names.fd)) {
		close(names.fd);
		names.fd = -1;
	}
	*ret_names = names;
	return 0;
}

void elfmap_device_names__close(struct elfmap_device_names *names)
{
	if (names->fd >= 0)
		close(names->fd);
	free(names->path);
	free(names->members);
	free(names->value);
	*names = (struct elfmap_device_names){.fd = -1};
}

__u32 elfmap_device_names__find_missing(const struct elfmap_device_names *names, const void *value)
{
	char name[IF_NAMESIZE];
	__u32 ifindex;

	for (size_t i = 0; i < names->nr_members; i++) {
		memcpy(&ifindex, (const char *)value + names->members[i].offset, sizeof(ifindex));
		if (ifindex && !if_indextoname(ifindex, name))
			return ifindex;
	}
	return 0;
}

/* ---- notes -------------------------------------------------------------------------------------- */

/* Returns whether there is anything to note. Of a device that has gone, what was noted is kept. */
static bool take_notes(struct elfmap_device_names *names, const void *key, const void *value)
{
	bool any = false;

	if (elfmap_device_names__look_up(names, key))
		memset(names->value, 0, value_size(names));
	memcpy(names->value, &names->netns, sizeof(names->netns));
	for (size_t i = 0; i < names->nr_members; i++) {
		struct elfmap_device_note *note = &names->notes[i];
		char name[IF_NAMESIZE] = "";
		__u32 ifindex;

		memcpy(&ifindex, (const char *)value + names->members[i].offset, sizeof(ifindex));
		any |= ifindex != 0;
		if ((!ifindex || !if_indextoname(ifindex, name)) && note->ifindex == ifindex)
			continue;
		note->ifindex = ifindex;
		memcpy(note->name, name, sizeof(name));
	}
	return any;
}

int elfmap_device_names__note(struct elfmap_device_names *names, const void *key, const void *value,
			      struct elfmap_msg *msg)
{
	int err;

	if (!value || !take_notes(names, key, value)) {
		err = names->fd < 0 ? 0 : bpf_map_delete_elem(names->fd, key);
		return !err || err == -ENOENT ? 0 : elfmap_msg__set(msg, err, "%s: %s", names->path, strerror(-err));
	}
	err = names->fd < 0 ? create(names, msg) : 0;
	if (err)
		return err;
	err = bpf_map_update_elem(names->fd, key, names->value, BPF_ANY);
	return err ? elfmap_msg__set(msg, err, "%s: %s", names->path, strerror(-err)) : 0;
}

int elfmap_device_names__look_up(struct elfmap_device_names *names, const void *key)
{
	__u64 netns;

	if (names->fd < 0 || bpf_map_lookup_elem(names->fd, key, names->value))
		return -ENOENT;
	memcpy(&netns, names->value, sizeof(netns));
	return netns == names->netns ? 0 : -EXDEV;
}
