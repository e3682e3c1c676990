/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Generations that nobody goes back to. The kernel empties a PROG_ARRAY with its last pin, whoever jumps through it
 * at that moment: the filters of another network namespace, which nobody sees from here, may be some versions
 * behind. So a generation's tables stay pinned, below a directory for all namespaces, until no program uses them.
 */
#ifndef ELFMAP_RETIRED_H
#define ELFMAP_RETIRED_H

#include "upgrade/generation.h"

struct elfmap_kept {
	size_t nr;		     /* generations that stay */
	__u32 prog;		     /* one of the programs that use them */
	char name[BPF_OBJ_NAME_LEN]; /* its name */
};

/* Moves the generation pinned at DIR, if there is one, below RETIRED, and lets go of its programs. */
int elfmap_generation__retire(const char *dir, const char *retired, struct elfmap_msg *msg);

/* Removes what is below RETIRED and not used any more, or has another pin below TC_DIR. To be called with the
 * lock, and after elfmap_generation__wait(). Waits for some moments for programs to go. */
void elfmap_retired__sweep(const char *retired, const char *tc_dir, struct elfmap_kept *ret_kept);

/* Does a program use maps of GEN, which has no programs? USED says which, KEPT one of the programs. Stages that are
 * there by a slot of GEN's tables do not count, while the table is not used. Waits for some moments for programs to go.
 */
bool elfmap_generation__find_used(const struct elfmap_generation *gen, bool *used, struct elfmap_kept *kept);

/* Returns when every packet that had entered a program has left it. */
void elfmap_generation__wait(void);

#endif
