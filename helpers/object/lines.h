/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef ELFMAP_LINES_H
#define ELFMAP_LINES_H

#include <stddef.h>

#define LINE_SIZE 1024

struct lines {
	char **text;
	size_t nr;
};

/* Appends a line, made fit for a terminal: what does not print becomes '?'. -ENOMEM */
int lines__add(struct lines *lines, const char *format, ...) __attribute__((format(printf, 2, 3)));
void lines__free(struct lines *lines);

#endif
