/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* May an object's map be the one that is pinned, or be made? For all who load objects, the preload included. */
#ifndef ELFMAP_PIN_H
#define ELFMAP_PIN_H

#include "elfmap.h"

/* The user of a pinned PROG_ARRAY, which holds programs of one type. */
struct elfmap_pin_user {
	enum bpf_prog_type type; /* BPF_PROG_TYPE_UNSPEC: not known */
	const char *program;	 /* the name of a program; NULL: see words */
	const char *words;	 /* "what this command loads" */
};

/* May FD, opened from the pin at PATH, be MAP, for all of USERS? The kernel returns EINVAL for every
 * difference. -EMEDIUMTYPE: not a map. -EEXIST: another map; the message has the differences, and *RET_INFO is written.
 * -EINVAL: for programs of another type. */
int elfmap_pin__take(const struct elfmap_map *map, const char *path, int fd, const struct elfmap_pin_user *users,
		     size_t nr_users, struct bpf_map_info *ret_info, struct elfmap_msg *msg);

/* As elfmap_pin__compare(), for a running map without a pin. */
int elfmap_pin__compare_running(const struct elfmap_map *map, const struct bpf_map_info *info, struct elfmap_msg *msg);

/* The hash that names the pins of PIN_OBJECT_NS, of an object with these bytes. "" for an object without such pins:
 * hashing takes longer than loading. */
void elfmap_pin__hash(const struct elfmap_object *object, const void *bytes, size_t size, char ret_hex[41]);

/* Appends PATH, as the user knows it, and the command that removes it to the message of -EEXIST. */
void elfmap_pin__add_remedy(const char *path, struct elfmap_msg *msg);

/* Can MAP be created if it has no pin? A map of maps requires a template. */
int elfmap_pin__check_template(const struct elfmap_map *map, struct elfmap_msg *msg);

#endif
