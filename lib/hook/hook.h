/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where programs run. Each kind of hook is a row of one table (hook.c), with its operations:
 *
 *   xdp         hook.c        of a device; listed only
 *   filter      tc_filter.c   of tc, on clsact or an ingress qdisc; those of other qdiscs are listed
 *   tcx         tcx.c         a link that is pinned by elfmap; those of others are listed
 *   link        hook.c        any other link of the kernel's: cgroup, netns, tracing ...; listed only
 *
 * Callers use the functions below, which take a hook of any kind. What a row cannot do is refused by all of them
 * with -EOPNOTSUPP and the same message.
 */
#ifndef ELFMAP_HOOK_H
#define ELFMAP_HOOK_H

#include <linux/bpf.h>
#include <net/if.h>

#include "elfmap.h"

#define ELFMAP_HOOK_NAME 256 /* the kernel's own limit for a filter */

enum elfmap_direction { ELFMAP_NO_DIRECTION, ELFMAP_INGRESS, ELFMAP_EGRESS };

/* One hook, with a program or without. A member that its kind does not have is 0. */
struct elfmap_hook {
	const struct elfmap_hook_kind *kind;
	int netns;	    /* descriptor of the network namespace that it is in; -1: this process's */
	const char *tc_dir; /* where elfmap pins links, ".../tc"; NULL: their names are not known */

	/* what it is on: a device; others have none of it */
	int ifindex;
	char dev[IF_NAMESIZE];

	/* place within. Of a hook that is asked for 0 means any for prio and handle. */
	enum elfmap_direction direction;
	__u32 parent; /* the qdisc of a filter without direction, 0x10000 for 1: */
	__u32 chain;
	__u32 prio; /* tc shows it as pref */
	__u32 handle;

	/* link */
	__u32 link; /* its id */
	__u32 link_type;

	char name[ELFMAP_HOOK_NAME]; /* FILE:[SECTION] of those that tc and elfmap attach; "": it has none */
	__u32 prog;		     /* id of its program; 0: there is none, or the kernel does not tell */
	bool is_direct;		     /* the program's result is the verdict; false: a filter without direct action, */
	__u32 classid;		     /* which has this class; 0: none */
	bool made_qdisc;	     /* it was attached together with the qdisc that it is on, and goes with it */
};

struct elfmap_hooks {
	struct elfmap_hook *at;
	size_t nr;
};

/* What hooks of a kind have, besides a program: what of them is shown, and in which words. */
enum {
	ELFMAP_HOOK_DEVICE = 1 << 0,
	ELFMAP_HOOK_DIRECTION = 1 << 1,
	ELFMAP_HOOK_PLACE = 1 << 2, /* prio, chain, handle, name */
	ELFMAP_HOOK_LINK = 1 << 3,  /* a link's id and type are all of it */
};

struct elfmap_survey;

/* A row. An operation that is NULL does not exist; all are called in the hook's network namespace. */
struct elfmap_hook_kind {
	const char *name;
	enum bpf_prog_type prog_type; /* that programs are loaded as to be attached; BPF_PROG_TYPE_UNSPEC: any */
	unsigned int has;
	__u32 link_type; /* of the link that such a hook may be, and is not listed as then; 0: none */

	int (*list)(struct elfmap_survey *survey, struct elfmap_msg *msg); /* rows.h */
	int (*find)(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg);
	int (*attach)(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook, struct elfmap_msg *msg);
	int (*exchange)(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg);
	int (*detach)(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg);
	int (*pin_path)(const struct elfmap_hook *hook, char *ret_path, size_t size, struct elfmap_msg *msg);
	bool (*is_orphan)(const char *path);
};

/* The table, in the order in which hooks are listed; the last row has no name. */
extern const struct elfmap_hook_kind *const elfmap_hook_kinds[];
/* The row called NAME, or NULL. */
const struct elfmap_hook_kind *elfmap_hook_kind__find(const char *name);

/* Makes *RET_HOOK a hook of KIND on device DEV of namespace NETNS (-1: this process's), and no more. -ENODEV */
int elfmap_hook__init(const struct elfmap_hook_kind *kind, int netns, const char *dev, struct elfmap_hook *ret_hook,
		      struct elfmap_msg *msg);

/* Finds the one hook that WANTED means: device, direction, chain, prio and handle where they are not 0, name.
 * -ENOENT: there is none; -ENOTUNIQ: several, which the message names; -EEXIST: the place is taken by something that
 * cannot be exchanged. */
int elfmap_hook__find(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg);

/* Attaches program PROG where WANTED says and nothing is. -EEXIST: something is. On failure nothing has changed. */
int elfmap_hook__attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook,
			struct elfmap_msg *msg);

/* Gives HOOK, which has been found, program PROG in place of the one with the id EXPECTED (0: of any), which no packet
 * slips past. Name, class and direct action are HOOK's from then on. -ESTALE: it has another program. */
int elfmap_hook__exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg);

/* Takes away the hook that WANTED means, if it has WANTED's program or that is 0 (-ESTALE). */
int elfmap_hook__detach(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg);

/* Where HOOK's link is pinned, or is to be. -EOPNOTSUPP: hooks of its kind are not pinned. */
int elfmap_hook__pin_path(const struct elfmap_hook *hook, char *ret_path, size_t size, struct elfmap_msg *msg);

/* Is the pin at PATH all that is left of a hook whose device has gone? */
bool elfmap_hook__is_orphan(const char *path);

/* Lists all hooks of namespace NETNS, those of KIND alone unless it is NULL. TC_DIR: as in struct elfmap_hook, or
 * NULL. What can be read is listed, too, when it returns the first failure. free() RET_HOOKS->at. */
int elfmap_hooks__list(int netns, const struct elfmap_hook_kind *kind, const char *tc_dir,
		       struct elfmap_hooks *ret_hooks, struct elfmap_msg *msg);

/* "ingress", "egress"; NULL: it has none. */
const char *elfmap_hook__direction(const struct elfmap_hook *hook);
/* What a link's type is called. */
const char *elfmap_hook__link_type(const struct elfmap_hook *hook);
/* The hook in a few words ("eth0 ingress", "eth0 xdp", "link 7 cgroup") or in all of them, for a person. */
void elfmap_hook__write(const struct elfmap_hook *hook, bool in_full, char *ret_text, size_t size);

/* The kernel's id of a loaded program; 0: it does not tell. */
__u32 elfmap_program__id(int prog);

#endif
