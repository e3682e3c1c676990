/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The programs that the launcher executes: the system's tc or ip, scripts that call them, and the command proper. */
#ifndef ELFMAP_FRONT_DOOR_H
#define ELFMAP_FRONT_DOOR_H

/* Runs the system's NAME ("tc", "ip") with ARGV's words behind its own name. Returns only when that
 * fails, with EXIT_FAILURE after complaining. */
int run_program(const char *name, char **argv);

/* Runs COMMAND[0] (behind a "--", if there is one) with its words, `tc` and `ip` in its PATH being this
 * command. Returns as above. */
int run_script(char **command);

/* Runs the command proper with all of ARGV, the name included. Returns as above. */
int run_command(char **argv);

#endif
