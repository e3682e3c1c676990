/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one line that the launcher prints when it fails. */
#ifndef ELFMAP_LAUNCHER_COMPLAIN_H
#define ELFMAP_LAUNCHER_COMPLAIN_H

/* Prints "elfmap: OBJECT: what and why" on stderr. Always returns EXIT_FAILURE. */
int complain(const char *object, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
