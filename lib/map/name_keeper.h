/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is kept beside a map while a verb writes it: names of devices (lib/map/device_names.h), and which cgroup is in
 * which slot (lib/map/cgroup_slots.h). */
#ifndef ELFMAP_NAME_KEEPER_H
#define ELFMAP_NAME_KEEPER_H

#include "map/cgroup_slots.h"
#include "map/device_names.h"
#include "map/map_write.h"

struct elfmap_name_keeper {
	struct elfmap_device_names names;
	struct elfmap_cgroup_slots slots;
	struct elfmap_msg msg;
	int err; /* of the first name that could not be kept */
};

/* Makes JOB, which writes the map pinned at PATH, keep names if the map has device numbers, or notes if it has slots
 * for cgroups. */
void elfmap_name_keeper__begin(struct elfmap_name_keeper *keeper, const char *path, struct elfmap_job *job);

/* A negative errno if the entries were written but what belongs to them could not be kept. */
int elfmap_name_keeper__end(struct elfmap_name_keeper *keeper, const struct elfmap_job *job, struct elfmap_msg *msg);

#endif
