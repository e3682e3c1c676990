/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The network namespace in which device names are looked up. */
#ifndef ELFMAP_NETNS_H
#define ELFMAP_NETNS_H

#include "elfmap.h"

/* Opens the network namespace that `ip netns` calls NAME, or that is at the path NAME. -ENOENT: no such namespace. */
int elfmap_netns__open(const char *name, int *ret_fd, struct elfmap_msg *msg);

/* Moves this process to the network namespace that `ip netns` calls NAME, or that is at the path NAME.
 * Mounts stay as they are, so the pins are the same. -ENOENT: no such namespace. */
int elfmap_netns__enter(const char *name, struct elfmap_msg *msg);

/* Moves this thread to the network namespace of descriptor NETNS; -1: it stays. elfmap_netns__leave() *RET_BACK. */
int elfmap_netns__visit(int netns, int *ret_back, struct elfmap_msg *msg);
/* Goes back and closes BACK. Returns ERR, or the error of going back. */
int elfmap_netns__leave(int back, int err, struct elfmap_msg *msg);

/* The number of this process's network namespace, which `ls -i /run/netns` shows, too. */
int elfmap_netns__number(unsigned long *ret_number, struct elfmap_msg *msg);
/* The name of namespace NUMBER in `ip netns`; false: it has no name. */
bool elfmap_netns__name(unsigned long number, char *ret_name, size_t size);

#endif
