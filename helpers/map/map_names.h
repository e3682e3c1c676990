/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is kept beside a map while a verb writes it: names of devices (lib/map/device_names.h), and which cgroup is in
 * which slot (lib/map/cgroup_slots.h). */
#ifndef ELFMAP_MAP_NAMES_H
#define ELFMAP_MAP_NAMES_H

#include "helpers/map/map_target.h"
#include "map/cgroup_slots.h"
#include "map/device_names.h"
#include "map/map_write.h"

struct name_keeper {
	struct elfmap_device_names names;
	struct elfmap_cgroup_slots slots;
	struct elfmap_msg msg;
	int err; /* of the first name that could not be kept */
};

/* Makes JOB, which writes TARGET, keep names if the map has device numbers, or notes if it has slots for cgroups. */
void name_keeper__begin(struct name_keeper *keeper, const struct target *target, struct elfmap_job *job);

/* Complains if the entries were written but what belongs beside them could not be kept. */
void name_keeper__end(struct name_keeper *keeper, const struct target *target);

#endif
