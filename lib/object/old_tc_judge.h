/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between the files of old_tc, what has been found so far:
 *
 *   old_tc.c        definitions, the tables around the code
 *   old_tc_code.c   the code
 *   old_tc_judge.c  what they have to say
 */
#ifndef ELFMAP_OLD_TC_JUDGE_H
#define ELFMAP_OLD_TC_JUDGE_H

#include "object/internal.h"
#include "object/old_tc.h"

#define JUDGE_MAX_LINES 32 /* of each kind; a hostile object has as many as it likes */

struct judge {
	const struct elfmap_object *obj;
	const struct elfmap_elf *elf;
	bool has_btf; /* tc's way of handing over BTF would work with this one */
	struct elfmap_old_tc verdict;
	struct told { /* what the code of a section was refused for, once each */
		size_t section;
		size_t target; /* section of what it refers to */
		const char *name;
	} told[JUDGE_MAX_LINES];
	size_t nr_told;
	int err;
};

/* Why not, and what will differ. Past a few dozen lines nothing more is kept. */
void judge__reason(struct judge *judge, const char *format, ...) __attribute__((format(printf, 2, 3)));
void judge__warn(struct judge *judge, const char *format, ...) __attribute__((format(printf, 2, 3)));

void judge__called(struct judge *judge);		  /* `.text`, which is called */
void judge__section(struct judge *judge, size_t section); /* a program, as tc would hand it to the kernel */

#endif
