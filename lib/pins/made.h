/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notes of pins that elfmap has made in directories which others may use, too: tc/SHA1 of an object's private maps, and
 * tc/progs. A note is the symbolic link tc/elfmap:PATH, where PATH is the pin's path below tc with '/' as %2F, and its
 * text is the id of what was pinned, or 0. Only pins with a note are removed by `elfmap gc`.
 */
#ifndef ELFMAP_MADE_H
#define ELFMAP_MADE_H

#include "elfmap.h"

#define ELFMAP_MADE "elfmap:" /* a link, so that tools that look for pins do not find it */

/* Notes that elfmap makes the pin at PATH, of the map or program with this ID (0: not known yet). Pins elsewhere than
 * in these directories are not noted. A failure is ignored: then the pin stays. */
void elfmap_made__note(const char *path, __u32 id);
/* Is there a note that elfmap has made the pin at PATH, of ID? */
bool elfmap_made__has(const char *tc_dir, const char *path, __u32 id);
void elfmap_made__forget(const char *tc_dir, const char *path);

/* The path of the pin that the note NAME, in tc/, is about. False: NAME is not one of a note. */
bool elfmap_made__pin_path(const char *tc_dir, const char *name, char *ret_path, size_t size);

/* Is NAME, or its part before the first slash, one that tc gives to the directory of an object: 40 hexadecimal digits?
 */
#define ELFMAP_SHA1_DIGITS 40
bool elfmap_made__is_object_dir(const char *name);

#endif
