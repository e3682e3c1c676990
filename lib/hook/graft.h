/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program and the slot of a jump table (PROG_ARRAY) that it belongs to. */
#ifndef ELFMAP_GRAFT_H
#define ELFMAP_GRAFT_H

#include <limits.h>

#include "load/load.h"
#include "map/map.h"

/* What `graft` and the lines of a pipeline ask for. */
struct elfmap_graft_request {
	const char *pin;  /* of the table, as the user named it */
	const char *path; /* of that pin; NULL: what PIN means */
	const char *slot;
	const char *file; /* NULL: the slot is to be empty */
	const char *section;
	const char *type_name; /* NULL: that of the table's programs */
	enum bpf_prog_type type;
	bool is_locked; /* the caller holds the lock on the pins alone */
	const char *tc_dir;
	void (*warn)(const char *file, const char *text); /* as in struct elfmap_load_opts */
};

struct elfmap_graft {
	struct elfmap_graft_request request;
	char path[PATH_MAX];
	const char *culprit; /* on failure: PIN or FILE, which the message is about */

	/* what is there */
	struct elfmap_reader table;
	enum bpf_prog_type prog_type; /* that the program is loaded as */
	__u32 slot;
	const char *slot_name; /* of the table's type; NULL: it has none */
	int before;	       /* the program in the slot; -1: none */

	/* what was done */
	struct elfmap_load *load;
	bool is_done;
};

#define ELFMAP_NO_GRAFT                      \
	{                                    \
		.table.fd = -1, .before = -1 \
	}

/* Makes GRAFT what REQUEST, whose strings must stay, asks for: opens the table and finds the slot, also by a name that
 * only the object has. elfmap_graft__close() follows, also on failure. */
int elfmap_graft__open(const struct elfmap_graft_request *request, struct elfmap_graft *graft, struct elfmap_msg *msg);
/* Loads the program, where nobody sees it yet. */
int elfmap_graft__load(struct elfmap_graft *graft, struct elfmap_msg *msg);
/* Puts it into the slot, loading it anew if another command has pinned one of its maps since. */
int elfmap_graft__put(struct elfmap_graft *graft, struct elfmap_msg *msg);
int elfmap_graft__empty(struct elfmap_graft *graft, struct elfmap_msg *msg);

/* Lets go of everything. KEEP: it stays as it is; else the slot and new pins are taken back. */
void elfmap_graft__close(struct elfmap_graft *graft, bool keep);

#endif
