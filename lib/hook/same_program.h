/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tells a program that runs from a newer one, so that asking for the same thing again changes nothing. */
#ifndef ELFMAP_SAME_PROGRAM_H
#define ELFMAP_SAME_PROGRAM_H

#include "load/load.h"

/* Is program ID the one of PROG_FD, made from the same instructions with the same maps? LOAD is where PROG_FD is from:
 * maps that it does not pin are made anew by each load, and are the same if they are alike. NULL: each must be the
 * very same. */
bool elfmap_program__is_same(__u32 id, int prog_fd, const struct elfmap_load *load);

#endif
