/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Classifiers as tc's filters on clsact: read, made, replaced in place, deleted; and clsact itself. */
#ifndef ELFMAP_FILTER_H
#define ELFMAP_FILTER_H

#include "elfmap.h"

#define ELFMAP_FILTER_NAME 256 /* the kernel's own limit */

/* One filter. Where one is asked for, 0 means "whichever" for prio and handle. */
struct elfmap_filter {
	int ifindex;
	bool egress;
	__u32 chain;
	__u32 prio; /* tc shows it as pref */
	__u32 handle;
	char kind[16]; /* "bpf", or another classifier's */
	char name[ELFMAP_FILTER_NAME];
	__u32 prog;	/* id */
	__u16 protocol; /* network byte order; 0: all */
	__u32 classid;	/* of a filter without direct action; 0: none */
	bool direct_action;
	bool has_actions; /* of tc, behind the program */
};

struct elfmap_filters {
	struct elfmap_filter *at; /* in the order in which packets meet them, chain by chain */
	size_t nr;
};

/* All filters on one direction of a device's clsact; none where there is no clsact. -ENOMEM, or what
 * the kernel says. free() ret_filters->at. */
int elfmap_filters__read(int sock, int ifindex, bool egress, struct elfmap_filters *ret_filters,
			 struct elfmap_msg *msg);

/* Puts program PROG_FD where FILTER says: a new filter (EXISTS is false: -EEXIST where there is one), or
 * in place of the one that is there, which no packet slips past, and is as FILTER has been read: protocol,
 * direct action and class stay; one with actions is refused, since they would not. Sets prio and handle
 * to what the kernel chose. */
int elfmap_filter__set(int sock, struct elfmap_filter *filter, int prog_fd, bool exists, struct elfmap_msg *msg);

/* Takes away the filter at exactly this place. -ENOENT: there is none. */
int elfmap_filter__delete(int sock, const struct elfmap_filter *filter, struct elfmap_msg *msg);

/* Makes sure that the device has a qdisc for the direction: clsact, or for ingress an old ingress qdisc. *RET_MADE: it
 * was this call that made a clsact. -EEXIST: its place is taken, and EGRESS is wanted. */
int elfmap_clsact__add(int sock, int ifindex, bool egress, bool *ret_made, struct elfmap_msg *msg);
int elfmap_clsact__delete(int sock, int ifindex, struct elfmap_msg *msg);

#endif
