/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one line that a command says on stderr when it fails, and names in it. */
#ifndef ELFMAP_COMPLAIN_H
#define ELFMAP_COMPLAIN_H

#include <stdio.h>

#define EXIT_USAGE 2 /* beside EXIT_SUCCESS and EXIT_FAILURE */

/* Prints "elfmap: OBJECT: what and why" on stderr. Always returns EXIT_FAILURE. */
int complain(const char *object, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a name from outside, with '?' for what a terminal would obey. */
void print_name(FILE *to, const char *name);

#endif
