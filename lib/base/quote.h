/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Commands in messages, which can be pasted into a shell. */
#ifndef ELFMAP_QUOTE_H
#define ELFMAP_QUOTE_H

#include <stddef.h>

/* Writes WORD to RET_WORD, in single quotes if the shell would change it. Returns RET_WORD; truncated, and then "", if
 * there is no room. A word of N bytes takes at most 4 * N + 3. */
const char *elfmap_word__quote(const char *word, char *ret_word, size_t size);

/* Writes a command of the words after SIZE, the last of which is NULL, quoted and separated by spaces. A command for
 * which there is no room is "". */
void elfmap_command__write(char *ret_command, size_t size, ...) __attribute__((sentinel));
/* Adds words to a command. */
void elfmap_command__add(char *command, size_t size, ...) __attribute__((sentinel));

#endif
