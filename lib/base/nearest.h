/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The word of which another one is probably a misspelling. */
#ifndef ELFMAP_NEAREST_H
#define ELFMAP_NEAREST_H

#include <stddef.h>

#define ELFMAP_FAR 100
struct elfmap_nearest {
	char word[40]; /* "": not found */
	size_t distance;
};

/* Keeps CANDIDATE, of LENGTH bytes, if it is nearer to WORD than the best one of earlier calls. Initialize the distance
 * with ELFMAP_FAR. */
void elfmap_nearest__try(struct elfmap_nearest *nearest, const char *word, const char *candidate, size_t length);

#endif
