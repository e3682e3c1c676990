/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notes of the start values of global data. Programs change `.data`: an upgrade can only tell which variables were
 * changed, and `attach` whether the same object is attached, if the start values are known. The note is a frozen array
 * named "elfmap.start" with one value, which is bound to the programs and lives as long as they do (Linux 5.10).
 *
 * Other start values are known: those of `.bss` are zeros, and constants do not change unless `set` changed them.
 */
#ifndef ELFMAP_START_H
#define ELFMAP_START_H

#include <bpf/libbpf.h>

#include "elfmap.h"

/* The section of libbpf's map for global data, ".data"; NULL: it is another map. */
const char *elfmap_start__section(const struct bpf_map *map);

struct elfmap_start_section {
	const char *name;
	size_t size;
	const unsigned char *start;	/* of the object */
	const unsigned char *requested; /* the same with the values that the request sets; of constants: the values */
};

/* Makes the note for those of SECTIONS that need one: `.data`, and constants that were set. -ENODATA: none does. */
int elfmap_start__make(const struct elfmap_start_section *sections, size_t nr, int *ret_fd);
/* Binds note FD to program PROG. Kernels without such bindings have no notes. */
int elfmap_start__bind(int prog, int fd);

/* Is it a note? */
bool elfmap_start__is(const struct bpf_map_info *info);
/* Reads the start values of SECTION from the note with this id. -ENOENT: it has none, or of another size. */
int elfmap_start__read(__u32 id, const char *section, unsigned char *ret_start, size_t size);

#endif
