/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups of version 2, to which sockets belong: their directories and the ids that programs read
 * (bpf_skb_cgroup_id). The argument DIR of a command is one of these:
 *
 *   /PATH, ./PATH    a path in a mounted cgroup2 file system
 *   /NAME, NAME      otherwise a name below the root of cgroup2, as in /proc/PID/cgroup
 */
#ifndef ELFMAP_CGROUP_H
#define ELFMAP_CGROUP_H

#include "elfmap.h"

/* Finds a path to cgroup2: the mount point in this mount namespace, or, because `ip netns exec` mounts over /sys, the
 * mount point of the nearest ancestor process that has one, as /proc/PID/root/... -ENODEV: cgroup2 is not mounted. */
int elfmap_cgroup__find(char *ret_path, size_t size, struct elfmap_msg *msg);

/* Opens the cgroup2 directory DIR. -EINVAL: DIR is not in cgroup2 (a cgroup of version 1, for example); the message
 * gives the reason without the name DIR. The caller closes *RET_FD. */
int elfmap_cgroup__open(const char *dir, int *ret_fd, struct elfmap_msg *msg);

/* Reads the id of an open cgroup directory. The kernel does not reuse the id of a removed cgroup. */
int elfmap_cgroup__id(int fd, __u64 *ret_id, struct elfmap_msg *msg);

/* Finds the directory of the cgroup ID, as seen by the processes that have cgroup2 mounted. -ENOENT: the cgroup was
 * removed; -EPERM: CAP_DAC_READ_SEARCH is missing, which the kernel requires for a path by id. */
int elfmap_cgroup__path(__u64 id, char *ret_path, size_t size, struct elfmap_msg *msg);

/* Finds the same path relative to the root of cgroup2, as in /proc/PID/cgroup: "/", "/web/backend". */
int elfmap_cgroup__name(__u64 id, char *ret_name, size_t size, struct elfmap_msg *msg);

#endif
