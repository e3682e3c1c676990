/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Replacing a map: its form, a copy of its entries, and the smallest set of changes that makes its entries equal to a
 * given set. */
#ifndef ELFMAP_MAP_COPY_H
#define ELFMAP_MAP_COPY_H

#include "map/entries.h"
#include "map/map.h"

/* ---- form ------------------------------------------------------------------------------------------------------- */

/* The attributes of a new map that loaders and programs accept in the place of another. */
struct elfmap_form {
	__u32 type;
	__u32 key_size;
	__u32 value_size;
	__u32 max_entries;
	__u32 flags;
	__u64 extra;
	char name[BPF_OBJ_NAME_LEN]; /* may be "" */
	__u32 ifindex;		     /* of a map offloaded to a network card; else 0 */
	bool frozen;
	int btf; /* descriptor; -1: no BTF */
	__u32 btf_key;
	__u32 btf_value;
	int inner; /* of a map of maps: descriptor of one of its inner maps; else -1 */
};

/* Reads the form of the map FD, which INFO describes; elfmap_form__free() releases it. The kernel does not report the
 * inner form of an empty map of maps: `inner` is -1 then. */
int elfmap_form__read(int fd, const struct bpf_map_info *info, struct elfmap_form *ret_form, struct elfmap_msg *msg);
void elfmap_form__free(struct elfmap_form *form);

/* Reads the BTF of FORM; NULL if it has no BTF. The caller frees *RET_BYTES. */
int elfmap_form__read_btf(const struct elfmap_form *form, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg);

/* Creates an empty map that is not frozen. The kernel does not report the NUMA node of a map: node 0 is used.
 * -EOPNOTSUPP: user space cannot create a map of this form. */
int elfmap_form__create(const struct elfmap_form *form, int *ret_fd, struct elfmap_msg *msg);

/* ---- copy ------------------------------------------------------------------------------------------------------- */

/* Copies all entries of FROM into the empty map TO. Key and value have the same size in both; max_entries may differ.
 * -E2BIG: the entries do not fit (in an array: an entry beyond the end of TO is not zero). */
int elfmap_map__copy(const struct elfmap_reader *from, const struct elfmap_reader *to, struct elfmap_msg *msg);

/* ---- comparison ------------------------------------------------------------------------------------------------- */

struct elfmap_comparison {
	const struct elfmap_reader *map;
	/* After elfmap_entries__finish(); values as they are read from the map (programs and maps as ids). */
	const struct elfmap_entries *wanted;
	/* May be NULL. Called for each difference, in no order: OLD is NULL for an entry to add, NEW for an entry to
	 * delete. A negative errno ends the comparison. */
	int (*differs)(void *context, const void *key, const void *old_value, const void *new_value);
	void *context;

	/* Filled in. */
	unsigned char *is_equal; /* by index in WANTED: the map has this entry */
	size_t nr_equal;
	size_t nr_changed;	 /* keys with another value in the map */
	unsigned char *leftover; /* keys of the map that are not in WANTED, except slots that are zero */
	size_t nr_leftover;
	size_t room;
	unsigned char *zeros; /* the value of a slot that cannot be deleted */
};

/* Reads the map once. The caller zeroes the members after `context`. */
int elfmap_comparison__make(struct elfmap_comparison *comparison, struct elfmap_msg *msg);
void elfmap_comparison__free(struct elfmap_comparison *comparison);

#endif
