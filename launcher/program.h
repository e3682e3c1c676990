/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system's own tc or ip: where it is, and whether it needs and can take our help. */
#ifndef ELFMAP_PROGRAM_H
#define ELFMAP_PROGRAM_H

#include <limits.h>

struct program {
	char path[PATH_MAX];
	enum {
		HELP_NONE,	 /* no libbpf, or 0.x: it reads legacy objects itself */
		HELP_PRELOAD,	 /* linked with libbpf.so.1 or later */
		HELP_IMPOSSIBLE, /* libbpf >= 1.0 is inside; no preload reaches it */
	} help;
};

/* Finds NAME in PATH, then in /sbin and /usr/sbin, passing over whatever is this command itself,
 * and looks into the file. -ENOENT when there is none. */
int program__find(const char *name, struct program *ret_program);

#endif
