/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the table of hooks and its rows. */
#ifndef ELFMAP_HOOK_ROWS_H
#define ELFMAP_HOOK_ROWS_H

#include "hook/hook.h"

extern const struct elfmap_hook_kind elfmap_hook_tc_filter, elfmap_hook_tcx;

/* What the rows list into, and what all of them need. */
struct elfmap_survey {
	struct elfmap_hooks *hooks; /* those of earlier rows are there already */
	struct elfmap_hook like;    /* namespace and tc_dir of all of them */
	int sock;		    /* netlink */
	struct if_nameindex *devices;
};

/* Adds HOOK. -ENOMEM */
int elfmap_survey__add(struct elfmap_survey *survey, const struct elfmap_hook *hook);
/* The hook that a row begins with: of KIND, on device IFINDEX. */
struct elfmap_hook elfmap_survey__start(const struct elfmap_survey *survey, const struct elfmap_hook_kind *kind,
					int ifindex);

#endif
