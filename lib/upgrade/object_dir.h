/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pins of PIN_OBJECT_NS, tc/HASH/NAME. HASH is that of the file, so that each version has a directory of its own,
 * with pins of the maps that it took over. A version notes the name of its directory, which is removed with the
 * version.
 */
#ifndef ELFMAP_OBJECT_DIR_H
#define ELFMAP_OBJECT_DIR_H

#include "upgrade/running.h"

/* Notes in VERSION, a directory of pins, the directory of LOAD's maps, if it has one. */
int elfmap_object_dir__note_load(const char *version, const struct elfmap_load *load, struct elfmap_msg *msg);
/* Notes what FROM, another version, notes. */
int elfmap_object_dir__copy_note(const char *version, const char *from, struct elfmap_msg *msg);
/* Notes that of the running version: the one noted in CURRENT, which need not exist, or one with pins of running maps,
 * other than that of LOAD (NULL: none). */
int elfmap_object_dir__note_running(const char *version, const char *current, const struct elfmap_running *running,
				    const struct elfmap_load *load, struct elfmap_msg *msg);

/* Removes the directory that VERSION notes: pins of maps that have another pin, or that no program uses. A pin stays if
 * a program uses its map that is not pinned below VERSIONS and not in a slot of a table there. */
void elfmap_object_dir__remove(const char *version, const char *versions, const char *tc_dir);

#endif
