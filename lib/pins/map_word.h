/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps that are named by their id or name in the kernel instead of a pin: "id N" and "name NAME". */
#ifndef ELFMAP_MAP_WORD_H
#define ELFMAP_MAP_WORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/msg.h"

/* Is WORD "id N" or "name NAME"? */
bool elfmap_map_word__is(const char *word);
/* Writes the path of a pin of that map, or "id N" if it has none. -ENOENT: no such map; -ENOTUNIQ: several maps have
 * this name. */
int elfmap_map_word__resolve(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg);
/* Opens the map of "id N" with FLAGS of a descriptor: a descriptor, or a negative errno. */
int elfmap_map_word__open(const char *word, unsigned int flags);

#endif
