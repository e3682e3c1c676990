/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reading a number: command lines, pipelines and saved files have one reader. */
#ifndef ELFMAP_NUMBER_H
#define ELFMAP_NUMBER_H

#include <linux/types.h>

/* Reads WORD, which must be a number in BASE (0: as C and tc write it, 10, 0x0a or 012) from MIN to MAX, and nothing
 * more. Returns -EINVAL for anything else and -ERANGE for a number outside of the range. */
int elfmap_number__read(const char *word, int base, __u64 min, __u64 max, __u64 *ret_number);

#endif
