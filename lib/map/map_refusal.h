/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why the kernel will not have it, in words: the errno alone says least where it matters most. */
#ifndef ELFMAP_MAP_REFUSAL_H
#define ELFMAP_MAP_REFUSAL_H

#include "map.h"

/* The message for ERR, which an update (or a deletion, a look-up) of KEY ended with. Returns ERR. */
int elfmap_refusal__explain(const struct elfmap_reader *map, bool deleting, const void *key, int err,
			    struct elfmap_msg *msg);

/* The message for an opening of the pin, or directory of pins, at PATH that failed with errno ERROR: which permission
 * is missing, and who has it. WRITING: it was to be written. Returns a negative errno. */
int elfmap_refusal__explain_open(const char *path, bool writing, int error, struct elfmap_msg *msg);

#endif
