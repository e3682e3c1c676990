/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The form of a map: all that is needed to make another one that loaders and programs take for the same. */
#ifndef ELFMAP_MAP_FORM_H
#define ELFMAP_MAP_FORM_H

#include "elfmap.h"

struct elfmap_form {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags;
	__u64 extra;
	char name[BPF_OBJ_NAME_LEN]; /* "": none */
	__u32 ifindex;		     /* of a map on a network card; 0: here */
	bool frozen;
	int btf; /* descriptor of the types; -1: it has none */
	__u32 btf_key;
	__u32 btf_value;
	int inner; /* a map of maps: descriptor of a map of the form that it holds; else -1 */
};

/* The form of map FD, which INFO describes. A map of maps that holds nothing does not tell what it
 * could hold: its `inner` stays -1. elfmap_form__free() what it gives. */
int elfmap_form__read(int fd, const struct bpf_map_info *info, struct elfmap_form *ret_form, struct elfmap_msg *msg);
void elfmap_form__free(struct elfmap_form *form);

/* The BTF that FORM has, whole; NULL if it has none. free() it. */
int elfmap_form__read_btf(const struct elfmap_form *form, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* Makes an empty map, not frozen yet. Of a NUMA node the kernel only tells that there is one: it
 * becomes node 0. -EOPNOTSUPP: maps of this form cannot be made by hand. */
int elfmap_form__create(const struct elfmap_form *form, int *ret_fd, struct elfmap_msg *msg);

#endif
