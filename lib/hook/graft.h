/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A program and its slot of a jump table (PROG_ARRAY). */
#ifndef ELFMAP_GRAFT_H
#define ELFMAP_GRAFT_H

#include <limits.h>

#include "load/load.h"
#include "map/map.h"
#include "text/types.h"

/* The request of `graft` and of a line of a pipeline. */
struct elfmap_graft_request {
	const char *pin;  /* of the table, as given by the user */
	const char *path; /* of that pin; NULL: found from PIN */
	const char *slot;
	const char *file; /* NULL: empty the slot */
	const char *section;
	const char *type_name; /* NULL: the type of the table's programs */
	enum bpf_prog_type type;
	bool is_locked; /* the caller holds the exclusive lock on the pins */
	const char *tc_dir;
	void (*warn)(const char *file, const char *text); /* as in struct elfmap_load_opts */
};

struct elfmap_graft {
	struct elfmap_graft_request request;
	char path[PATH_MAX];
	const char *culprit; /* on failure: PIN or FILE, the object of the message */

	/* found */
	struct elfmap_reader table;
	enum bpf_prog_type prog_type; /* the type to load the program as */
	__u32 slot;
	const char *slot_name; /* from the enum of the table's keys; NULL: none */
	int before;	       /* the program in the slot; -1: none */

	/* done */
	struct elfmap_load *load;
	bool is_done;
};

#define ELFMAP_NO_GRAFT                      \
	{                                    \
		.table.fd = -1, .before = -1 \
	}

/* Initialises GRAFT from REQUEST, whose strings must stay valid: opens the table and finds the slot, also by a name
 * that only the object defines. Call elfmap_graft__close() afterwards, also on failure. */
int elfmap_graft__open(const struct elfmap_graft_request *request, struct elfmap_graft *graft, struct elfmap_msg *msg);
/* The same in two steps, for a caller that loads the object itself, as GRAFT->prog_type. Names that only the object
 * defines are not found. */
int elfmap_graft__open_table(const struct elfmap_graft_request *request, struct elfmap_graft *graft,
			     struct elfmap_msg *msg);
int elfmap_graft__find_slot(struct elfmap_graft *graft, struct elfmap_msg *msg);
/* Loads the program without making it visible. */
int elfmap_graft__load(struct elfmap_graft *graft, struct elfmap_msg *msg);
/* Puts it into the slot; loads it again if another command has pinned one of its maps meanwhile. */
int elfmap_graft__put(struct elfmap_graft *graft, struct elfmap_msg *msg);
/* The same with a program that the caller has loaded. */
int elfmap_graft__put_program(struct elfmap_graft *graft, int program, struct elfmap_msg *msg);
int elfmap_graft__empty(struct elfmap_graft *graft, struct elfmap_msg *msg);

/* Releases everything. KEEP: the changes stay; otherwise the slot and new pins are restored. */
void elfmap_graft__close(struct elfmap_graft *graft, bool keep);

/* The slot that WORD means in a table of SLOTS slots: a number, or an enumerator of KEY, written in full or
 * without the part that all of them begin with, in either case: PARSER_IPV4, ipv4. KEY may be NULL, or
 * another type: there are no names then. -ENOENT: no slot has this name (the message lists some);
 * -ERANGE: the table ends before. */
int elfmap_slots__find(const struct elfmap_type *key, const char *word, __u32 slots, __u32 *ret_slot,
		       struct elfmap_msg *msg);

#endif
