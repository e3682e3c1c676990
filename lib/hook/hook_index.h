/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hooks of a network namespace, read once, for a command that looks for many of them. */
#ifndef ELFMAP_HOOK_INDEX_H
#define ELFMAP_HOOK_INDEX_H

#include "hook/hook.h"

struct elfmap_hook_index {
	const struct elfmap_hook_kind *kind; /* of the hooks below; NULL: not read yet */
	struct elfmap_hooks hooks;	     /* sorted by place */
	struct elfmap_hook **by_name;
};

/* As elfmap_hook__find(), but reads all hooks of WANTED's kind on the first call. Hooks without prio and handle are
 * looked up one by one. All calls must be for one network namespace. */
int elfmap_hook_index__find(struct elfmap_hook_index *index, const struct elfmap_hook *wanted,
			    struct elfmap_hook *ret_hook, struct elfmap_msg *msg);

/* Forgets what was read: the next call reads it again. */
void elfmap_hook_index__free(struct elfmap_hook_index *index);

#endif
