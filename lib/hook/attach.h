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

#include "hook/filter.h"
#include "load/load.h"

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

/* Attaches PROG_FD, from LOAD (NULL: from a pin), as FILTER says (its name is given, prio and handle may be 0), with a
 * clsact if there is none. On failure nothing has changed. */
int elfmap_attach__filter(const struct elfmap_filter *filter, int prog_fd, const struct elfmap_load *load,
			  struct elfmap_attach *ret_attach, struct elfmap_msg *msg);

/* Finds the one filter that WANTED means. -ENOENT: none (*RET_FOUND is untouched), -ENOTUNIQ: several,
 * which the message names, -EEXIST: the place is another kind's. */
int elfmap_attach__find(int sock, const struct elfmap_filter *wanted, struct elfmap_filter *ret_found,
			struct elfmap_msg *msg);

/* Takes the filter away that WANTED means. */
int elfmap_attach__detach(const struct elfmap_filter *wanted, struct elfmap_filter *ret_gone, struct elfmap_msg *msg);

/* Is program ID, which is attached, the one of PROG_FD, made from the same instructions with the same
 * maps? LOAD is where PROG_FD is from: maps that it does not pin are made anew by each load, and are the
 * same if they are alike. NULL: each must be the very same. */
bool elfmap_attach__is_same(__u32 id, int prog_fd, const struct elfmap_load *load);

/* ---- tcx links (attach_tcx.c): where the kernel has them, instead of a filter ------------------------------- */

/* Where the link of a filter's NAME is pinned: TC_DIR/links/NETNS/DEV/DIRECTION/NAME, with '.' and '/'
 * written as %2E and %2F. NETNS is the inode of this network namespace. */
int elfmap_link__path(const char *tc_dir, const char *dev, const struct elfmap_filter *filter, char *ret_path,
		      size_t size, struct elfmap_msg *msg);
int elfmap_links__dir(const char *tc_dir, char *ret_path, size_t size, struct elfmap_msg *msg);
/* What is pinned at PATH, which is in the directory that elfmap_links__dir() gives: ifindex (0: the device
 * has gone), direction, name and program. -EINVAL: no link of ours. */
int elfmap_link__read(const char *path, struct elfmap_filter *ret_filter);

/* Attaches PROG_FD by a link pinned at PATH, or gives it to the link that is pinned there. */
int elfmap_attach__tcx(int ifindex, bool egress, int prog_fd, const struct elfmap_load *load, const char *path,
		       enum elfmap_attach_result *ret_result, struct elfmap_msg *msg);
int elfmap_attach__detach_tcx(const char *path, struct elfmap_msg *msg);

#endif
