/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notes of the file that a program is from: a filter has only the file's base name, and a link or an XDP program has no
 * name at all. The note is a frozen array named "elfmap.file", whose value is the absolute path. It is bound to the
 * program and lives as long as it does (Linux 5.10); all network namespaces and bpf file systems see it.
 */
#ifndef ELFMAP_NOTE_H
#define ELFMAP_NOTE_H

#include <limits.h>
#include <linux/types.h>
#include <stdbool.h>

struct bpf_map_info;

/* Makes a note for FILE, a path that exists. A descriptor, or a negative errno. Programs of one file share it. */
int elfmap_note__make(const char *file);

/* Binds NOTE to program PROG. A note that cannot be bound is left out: it decides nothing alone. */
void elfmap_note__bind(int prog, int note);

/* Is it a note of a file? */
bool elfmap_note__is(const struct bpf_map_info *info);

/* The file of program PROG, a descriptor. -ENOENT: there is no note. */
int elfmap_note__read(int prog, char ret_file[PATH_MAX]);

#endif
