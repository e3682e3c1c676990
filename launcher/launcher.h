/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The command `elfmap` as it is started: a program of a few pages that runs the system's tc or ip
 * itself and leaves every other verb to libexec/elfmap/elfmap-verbs. Starting is most of what a tc
 * costs, so this one has no library but libc, and a libc that starts at once (musl, where there is).
 */
#ifndef ELFMAP_LAUNCHER_H
#define ELFMAP_LAUNCHER_H

#include <stddef.h>

#define EXIT_USAGE 2 /* beside EXIT_SUCCESS and EXIT_FAILURE */

/* Prints "elfmap: OBJECT: what and why" on stderr. Always returns EXIT_FAILURE. */
int complain(const char *object, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where our other files are: beside the command in the build tree, in ../libexec once installed.
 * EXIT_FAILURE after complaining. */
int find_libexec(char *path, size_t size);

/* Runs the system's NAME ("tc", "ip") with ARGV's words behind its own name. Returns only when that
 * fails, with EXIT_FAILURE after complaining. */
int run_program(const char *name, char **argv);

/* Runs ARGV[1] with its words, `tc` and `ip` in its PATH being this command. Returns as above, or
 * EXIT_USAGE. */
int run_script(char **argv);

#endif
