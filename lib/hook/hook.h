/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where programs run. Each kind of hook is a row of one table (hook.c), with its operations:
 *
 *   xdp         xdp.c         of a device, in one of its modes, by rtnetlink or by a pinned link
 *   filter      tc_filter.c   of tc, on clsact or an ingress qdisc; on other qdiscs only listed
 *   tcx         tcx.c         a link pinned by elfmap; other tcx programs are only listed
 *   link        hook.c        any other link: cgroup, netns, tracing ...; only listed
 *
 * Callers use the functions below, which accept a hook of any kind. An operation that a row lacks fails with
 * -EOPNOTSUPP and a common message.
 */
#ifndef ELFMAP_HOOK_H
#define ELFMAP_HOOK_H

#include <linux/bpf.h>
#include <net/if.h>

#include "elfmap.h"

#define ELFMAP_HOOK_NAME 256 /* the kernel's limit for a filter */
#define ELFMAP_PINNED_SECTION \
	":[*fsobj]" /* after the pin's name, in the name that tc gives a pinned program's filter */

enum elfmap_direction { ELFMAP_NO_DIRECTION, ELFMAP_INGRESS, ELFMAP_EGRESS };

/* ANY is only in requests: native if the driver has it, else generic; or the mode of the program that is there. */
enum elfmap_xdp_mode { ELFMAP_XDP_ANY, ELFMAP_XDP_GENERIC, ELFMAP_XDP_NATIVE, ELFMAP_XDP_OFFLOAD };

/* One hook, with or without a program. Members that its kind does not have are 0. */
struct elfmap_hook {
	const struct elfmap_hook_kind *kind;
	int netns;	    /* descriptor of its network namespace; -1: that of this process */
	const char *tc_dir; /* where elfmap pins links, ".../tc"; NULL: names of links stay unknown */

	/* its device, if its kind has one */
	int ifindex;
	char dev[IF_NAMESIZE];

	/* its place on the device; prio or handle 0 in a request: any */
	enum elfmap_direction direction;
	__u32 parent; /* of a filter without direction: the qdisc, 0x10000 for 1: */
	__u32 chain;
	__u32 prio; /* tc shows it as pref */
	__u32 handle;
	__u32 block; /* the filter is in this shared block, and runs on all its devices; 0: it is not */
	enum elfmap_xdp_mode mode;

	/* link */
	__u32 link; /* its id */
	__u32 link_type;
	bool by_link;	/* XDP: attached by a link; if LINK is 0 by one that cannot be told from others */
	bool is_pinned; /* XDP: elfmap has pinned the link */

	char name[ELFMAP_HOOK_NAME]; /* FILE:[SECTION] if attached by tc or elfmap; "": no name */
	__u32 prog;		     /* id of its program; 0: none, or unknown */
	bool is_direct;		     /* direct action: the program's result is the verdict */
	__u32 classid;		     /* of a filter without direct action; 0: none */
	bool made_qdisc;	     /* its qdisc was made for it, and is removed with it */
};

struct elfmap_hooks {
	struct elfmap_hook *at;
	size_t nr;
};

/* The properties of hooks of a kind, which are shown. */
enum {
	ELFMAP_HOOK_DEVICE = 1 << 0,
	ELFMAP_HOOK_DIRECTION = 1 << 1,
	ELFMAP_HOOK_PLACE = 1 << 2,  /* prio, chain, handle, name */
	ELFMAP_HOOK_LINK = 1 << 3,   /* only the id and type of a link */
	ELFMAP_HOOK_SINGLE = 1 << 4, /* device and mode are the whole place: it has no room for a second program */
};

struct elfmap_survey;

/* A row. Operations may be NULL; they are called in the network namespace of the hook. */
struct elfmap_hook_kind {
	const char *name;
	enum bpf_prog_type prog_type; /* of its programs; BPF_PROG_TYPE_UNSPEC: any */
	unsigned int has;
	__u32 link_type; /* type of the link of such a hook, which is not listed as a link; 0: none */

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

/* Initialises *RET_HOOK as a hook of KIND on device DEV of namespace NETNS (-1: that of this process). -ENODEV */
int elfmap_hook__init(const struct elfmap_hook_kind *kind, int netns, const char *dev, struct elfmap_hook *ret_hook,
		      struct elfmap_msg *msg);

/* Finds the hook that matches WANTED: device, direction, chain, name, and prio and handle if not 0. -ENOENT: no match;
 * -ENOTUNIQ: several matches, listed in the message; -EEXIST: the place is taken by something that cannot be exchanged.
 */
int elfmap_hook__find(const struct elfmap_hook *wanted, struct elfmap_hook *ret_hook, struct elfmap_msg *msg);

/* Attaches program PROG at the free place WANTED. -EEXIST: the place is taken. On failure nothing has changed. */
int elfmap_hook__attach(const struct elfmap_hook *wanted, int prog, struct elfmap_hook *ret_hook,
			struct elfmap_msg *msg);

/* Replaces the program with id EXPECTED (0: any) at HOOK by PROG; no packet passes without a program. Name, class and
 * direct action of a filter become those of HOOK; its other properties stay, or the exchange is refused. -ESTALE: it
 * has another program. */
int elfmap_hook__exchange(const struct elfmap_hook *hook, __u32 expected, int prog, struct elfmap_msg *msg);

/* Removes the hook that matches WANTED. -ESTALE: it has another program than WANTED's, which is not 0. */
int elfmap_hook__detach(const struct elfmap_hook *wanted, struct elfmap_hook *ret_gone, struct elfmap_msg *msg);

/* The path of the pin of HOOK's link. -EOPNOTSUPP: hooks of its kind are not pinned. */
int elfmap_hook__pin_path(const struct elfmap_hook *hook, char *ret_path, size_t size, struct elfmap_msg *msg);

/* Is the pin at PATH left over from a hook whose device was removed? */
bool elfmap_hook__is_orphan(const char *path);

/* Lists all hooks of namespace NETNS, or only those of KIND if it is not NULL. TC_DIR: as in struct elfmap_hook.
 * Returns the first failure, and lists what can be read even then. free() RET_HOOKS->at. */
int elfmap_hooks__list(int netns, const struct elfmap_hook_kind *kind, const char *tc_dir,
		       struct elfmap_hooks *ret_hooks, struct elfmap_msg *msg);

/* The parent of a filter as the kernel knows it. */
__u32 elfmap_hook__parent(const struct elfmap_hook *hook);
/* "ingress", "egress"; NULL: no direction. */
const char *elfmap_hook__direction(const struct elfmap_hook *hook);
/* "xdp", "xdpgeneric", "xdpoffload", as ip shows them. */
const char *elfmap_xdp__word(enum elfmap_xdp_mode mode);
/* The name of the type of a link. */
const char *elfmap_hook__link_type(const struct elfmap_hook *hook);
/* Writes a description of the hook: "eth0 ingress", "eth0 xdp", "link 7 cgroup"; IN_FULL: with all properties. */
void elfmap_hook__write(const struct elfmap_hook *hook, bool in_full, char *ret_text, size_t size);

/* The id of a loaded program; 0: unknown. */
__u32 elfmap_program__id(int prog);

#endif
