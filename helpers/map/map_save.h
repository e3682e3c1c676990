/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the parts of `elfmap map save` share. */
#ifndef ELFMAP_MAP_SAVE_H
#define ELFMAP_MAP_SAVE_H

#include "text/values.h"

/* Prints the slots of the CGROUP_ARRAY pinned as WORD, `INDEX /path`, those whose cgroup is known and
 * there. *RET_UNKNOWN: how many may be set, but nobody noted what with. */
int map_save_cgroups(const char *word, struct elfmap_resolver *names, size_t *ret_unknown, struct elfmap_msg *msg);

#endif
