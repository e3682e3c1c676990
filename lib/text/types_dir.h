/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Types that somebody wrote down for maps that have none. A file below /etc/elfmap/types.d has a line a map:
 *
 *   NAME KEYTYPE VALUETYPE     # a map without keys has `-` for their type
 */
#ifndef ELFMAP_TYPES_DIR_H
#define ELFMAP_TYPES_DIR_H

#include "text/types.h"

/* The types that the files in DIR give the map called NAME, of keys and values with these sizes. 0 and
 * NULL: none does, or there is no such directory. A type of 0 bytes stays NULL. -EINVAL, with file and line in
 * the message: a line for NAME that cannot be right; -ENOTUNIQ: two of them. Other names are not looked at. */
int elfmap_types_dir__find(const char *dir, const char *name, size_t key_size, size_t value_size,
			   struct elfmap_type **ret_key, struct elfmap_type **ret_value, struct elfmap_msg *msg);

#endif
