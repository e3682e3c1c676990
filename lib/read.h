/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between the two files of the stage `read`: maps (read.c) and programs (read_programs.c). */
#ifndef ELFMAP_READ_H
#define ELFMAP_READ_H

#include <bpf/btf.h>

#include "elfmap.h"

/* Adds a line to obj->problems. -ENOMEM or 0: a problem of the object is no failure of reading it. */
int read__problem(struct elfmap_object *obj, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fills obj->progs; obj->maps must be there already. */
int read__programs(struct elfmap_object *obj);

/* Fills the programs' `undefined`. BTF is the object's, or NULL. */
int read__undefined(struct elfmap_object *obj, const struct btf *btf);

#endif
