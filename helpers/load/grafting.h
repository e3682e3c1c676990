/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program and the slot of a jump table that it belongs to, as `elfmap graft` and the lines of a pipeline say it. */
#ifndef ELFMAP_GRAFTING_H
#define ELFMAP_GRAFTING_H

#include <limits.h>

#include "helpers/object/prog_types.h"
#include "load/load.h"
#include "map/map.h"

struct grafting {
	/* what was asked for */
	const char *pin; /* as the user named it */
	char path[PATH_MAX];
	const char *slot_word;
	const char *file; /* NULL: the slot is to be empty */
	const char *section;
	const struct prog_type *type; /* NULL: that of the table's programs */
	bool is_locked;		      /* the caller holds the lock on the pins alone */

	/* what is there */
	struct elfmap_reader table;
	enum bpf_prog_type prog_type; /* that the program is loaded as */
	__u32 slot;
	const char *slot_name; /* of the table's type; NULL: it has none */
	int before;	       /* the program in the slot; -1: none */

	/* what was done */
	struct elfmap_load *load;
	bool is_done;
	const char *culprit; /* on failure: PIN or FILE, which the message is about */
};

#define NO_GRAFTING                          \
	{                                    \
		.table.fd = -1, .before = -1 \
	}

/* Opens the table and finds the slot, also by a name that only the object has. */
int grafting__open(struct grafting *grafting, const char *tc_dir, struct elfmap_msg *msg);
/* Loads the program, where nobody sees it yet. */
int grafting__load(struct grafting *grafting, const char *tc_dir, struct elfmap_msg *msg);
/* Puts it into the slot, loading it anew if another command has pinned one of its maps since. */
int grafting__put(struct grafting *grafting, const char *tc_dir, struct elfmap_msg *msg);
int grafting__empty(struct grafting *grafting, struct elfmap_msg *msg);

/* Lets go of everything. KEEP: it stays as it is; else the slot and new pins are taken back. */
void grafting__close(struct grafting *grafting, bool keep);

#endif
