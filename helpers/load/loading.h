/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the verbs that load objects share. */
#ifndef ELFMAP_LOADING_H
#define ELFMAP_LOADING_H

#include "load/load.h"

/* All three steps of lib/load/load.h; the caller keeps or undoes what it gets. PIN_PROGRAMS: at their usual
 * place below tc/progs. */
int load_object(const char *file, const struct elfmap_load_opts *opts, bool pin_programs, struct elfmap_load **ret_load,
		struct elfmap_msg *msg);

/* For struct elfmap_load_opts: a line on stderr. */
void warn_of_object(const char *file, const char *text);

/* The kernel's id of a loaded program; 0: it does not tell. */
__u32 program_id(int fd);

#endif
