// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Beside restored maps: which devices and cgroups the numbers in them mean now. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_restore.h"
#include "kinds/maps.h"
#include "map/cgroup_slots.h"
#include "map/device_names.h"
#include "map/resolve.h"
#include "pins/bpffs.h"

struct noting {
	struct elfmap_device_names names;
	struct elfmap_msg *msg;
};

static int note_entry(void *context, const void *key, const void *value)
{
	struct noting *noting = context;

	return elfmap_device_names__note(&noting->names, key, value, noting->msg);
}

static int note_devices(const struct restored *map, const char *path, struct elfmap_msg *msg)
{
	struct noting noting = {.names.fd = -1, .msg = msg};
	int err;

	err = elfmap_device_names__open(path, &map->map, &noting.names, msg);
	err = err ?: elfmap_reader__each(&map->map, note_entry, &noting, msg);
	elfmap_device_names__close(&noting.names);
	return err;
}

/* The kernel shows no slots, so the text is read once more. */
static int note_cgroups(const struct saved_file *file, const struct restored *map, const char *path,
			struct elfmap_msg *msg)
{
	struct elfmap_resolver *names = NULL;
	struct elfmap_cgroup_slots slots;
	struct saved_entries entries = {};
	__u32 index, cgroup;
	int err;

	err = elfmap_cgroup_slots__open(path, &slots, msg);
	if (err)
		return err;
	err = elfmap_resolver__new(&names, msg);
	err = err ?: saved_entries__begin(&entries, file, map->saved, names, msg);
	while (!err) {
		int more = saved_entries__next(&entries, &map->map.format, &index, &cgroup);

		if (!more)
			break;
		if (more > 0) /* else it has been complained about */
			err = elfmap_cgroup_slots__set(&slots, index, (int)cgroup, msg);
	}
	saved_entries__end(&entries);
	elfmap_resolver__free(names);
	elfmap_cgroup_slots__close(&slots);
	return err;
}

void restore__note(const struct restore *restore)
{
	for (size_t i = 0; i < restore->file.nr_maps; i++) {
		const struct restored *map = &restore->maps[i];
		struct elfmap_msg msg;
		char path[PATH_MAX];
		int err;

		if (!map->saved->nr_pins)
			continue;
		err = elfmap_bpffs__pin_path(map->saved->pins->word, path, sizeof(path), &msg);
		if (!err && elfmap_map_kind__of(map->map.info.type)->value == ELFMAP_VALUE_CGROUP &&
		    map->saved->entries_size)
			err = note_cgroups(&restore->file, map, path, &msg);
		else if (!err && elfmap_map__has_devices(&map->map))
			err = note_devices(map, path, &msg);
		if (err)
			complain(map->saved->label, "restored, but what its numbers mean cannot be noted: %s",
				 msg.text);
	}
}
