/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs that are spelled `obj FILE sec SECTION`: loaded once each, for a slot that is written afterwards. */
#ifndef ELFMAP_RESOLVE_PROGRAM_H
#define ELFMAP_RESOLVE_PROGRAM_H

#include <limits.h>

#include "load/load.h"

struct loaded_programs {
	struct loaded_program *all;
	size_t nr;
	bool is_kept;		   /* what came with them stays, once they are closed */
	enum bpf_prog_type type;   /* of the table that they are for; BPF_PROG_TYPE_UNSPEC: no matter */
	char graft_into[PATH_MAX]; /* where it is pinned; "": nowhere */
	void (*warn)(const char *file, const char *text);
};

/* The descriptor, which is closed with the rest, of the program in SECTION of FILE: loaded, and with the maps
 * that it needs pinned, as its object wants them. */
int loaded_programs__find(struct loaded_programs *programs, const char *file, const char *section, int *ret_fd,
			  struct elfmap_msg *msg);
/* Takes the pins away again unless they are to be kept. */
void loaded_programs__close(struct loaded_programs *programs);

#endif
