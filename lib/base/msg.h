/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The caller's message, the only way in which the library reports anything, and numbers in words. */
#ifndef ELFMAP_MSG_H
#define ELFMAP_MSG_H

#include <limits.h>
#include <stdarg.h>

#include "elfmap.h"
/* Returns ERR, so that a refusal is one statement. MSG may be NULL. */
int elfmap_msg__set(struct elfmap_msg *msg, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* One line without control characters, which the names in an object may have. */
void elfmap_msg__print(struct elfmap_msg *msg, const char *format, va_list args);

#define ELFMAP_LINE_MAX (PATH_MAX + sizeof(struct elfmap_msg))

/* The line "elfmap: OBJECT: WHAT" that a program prints in one write(), so that no other output splits it. An object
 * without a name is ''. Returns its length with the line end; RET_LINE is not NUL-terminated. */
size_t elfmap_msg__line(char *ret_line, size_t size, const char *object, const struct elfmap_msg *what);

/* Replaces by '?' what must not reach a terminal: control characters (C0, DEL, C1), characters that change the
 * direction of text (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069), and bytes that are no UTF-8. */
void elfmap_text__clean(char *text);

/* Reads WORD of a command line, pipeline or saved file, which must be a number in BASE (0: as C and tc write it, 10,
 * 0x0a or 012) from MIN to MAX, and nothing more. Returns -EINVAL for anything else and -ERANGE for a number outside of
 * the range. */
int elfmap_number__read(const char *word, int base, __u64 min, __u64 max, __u64 *ret_number);
/* The same for the first LENGTH bytes of TEXT. */
int elfmap_number__read_part(const char *text, size_t length, int base, __u64 min, __u64 max, __u64 *ret_number);

#endif
