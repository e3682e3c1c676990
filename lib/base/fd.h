/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a descriptor tells about a map in addition to bpf_obj_get_info_by_fd(). */
#ifndef ELFMAP_FD_H
#define ELFMAP_FD_H

#include <linux/bpf.h>
#include <stdbool.h>

/* Is descriptor FD a map? What the kernel tells of another kind of object would be misread. */
bool elfmap_map__is_map(int fd);

/* A number that the kernel tells of FD in /proc/self/fdinfo alone ("memlock"). -1: it does not tell. */
int elfmap_fdinfo__number(int fd, const char *field);

/* May user space no longer write it? */
bool elfmap_map__is_frozen(int fd);

/* The type of the programs that a PROG_ARRAY is for, from its first on; BPF_PROG_TYPE_UNSPEC: none yet. */
enum bpf_prog_type elfmap_map__owner(int fd);
/* Are they compiled (1) or interpreted (0)? The table takes no others. -1: unknown. */
int elfmap_map__owner_jited(int fd);

#endif
