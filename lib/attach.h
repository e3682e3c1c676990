/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * attach: a loaded program at a hook of a device, so that asking for the same thing again changes
 * nothing, and a newer program takes the place of the older without a packet in between.
 *
 * A hook is device, direction, chain, priority and handle. Where priority and handle are left open the
 * filter is the one with the same name.
 */
#ifndef ELFMAP_ATTACH_H
#define ELFMAP_ATTACH_H

#include "filter.h"

enum elfmap_attach_result {
	ELFMAP_ATTACHED,  /* where nothing was */
	ELFMAP_REPLACED,  /* in place of an older one */
	ELFMAP_UNCHANGED, /* this very program with these very maps was there */
};

struct elfmap_attach {
	enum elfmap_attach_result result;
	struct elfmap_filter filter; /* as it is now */
	bool made_clsact;
};

/* Attaches PROG_FD as FILTER says (its name is given, prio and handle may be 0), with a clsact if there
 * is none. On failure nothing has changed. */
int elfmap_attach__filter(const struct elfmap_filter *filter, int prog_fd, struct elfmap_attach *ret_attach,
			  struct elfmap_msg *msg);

/* Finds the one filter that WANTED means. -ENOENT: none (*RET_FOUND is untouched), -ENOTUNIQ: several,
 * which the message names, -EEXIST: the place is another kind's. */
int elfmap_attach__find(int sock, const struct elfmap_filter *wanted, struct elfmap_filter *ret_found,
			struct elfmap_msg *msg);

/* Takes the filter away that WANTED means. */
int elfmap_attach__detach(const struct elfmap_filter *wanted, struct elfmap_filter *ret_gone, struct elfmap_msg *msg);

/* Is program ID, which is attached, the one of PROG_FD, made from the same instructions with the same
 * maps? Maps that nobody has pinned are made anew by each load: they are the same if they are alike. */
bool elfmap_attach__is_same(__u32 id, int prog_fd);

/* The same for a tcx link, which is pinned at LINK_PATH so that it outlives us. */
int elfmap_attach__tcx(int ifindex, bool egress, int prog_fd, const char *link_path,
		       enum elfmap_attach_result *ret_result, struct elfmap_msg *msg);
int elfmap_attach__detach_tcx(const char *link_path, struct elfmap_msg *msg);

#endif
