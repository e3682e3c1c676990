/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Filling the caller's message: the one way in which the library says anything. */
#ifndef ELFMAP_MSG_H
#define ELFMAP_MSG_H

#include <stdarg.h>

#include "elfmap.h"

/* Returns ERR, so that a refusal is one statement. MSG may be NULL. */
int elfmap_msg__set(struct elfmap_msg *msg, int err, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* One line and nothing that a terminal would obey, whatever the names in an object are. */
void elfmap_msg__print(struct elfmap_msg *msg, const char *format, va_list args);

#endif
