/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names of devices that are kept beside a map while a verb writes it (lib/device_names.h). */
#ifndef ELFMAP_MAP_NAMES_H
#define ELFMAP_MAP_NAMES_H

#include "device_names.h"
#include "map_target.h"
#include "map_write.h"

struct name_keeper {
	struct elfmap_device_names names;
	struct elfmap_msg msg;
	int err; /* of the first name that could not be kept */
};

/* Makes JOB, which writes TARGET, keep names if the map has device numbers. */
void name_keeper__begin(struct name_keeper *keeper, const struct target *target, struct elfmap_job *job);

/* Complains if the entries were written but their names could not be kept. */
void name_keeper__end(struct name_keeper *keeper, const struct target *target);

#endif
