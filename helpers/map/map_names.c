// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keeps the names of devices whose numbers a verb writes into a map, for `elfmap map check`, and the ids of cgroups
 * that it puts into slots, for `elfmap cgroup show`. */
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_names.h"
#include "kinds/maps.h"

static void keep(void *notes, const void *key, const void *value)
{
	struct name_keeper *keeper = notes;

	if (!keeper->err)
		keeper->err = elfmap_device_names__note(&keeper->names, key, value, &keeper->msg);
}

static void note_cgroup(void *notes, const void *key, const void *value)
{
	struct name_keeper *keeper = notes;
	int cgroup = -1;
	__u32 slot;

	memcpy(&slot, key, sizeof(slot));
	if (value)
		memcpy(&cgroup, value, sizeof(cgroup));
	if (!keeper->err)
		keeper->err = elfmap_cgroup_slots__note(&keeper->slots, slot, cgroup, &keeper->msg);
}

static void begin_cgroups(struct name_keeper *keeper, const struct target *target, struct elfmap_job *job)
{
	keeper->err = elfmap_cgroup_slots__open(target->path, &keeper->slots, &keeper->msg);
	if (keeper->err)
		return;
	job->wrote = note_cgroup;
	job->notes = keeper;
}

static bool has_cgroups(const struct target *target)
{
	return elfmap_map_kind__of(target->map.info.type)->value == ELFMAP_VALUE_CGROUP;
}

void name_keeper__begin(struct name_keeper *keeper, const struct target *target, struct elfmap_job *job)
{
	*keeper = (struct name_keeper){.names.fd = -1, .slots = {.map = -1, .notes = -1, .probe = -1}};
	if (has_cgroups(target)) {
		begin_cgroups(keeper, target, job);
		return;
	}
	if (!elfmap_map__has_devices(&target->map))
		return;
	keeper->err = elfmap_device_names__open(target->path, &target->map, &keeper->names, &keeper->msg);
	if (keeper->err)
		return;
	job->wrote = keep;
	job->notes = keeper;
}

void name_keeper__end(struct name_keeper *keeper, const struct target *target)
{
	if (keeper->err)
		complain(target->pin, "written, but '%s' will not know the %s: %s",
			 has_cgroups(target) ? "cgroup show" : "map check", has_cgroups(target) ? "cgroups" : "devices",
			 keeper->msg.text);
	elfmap_device_names__close(&keeper->names);
	elfmap_cgroup_slots__close(&keeper->slots);
}
