/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the table of hooks and the files of its rows. */
#ifndef ELFMAP_HOOK_ROWS_H
#define ELFMAP_HOOK_ROWS_H

#include "hook/hook.h"

extern const struct elfmap_hook_kind elfmap_hook_xdp, elfmap_hook_tc_filter, elfmap_hook_tcx;

/* The state of a listing, shared by all rows. */
struct elfmap_survey {
	struct elfmap_hooks *hooks; /* of this row and earlier ones */
	struct elfmap_hook like;    /* has namespace and tc_dir */
	int sock;		    /* netlink */
	struct if_nameindex *devices;
};

/* Adds HOOK. -ENOMEM */
int elfmap_survey__add(struct elfmap_survey *survey, const struct elfmap_hook *hook);
/* Returns a hook of KIND on device IFINDEX, to be completed by the row. */
struct elfmap_hook elfmap_survey__start(const struct elfmap_survey *survey, const struct elfmap_hook_kind *kind,
					int ifindex);
/* Sets the name of HOOK to that of its program in the notes, or to "". */
void elfmap_hook__name_program(struct elfmap_hook *hook);

#endif
