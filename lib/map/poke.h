/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Changes single members of a value in place, by a program that is loaded, run once and freed: other bytes of the value
 * are not written, so that what programs count there meanwhile is not lost. An update by a system call replaces the
 * whole value.
 */
#ifndef ELFMAP_POKE_H
#define ELFMAP_POKE_H

#include "map/map.h"

#define ELFMAP_POKE_ANY_CPU (-1)

/* SIZE is 1, 2, 4 or 8, and OFFSET a multiple of it: the store is atomic. */
struct elfmap_poke {
	__u32 offset;
	__u32 size;
	unsigned char bytes[8];
};

/* Can values of this map be changed in place? -EOPNOTSUPP: the message says why not. */
int elfmap_map__check_pokable(const struct elfmap_reader *map, struct elfmap_msg *msg);

/* Stores NR members of the entry KEY, of the value of CPU in a per-CPU map; under the value's spin lock if it has one.
 * -ENOENT: no such entry; -EINVAL: the CPU does not run. */
int elfmap_map__poke(const struct elfmap_reader *map, const void *key, int cpu, const struct elfmap_poke *pokes,
		     size_t nr, struct elfmap_msg *msg);

/* Writes VALUE, of value_size bytes, as the value of CPU in the entry KEY, which is added if it is missing; values of
 * other CPUs are not written. */
int elfmap_map__update_cpu(const struct elfmap_reader *map, const void *key, int cpu, const void *value,
			   struct elfmap_msg *msg);

#endif
