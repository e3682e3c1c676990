// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keeps the names of devices whose numbers a verb writes into a map, for `elfmap map check`, and the ids of cgroups
 * that it puts into slots, for `elfmap cgroup show`. */
#include <string.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/name_keeper.h"

static void keep(void *notes, const void *key, const void *value)
{
	struct elfmap_name_keeper *keeper = notes;

	if (!keeper->err)
		keeper->err = elfmap_device_names__note(&keeper->names, key, value, &keeper->msg);
}

static void note_cgroup(void *notes, const void *key, const void *value)
{
	struct elfmap_name_keeper *keeper = notes;
	int cgroup = -1;
	__u32 slot;

	memcpy(&slot, key, sizeof(slot));
	if (value)
		memcpy(&cgroup, value, sizeof(cgroup));
	if (!keeper->err)
		keeper->err = elfmap_cgroup_slots__note(&keeper->slots, slot, cgroup, &keeper->msg);
}

static void begin_cgroups(struct elfmap_name_keeper *keeper, const char *path, struct elfmap_job *job)
{
	keeper->err = elfmap_cgroup_slots__open(path, &keeper->slots, &keeper->msg);
	if (keeper->err)
		return;
	job->wrote = note_cgroup;
	job->notes = keeper;
}

static bool has_cgroups(const struct elfmap_reader *map)
{
	return elfmap_map_kind__of(map->info.type)->value == ELFMAP_VALUE_CGROUP;
}

void elfmap_name_keeper__begin(struct elfmap_name_keeper *keeper, const char *path, struct elfmap_job *job)
{
	*keeper = (struct elfmap_name_keeper){.names.fd = -1, .slots = {.map = -1, .notes = -1, .probe = -1}};
	if (has_cgroups(job->map)) {
		begin_cgroups(keeper, path, job);
		return;
	}
	if (!elfmap_map__has_devices(job->map))
		return;
	keeper->err = elfmap_device_names__open(path, job->map, &keeper->names, &keeper->msg);
	if (keeper->err)
		return;
	job->wrote = keep;
	job->notes = keeper;
}

int elfmap_name_keeper__end(struct elfmap_name_keeper *keeper, const struct elfmap_job *job, struct elfmap_msg *msg)
{
	bool are_cgroups = has_cgroups(job->map);

	elfmap_device_names__close(&keeper->names);
	elfmap_cgroup_slots__close(&keeper->slots);
	if (!keeper->err)
		return 0;
	return elfmap_msg__set(msg, keeper->err, "written, but '%s' will not know the %s: %s",
			       are_cgroups ? "cgroup show" : "map check", are_cgroups ? "cgroups" : "devices",
			       keeper->msg.text);
}
