/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one line that a command says on stderr when it fails, and names in it. */
#ifndef ELFMAP_COMPLAIN_H
#define ELFMAP_COMPLAIN_H

#include <stddef.h>
#include <stdio.h>

#define EXIT_USAGE 2 /* beside EXIT_SUCCESS and EXIT_FAILURE */

/* Prints "elfmap: OBJECT: what and why" on stderr. Always returns EXIT_FAILURE. */
int complain(const char *object, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a complete text: a callback of the library. */
void warn_of_object(const char *object, const char *text);

/* A complaint is `object: what: why; command that fixes it`, where what and command may be missing: "line 3: no such
 * device; 'ip link' lists them". Commands stand in quotes, and so do names that may have such signs in them. */
struct complaint {
	struct complaint_part {
		const char *text;
		size_t length; /* 0: it is missing */
	} object, what, why, command;
};

/* The first complaint of this process; notes and warnings do not count. Parts are missing if there was none. */
void complain__first(struct complaint *ret_complaint);
/* The parts of TEXT, which is a complaint without its object. */
void complaint__split(const char *text, struct complaint *ret_complaint);

/* Prints a name from outside, with '?' for what a terminal would obey. */
void print_name(FILE *to, const char *name);

#endif
