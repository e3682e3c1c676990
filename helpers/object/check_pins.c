// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pins that a load would take its maps from. They are opened read only, looked at and closed. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/object/check.h"
#include "map/map.h"
#include "pins/pin_take.h"

static int conclude(struct check_map *map, enum pin_state state, const char *why)
{
	map->pin = state;
	map->pin_why = why ? strdup(why) : NULL;
	return why && !map->pin_why ? -ENOMEM : 0;
}

/* The type of the programs that would share the PROG_ARRAY. */
static enum bpf_prog_type find_user(const struct check *check)
{
	for (size_t i = 0; i < check->nr_progs; i++)
		if (check->progs[i].is_chosen)
			return check->progs[i].type;
	return BPF_PROG_TYPE_UNSPEC;
}

static int compare(const struct check *check, struct check_map *map, int fd)
{
	const struct elfmap_pin_user user = {.type = find_user(check), .words = "what uses it here"};
	struct bpf_map_info info;
	struct elfmap_msg msg;

	if (elfmap_pin__take(&map->of->map, map->of->pin_path, fd, &user, 1, &info, &msg))
		return conclude(map, PIN_DIFFERENT, msg.text);
	return conclude(map, PIN_EQUAL, NULL);
}

static int look_at(const struct check *check, struct check_map *map)
{
	const char *path = map->of->pin_path;
	struct bpf_map_info info;
	struct elfmap_msg msg;
	char why[LINE_SIZE];
	int err, fd;

	if (!path)
		return 0;
	if (access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return conclude(map, PIN_ABSENT, NULL);
	err = elfmap_map__open(path, &fd, &info, &msg);
	if (err) {
		snprintf(why, sizeof(why), "map '%s': %s: %s", map->of->map.name, path, msg.text);
		return conclude(map, err == -EMEDIUMTYPE ? PIN_DIFFERENT : PIN_UNKNOWN, why);
	}
	err = compare(check, map, fd);
	close(fd);
	return err;
}

int check__pins(struct check *check)
{
	int err = 0;

	for (size_t i = 0; !err && i < check->nr_maps; i++)
		err = check->maps[i].of->unpinned_why
			      ? lines__add(&check->warnings, "%s", check->maps[i].of->unpinned_why)
			      : look_at(check, &check->maps[i]);
	return err;
}

int check__borrow_inner(const struct check_map *map)
{
	unsigned char key[256];
	struct bpf_map_info info;
	struct elfmap_msg msg;
	int outer, inner = -1;
	__u32 id;

	if (map->pin != PIN_EQUAL || map->of->map.def.size_key > sizeof(key) ||
	    elfmap_map__open(map->of->pin_path, &outer, &info, &msg))
		return -1;
	for (int err = bpf_map_get_next_key(outer, NULL, key); !err && inner < 0;
	     err = bpf_map_get_next_key(outer, key, key))
		if (!bpf_map_lookup_elem(outer, key, &id))
			inner = bpf_map_get_fd_by_id(id);
	close(outer);
	return inner;
}
