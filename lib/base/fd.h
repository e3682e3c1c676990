/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Facts about a map's descriptor in addition to bpf_obj_get_info_by_fd(). */
#ifndef ELFMAP_FD_H
#define ELFMAP_FD_H

#include <linux/bpf.h>
#include <stdbool.h>

/* Is descriptor FD a map? The information on another kind of object would be misread. */
bool elfmap_map__is_map(int fd);

/* The number of FIELD ("memlock") in FD's /proc/self/fdinfo. -1: it is not there. */
int elfmap_fdinfo__number(int fd, const char *field);

/* Has user space lost the right to write it? */
bool elfmap_map__is_frozen(int fd);

/* The type of a PROG_ARRAY's programs, set by its first; BPF_PROG_TYPE_UNSPEC before that. */
enum bpf_prog_type elfmap_map__owner(int fd);
/* Are they compiled (1) or interpreted (0)? The table refuses the others. -1: unknown. */
int elfmap_map__owner_jited(int fd);

#endif
