/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Another map in the place of one: its form, a copy of its entries, and the fewest changes that make its entries equal
 * to a given set. */
#ifndef ELFMAP_MAP_COPY_H
#define ELFMAP_MAP_COPY_H

#include "map/entries.h"
#include "map/map.h"

/* ---- form ------------------------------------------------------------------------------------------------------- */

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

/* ---- copy ------------------------------------------------------------------------------------------------------- */

/* Copies all entries of FROM into TO, which is empty. -E2BIG: they do not fit (of an array: one beyond
 * the end of TO is not zero). */
int elfmap_map__copy(const struct elfmap_reader *from, const struct elfmap_reader *to, struct elfmap_msg *msg);

/* ---- comparison ------------------------------------------------------------------------------------------------- */

struct elfmap_comparison {
	const struct elfmap_reader *map;
	/* Finished; values in the form that the map shows them (programs and maps by their ids). */
	const struct elfmap_entries *wanted;
	/* NULL, or called for each difference, in no order: OLD is NULL for what is to be added, NEW for what
	 * is to be deleted. A negative errno ends the comparison. */
	int (*differs)(void *context, const void *key, const void *old_value, const void *new_value);
	void *context;

	/* Filled in. */
	unsigned char *is_equal; /* by index in WANTED: the map has it already */
	size_t nr_equal;
	size_t nr_changed;	 /* keys that the map has with another value */
	unsigned char *leftover; /* keys that the map has and WANTED has not; slots that are zero are no leftovers */
	size_t nr_leftover;
	size_t room;
	unsigned char *zeros; /* the value of a slot that cannot be deleted */
};

/* Reads the map once. Zero all but the first block before. */
int elfmap_comparison__make(struct elfmap_comparison *comparison, struct elfmap_msg *msg);
void elfmap_comparison__free(struct elfmap_comparison *comparison);

#endif
