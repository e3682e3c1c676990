/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which running programs belong to an object's file. Filters are named after the file's base name, and two files can
 * share it: 57/lxc.o and 58/lxc.o. Programs belong together by the file that was noted when they were loaded, and to a
 * new file by that path, and by the pinned maps that they use and that the file asks for.
 */
#ifndef ELFMAP_IDENTITY_H
#define ELFMAP_IDENTITY_H

#include "elfmap.h"

/* A running program. PROG and LABEL are set by the caller, the other members by elfmap_identity__choose(). */
struct elfmap_candidate {
	int prog;	   /* a descriptor */
	const char *label; /* for messages: "dev v0 ingress" */
	char *file;	   /* noted; "": unknown */
	bool is_chosen;
};

/* Marks those of CANDIDATES that belong to FILE, which may be gone. -ENOTUNIQ: that is not clear; MSG lists them, and
 * names the words that decide. -ENOENT: none belongs to it. -ENOMEM. elfmap_candidates__free() */
int elfmap_identity__choose(struct elfmap_candidate *candidates, size_t nr, const char *file, const char *tc_dir,
			    struct elfmap_msg *msg);
void elfmap_candidates__free(struct elfmap_candidate *candidates, size_t nr);

#endif
