/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Error messages of the command: one line on stderr. */
#ifndef ELFMAP_COMPLAIN_H
#define ELFMAP_COMPLAIN_H

#include <stddef.h>
#include <stdio.h>

#define EXIT_USAGE 2 /* wrong usage; EXIT_SUCCESS is 0, EXIT_FAILURE 1 */

/* Prints "elfmap: OBJECT: what and why" on stderr. Always returns EXIT_FAILURE. */
int complain(const char *object, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a complete text: a callback of the library. */
void warn_of_object(const char *object, const char *text);

/* A complaint is `object: what: why; command that fixes it`; what and command are optional: "v0: no such device; 'ip
 * link' lists them". Commands are quoted, and so are names that may contain ": " or "; ". */
struct complaint {
	struct complaint_part {
		const char *text;
		size_t length; /* 0: missing */
	} object, what, why, command;
};

/* The first complaint of this process, other than notes and warnings. All parts are missing if there was none. */
void complain__first(struct complaint *ret_complaint);
/* Splits TEXT, a complaint without its object. */
void complaint__split(const char *text, struct complaint *ret_complaint);

/* Prints a name as elfmap_text__clean() makes it. */
void print_name(FILE *to, const char *name);

#endif
