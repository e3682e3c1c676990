/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Routes with `encap bpf`. The kernel reports only the name of a program, which ip makes from file and section, and no
 * id: which program runs is unknown, so it is not exchanged, but listed. A table of routes can be large, so this is no
 * row of the table of hooks, which commands list as a whole.
 */
#ifndef ELFMAP_LWT_H
#define ELFMAP_LWT_H

#include "hook/hook.h"

struct elfmap_route {
	char words[160];	     /* "10.8.0.0/24 dev eth0 encap bpf out", "fd00::/64 table 7 dev eth0 ..." */
	char name[ELFMAP_HOOK_NAME]; /* FILE:[SECTION] */
};

struct elfmap_routes {
	struct elfmap_route *at;
	size_t nr;
};

/* The IPv4 and IPv6 routes of this network namespace that run BPF programs, with a row for each nexthop and direction.
 * free() RET_ROUTES->at. */
int elfmap_routes__list(struct elfmap_routes *ret_routes, struct elfmap_msg *msg);

#endif
