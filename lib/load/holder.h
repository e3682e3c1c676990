/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Keeps programs loaded without a descriptor for each: in the slots of PROG_ARRAYs, one for each kind of program that
 * the kernel accepts in the same table. A command that replaces thousands of programs can put them back.
 */
#ifndef ELFMAP_HOLDER_H
#define ELFMAP_HOLDER_H

#include <linux/types.h>
#include <stddef.h>

struct elfmap_holder {
	struct elfmap_held {
		int fd;		 /* of a PROG_ARRAY, or of a program that no PROG_ARRAY accepts */
		__u32 slots, nr; /* all, and those in use */
		__u32 single;	 /* the program's id if FD is a program */
	} * at;
	size_t nr;
	__u32 *ids; /* of the held programs, sorted */
	size_t nr_ids;
};

/* Keeps program ID loaded until elfmap_holder__free(); 0: nothing to keep. -ENOENT: it is gone. */
int elfmap_holder__hold(struct elfmap_holder *holder, __u32 id);
void elfmap_holder__free(struct elfmap_holder *holder);

#endif
