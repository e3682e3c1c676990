/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* May an object's map be the one that is pinned, or be made? What whoever loads objects asks, tc's stand-in included.
 */
#ifndef ELFMAP_PIN_H
#define ELFMAP_PIN_H

#include "elfmap.h"

/* Who wants to use a pinned PROG_ARRAY, which holds programs of one type. */
struct elfmap_pin_user {
	enum bpf_prog_type type; /* BPF_PROG_TYPE_UNSPEC: not known */
	const char *program;	 /* the name of a program; NULL: see words */
	const char *words;	 /* "what this command loads" */
};

/* May FD, opened from the pin at PATH, be MAP, for all of USERS? The kernel would say EINVAL, whatever is wrong.
 * -EMEDIUMTYPE: it is no map. -EEXIST: it is another map, and the message says in what; *RET_INFO is written then,
 * too. -EINVAL: it is for programs of another type. */
int elfmap_pin__take(const struct elfmap_map *map, const char *path, int fd, const struct elfmap_pin_user *users,
		     size_t nr_users, struct bpf_map_info *ret_info, struct elfmap_msg *msg);

/* Adds to the message of -EEXIST where the pin is, in the user's words, and how to get rid of it. */
void elfmap_pin__add_remedy(const char *path, struct elfmap_msg *msg);

/* Can MAP be made, where it has no pin? Without a template the kernel makes no map of maps. */
int elfmap_pin__check_template(const struct elfmap_map *map, struct elfmap_msg *msg);

#endif
