/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The content of a map into another of the same key and value, which may have more or fewer entries. */
#ifndef ELFMAP_MAP_COPY_H
#define ELFMAP_MAP_COPY_H

#include "map/map.h"

/* Copies all entries of FROM into TO, which is empty. -E2BIG: they do not fit (of an array: one beyond
 * the end of TO is not zero). */
int elfmap_map__copy(const struct elfmap_reader *from, const struct elfmap_reader *to, struct elfmap_msg *msg);

#endif
