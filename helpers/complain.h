/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one line that a command says on stderr when it fails, and names in it. */
#ifndef ELFMAP_COMPLAIN_H
#define ELFMAP_COMPLAIN_H

#include <stdio.h>

struct elfmap_msg;

#define EXIT_USAGE 2 /* beside EXIT_SUCCESS and EXIT_FAILURE */

/* Prints "elfmap: OBJECT: what and why" on stderr. Always returns EXIT_FAILURE. */
int complain(const char *object, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Until it is called with NULL: the first complaint goes into MSG, and the others nowhere, since a verb that runs
 * another one has one line to say. Notes and warnings are none. */
void complain_to(struct elfmap_msg *msg);

/* Prints a name from outside, with '?' for what a terminal would obey. */
void print_name(FILE *to, const char *name);

#endif
