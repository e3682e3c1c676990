/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where programs are attached, as far as this network namespace shows it. */
#ifndef ELFMAP_ATTACHMENTS_H
#define ELFMAP_ATTACHMENTS_H

#include <net/if.h>

#include "elfmap.h"

enum elfmap_attachment_kind {
	ELFMAP_AT_FILTER, /* of tc, on a qdisc */
	ELFMAP_AT_TCX,
	ELFMAP_AT_XDP,
	ELFMAP_AT_LINK, /* any other link of the kernel's: cgroup, netns, tracing ... */
	ELFMAP_AT_SLOT, /* of a PROG_ARRAY */
};

struct elfmap_attachment {
	enum elfmap_attachment_kind kind;
	__u32 prog;	       /* its id */
	char dev[IF_NAMESIZE]; /* filter, tcx, xdp */
	const char *direction; /* filter, tcx: "ingress", "egress"; NULL: a filter of PARENT */
	__u32 parent;	       /* filter: the qdisc, 0x10000 for 1: */
	__u32 pref;
	__u32 chain;
	__u32 handle;
	char name[64]; /* filter: what tc shows, mostly FILE:[SECTION] */
	__u32 id;      /* link: its own; slot: the PROG_ARRAY's */
	__u32 type;    /* link: BPF_LINK_TYPE_... */
	__u32 slot;
};

struct elfmap_attachments {
	struct elfmap_attachment *at;
	size_t nr;
};

/* -ENOMEM. */
int elfmap_attachments__add(struct elfmap_attachments *list, const struct elfmap_attachment *attachment);

/* Adds tc's filters on every qdisc, tcx and xdp of every device of this network namespace, and all
 * links. What the kernel or our permissions do not show is left out; -ENOMEM. The caller frees LIST->at. */
int elfmap_attachments__read(struct elfmap_attachments *list);

#endif
