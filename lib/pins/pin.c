// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Where a map is pinned, as iproute2 has it, whether what is pinned there is the same map, and whether an object's map
 * may be that one. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "object/object.h"
#include "pins/pin.h"

static const char *const pinning_tables[] = {"/etc/iproute2/bpf_pinning", "/usr/share/iproute2/bpf_pinning"};

/* Finds "NUMBER PATH" in the first table that there is, as tc does. */
static int look_up_table(__u32 pinning, char *subpath, size_t size)
{
	char line[512], word[400];
	unsigned int number;
	FILE *table = NULL;
	int err = -ENOENT;

	for (size_t i = 0; !table && i < sizeof(pinning_tables) / sizeof(*pinning_tables); i++)
		table = fopen(pinning_tables[i], "re");
	while (table && err && fgets(line, sizeof(line), table)) {
		if (line[0] == '#' || sscanf(line, "%i %399s", (int *)&number, word) != 2 || number != pinning)
			continue;
		snprintf(subpath, size, "%s", word);
		err = 0;
	}
	if (table)
		fclose(table);
	return err;
}

int elfmap_pin__path(const struct elfmap_map *map, const char *root, const char *sha1, char *path, size_t path_size,
		     struct elfmap_msg *msg)
{
	int root_length = (int)strlen(root), length;
	char subpath[400];

	while (root_length > 1 && root[root_length - 1] == '/')
		root_length--;
	switch (map->def.pinning) {
	case PIN_NONE:
		length = snprintf(path, path_size, "%s", "");
		break;
	case PIN_OBJECT_NS:
		length = snprintf(path, path_size, "%.*s/%s/%s", root_length, root, sha1, map->name);
		break;
	case PIN_GLOBAL_NS:
		length = snprintf(path, path_size, "%.*s/globals/%s", root_length, root, map->name);
		break;
	default:
		if (look_up_table(map->def.pinning, subpath, sizeof(subpath)))
			return elfmap_msg__set(msg, -ENOENT,
					       "map '%s': pinning %u is in no table, so it is not pinned; add a line "
					       "'%u PATH' to %s",
					       map->name, map->def.pinning, map->def.pinning, pinning_tables[0]);
		/* Paths of the table start at the bpffs, the directory that tc's own is in. */
		while (root_length > 1 && root[root_length - 1] != '/')
			root_length--;
		length = snprintf(path, path_size, "%.*s%s/%s", root_length, root, subpath, map->name);
	}
	if (length < 0 || (size_t)length >= path_size)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "map '%s': the path of its pin is too long", map->name);
	return 0;
}

/* ---- is it the same map ------------------------------------------------------------------------------------- */

static bool same_entries(const struct bpf_elf_map *def, __u32 pinned)
{
	enum elfmap_map_size size = elfmap_map_kind__of(def->type)->size;
	int cpus;

	if (def->max_elem == pinned || (size == ELFMAP_SIZE_CPUS && !def->max_elem))
		return true;
	if (size == ELFMAP_SIZE_RING)
		return pinned > def->max_elem && (pinned / 2 < def->max_elem || pinned == (__u32)sysconf(_SC_PAGESIZE));
	if (!(def->flags & BPF_F_NO_COMMON_LRU) || pinned < def->max_elem)
		return false;
	/* Rounded up by the kernel to as many on each CPU that there could ever be. */
	cpus = libbpf_num_possible_cpus();
	return cpus > 0 && pinned - def->max_elem < (__u32)cpus && pinned % (__u32)cpus == 0;
}

static void describe(char *text, size_t size, __u32 type, __u32 key, __u32 value, __u32 entries, __u32 flags)
{
	const char *name = elfmap_map_type_name(type);
	char number[24];

	snprintf(number, sizeof(number), "type %u", type);
	snprintf(text, size, "%s key %u value %u max_entries %u flags 0x%x", name ? name : number, key, value, entries,
		 flags);
}

/* What the creator of a map may do with its descriptor: no part of the map (kernel/bpf/syscall.c
 * bpf_map_flags_retain_permanent()). */
#define DESCRIPTOR_FLAGS (BPF_F_RDONLY | BPF_F_WRONLY)

/* THERE is "pin" or "running map". */
static int compare(const struct elfmap_map *map, const struct bpf_map_info *info, const char *there,
		   struct elfmap_msg *msg)
{
	const struct bpf_elf_map *def = &map->def;
	__u32 ignored = elfmap_map_kind__of(def->type)->added_flags | DESCRIPTOR_FLAGS;
	char ours[128], theirs[128], fields[64] = "";
	const struct {
		const char *name;
		bool same;
	} checks[] = {
		{"type", def->type == info->type},
		{"key", def->size_key == info->key_size},
		{"value", def->size_value == info->value_size},
		{"max_entries", same_entries(def, info->max_entries)},
		{"flags", (def->flags | ignored) == (info->map_flags | ignored)},
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
		if (!checks[i].same) {
			size_t used = strlen(fields);

			snprintf(fields + used, sizeof(fields) - used, "%s%s", used ? ", " : "", checks[i].name);
		}
	if (!fields[0])
		return 0;
	describe(ours, sizeof(ours), def->type, def->size_key, def->size_value, def->max_elem, def->flags);
	describe(theirs, sizeof(theirs), info->type, info->key_size, info->value_size, info->max_entries,
		 info->map_flags);
	return elfmap_msg__set(msg, -EEXIST, "map '%s': differs from its %s in %s: object %s; %s %s", map->name, there,
			       fields, ours, there, theirs);
}

int elfmap_pin__compare(const struct elfmap_map *map, const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	return compare(map, info, "pin", msg);
}

int elfmap_pin__compare_running(const struct elfmap_map *map, const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	return compare(map, info, "running map", msg);
}

/* ---- may an object use it ------------------------------------------------------------------------------- */

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

void elfmap_pin__hash(const struct elfmap_object *object, const void *bytes, size_t size, char ret_hex[41])
{
	*ret_hex = '\0';
	for (size_t i = 0; i < object->nr_maps && !*ret_hex; i++)
		if (object->maps[i].def.pinning == PIN_OBJECT_NS)
			elfmap_sha1(bytes, size, ret_hex);
}

void elfmap_pin__add_remedy(const char *path, struct elfmap_msg *msg)
{
	struct elfmap_msg what = *msg;

	elfmap_msg__set(msg, 0, "%s; pinned at %s; if nothing uses it any more: elfmap map unpin %s", what.text, path,
			path);
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
