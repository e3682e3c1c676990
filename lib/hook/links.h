/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Links of hooks, and their pins: TC_DIR/links/NETNS/DEV/WHERE/NAME, with '.' and '/' written as %2E and %2F. NETNS is
 * the inode of the network namespace; WHERE is a direction, or the kind of the hook. The device may have been renamed
 * since: the ifindex of the link decides.
 */
#ifndef ELFMAP_LINKS_H
#define ELFMAP_LINKS_H

#include "hook/hook.h"

#define ELFMAP_LINK_LEVELS 4 /* links/NETNS/DEV/WHERE/ */

struct elfmap_link {
	__u32 id, type, prog;
	int ifindex;	   /* 0: the device was removed, or the link has none */
	__u32 attach_type; /* of a tcx link */
	char name[ELFMAP_HOOK_NAME];
	char *path; /* of its pin; NULL: not pinned by elfmap */
};

struct elfmap_links {
	struct elfmap_link *at;
	size_t nr;
};

/* The path of the pin of HOOK's link. */
int elfmap_link__pin_path(const struct elfmap_hook *hook, const char *where, char *ret_path, size_t size,
			  struct elfmap_msg *msg);

/* Reads link FD, or the link pinned at PATH, of TYPE; name and path stay empty. -EINVAL: another type. */
int elfmap_link__read(int fd, __u32 type, struct elfmap_link *ret_link);
int elfmap_link__read_pin(const char *path, __u32 type, struct elfmap_link *ret_link);

/* The links of TYPE that elfmap has pinned for this network namespace; the other links of TYPE follow if ALL, also of
 * other namespaces. Without TC_DIR none is known as pinned. */
int elfmap_links__read(const char *tc_dir, __u32 type, bool all, struct elfmap_links *ret_links,
		       struct elfmap_msg *msg);
void elfmap_links__free(struct elfmap_links *links);

/* Replaces the program of link ID; EXPECTED 0: any. -ESTALE: it has another program than EXPECTED. */
int elfmap_link__exchange(__u32 id, __u32 expected, int prog, struct elfmap_msg *msg);

#endif
