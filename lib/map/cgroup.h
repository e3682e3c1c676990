/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Cgroups of version 2, the ones that sockets belong to: their directories, and the ids that programs see
 * (bpf_skb_cgroup_id). A command says DIR in one word:
 *
 *   /PATH, ./PATH    a path that leads into cgroup2
 *   /NAME, NAME      else below the root of cgroup2, as /proc/PID/cgroup has it
 */
#ifndef ELFMAP_CGROUP_H
#define ELFMAP_CGROUP_H

#include "elfmap.h"

/* Where cgroup2 can be reached: a mount point in this mount namespace, else (`ip netns exec` covers /sys) the
 * one of the nearest process outside that has one, as /proc/PID/root/... -ENODEV: there is none. */
int elfmap_cgroup__find(char *ret_path, size_t size, struct elfmap_msg *msg);

/* Opens the directory that DIR means, which is then a cgroup2 directory for certain. -EINVAL: it is something
 * else, a cgroup of version 1 for example; the message says what, without naming DIR. The caller closes. */
int elfmap_cgroup__open(const char *dir, int *ret_fd, struct elfmap_msg *msg);

/* The id of an open cgroup directory. Ids are not used again when their cgroup is gone. */
int elfmap_cgroup__id(int fd, __u64 *ret_id, struct elfmap_msg *msg);

/* The directory of the cgroup with this id, as the processes see it that have cgroup2 mounted. -ENOENT: it is
 * gone; -EPERM: without CAP_DAC_READ_SEARCH nobody gets from ids to paths. */
int elfmap_cgroup__path(__u64 id, char *ret_path, size_t size, struct elfmap_msg *msg);

/* The same path from the root of cgroup2 on, as /proc/PID/cgroup has it: "/", "/web/backend". */
int elfmap_cgroup__name(__u64 id, char *ret_name, size_t size, struct elfmap_msg *msg);

#endif
