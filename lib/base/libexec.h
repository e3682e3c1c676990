/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The directory with the other files of the command: the command proper, the preload, the links tc and ip. */
#ifndef ELFMAP_LIBEXEC_H
#define ELFMAP_LIBEXEC_H

#include <stddef.h>

/* libexec/elfmap in the directory of this program (build tree), or in the directory above (installed). 1 if this
 * program is in that directory itself. A negative errno if there is none; RET_PATH is then where it is expected when
 * installed, or "" if this program cannot be found: it is setuid, and /proc is not mounted. */
int elfmap_libexec__find(char *ret_path, size_t size);

#endif
