/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the files of the launcher. */
#ifndef ELFMAP_LAUNCHER_H
#define ELFMAP_LAUNCHER_H

/* Prints "elfmap: OBJECT: what and why" on stderr. Always returns EXIT_FAILURE. */
int complain(const char *object, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Where PROGRAM ("tc", "ip") with the words ARGV would lose its pins, sets the environment from which the preload tells
 * it the right bpf file system. EXIT_FAILURE after complaining. */
int tc_bpffs__prepare(const char *program, char **argv);

#endif
