/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The bpf file system that a tc started by us pins in. */
#ifndef ELFMAP_TC_BPFFS_H
#define ELFMAP_TC_BPFFS_H

/* Decides for PROGRAM ("tc", "ip") with its own words ARGV and, where tc would lose the pins, leaves
 * in the environment what the preload tells it instead. EXIT_FAILURE after complaining. */
int tc_bpffs__prepare(const char *program, char **argv);

#endif
