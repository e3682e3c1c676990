/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Maps by their id. */
#ifndef ELFMAP_MAP_ID_H
#define ELFMAP_MAP_ID_H

#include <linux/types.h>

/* Opens map ID for reading and writing; the caller closes the descriptor. -ENOENT: the map has gone. -EPERM:
 * CAP_SYS_ADMIN is missing (kernel/bpf/syscall.c bpf_map_get_fd_by_id()). Gives way to other threads first if the map
 * is a PROG_ARRAY that was opened a moment ago. */
int elfmap_map__open_id(__u32 id);

#endif
