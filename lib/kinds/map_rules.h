/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What each kind of map is like, and what the kernel asks of it, in words: it says no more than "Invalid
 * argument" itself. */
#ifndef ELFMAP_MAP_RULES_H
#define ELFMAP_MAP_RULES_H

#include "elfmap.h"

/* The first rule of its kind that DEF breaks ("needs flag 0x1, BPF_F_NO_PREALLOC"); NULL: none that
 * is known here. The rules are those of every kernel; a kernel may have more. */
const char *elfmap_map__fault(const struct bpf_elf_map *def);

bool elfmap_map__is_map_in_map(__u32 type);
bool elfmap_map__is_per_cpu(__u32 type);
bool elfmap_map__has_indexes(__u32 type); /* slots 0 to max_entries - 1 */

/* Kinds that are only made with the types of their keys and values (BTF). */
bool elfmap_map__needs_btf(__u32 type);

#endif
