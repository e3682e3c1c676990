// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keeps the names of devices whose numbers a verb writes into a map, for `elfmap map check`. */
#include "map_names.h"
#include "command.h"

static void keep(void *notes, const void *key, const void *value)
{
	struct name_keeper *keeper = notes;

	if (!keeper->err)
		keeper->err = elfmap_device_names__note(&keeper->names, key, value, &keeper->msg);
}

void name_keeper__begin(struct name_keeper *keeper, const struct target *target, struct elfmap_job *job)
{
	*keeper = (struct name_keeper){.names.fd = -1};
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
		complain(target->pin, "written, but 'map check' will not know the devices: %s", keeper->msg.text);
	elfmap_device_names__close(&keeper->names);
}
