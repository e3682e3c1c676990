/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The doors themselves: the system's tc or ip, and scripts that call them. */
#ifndef ELFMAP_FRONT_DOOR_H
#define ELFMAP_FRONT_DOOR_H

#include <stddef.h>

/* Where our other files are: beside the command in the build tree, in ../libexec once installed. A
 * negative errno when they are not; RET_PATH is then where they should be, or "" without /proc. */
int find_libexec(char *ret_path, size_t size);

/* Runs the system's NAME ("tc", "ip") with ARGV's words behind its own name. Returns only when that
 * fails, with EXIT_FAILURE after complaining. */
int run_program(const char *name, char **argv);

/* Runs COMMAND[0] (behind a "--", if there is one) with its words, `tc` and `ip` in its PATH being this
 * command. Returns as above. */
int run_script(char **command);

#endif
