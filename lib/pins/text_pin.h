/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A text in the bpf file system, as the only value of a frozen, pinned array: it ends with the pins that it is about.
 */
#ifndef ELFMAP_TEXT_PIN_H
#define ELFMAP_TEXT_PIN_H

#include "elfmap.h"

/* Pins TEXT at PATH, in place of an earlier one, in one step. Makes the directories that are missing. */
int elfmap_text_pin__write(const char *path, const char *text, struct elfmap_msg *msg);

/* Reads it; free() *RET_TEXT. -ENOENT: there is none. */
int elfmap_text_pin__read(const char *path, char **ret_text, struct elfmap_msg *msg);

#endif
