/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Why the kernel will not have it, in words: the errno alone says least where it matters most. */
#ifndef ELFMAP_MAP_REFUSAL_H
#define ELFMAP_MAP_REFUSAL_H

#include "map/map.h"

/* The message for ERR, which an update (or a deletion, a look-up) of KEY ended with. Returns ERR. */
int elfmap_refusal__explain(const struct elfmap_reader *map, bool deleting, const void *key, int err,
			    struct elfmap_msg *msg);

#endif
