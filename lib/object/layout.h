/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Converts keys and values from one BTF type to another, member by member. Members are found by name; structs, arrays
 * and anonymous structs are followed into. The conversion is planned once, as a list of copies, and applied to each
 * entry. This uses neither the kernel nor globals.
 *
 *   same width                  the bytes
 *   other width of a number     the number; one that does not fit is refused
 *   array                       the elements that both have; further elements must be zero
 *   union                       the bytes, if both have the same type
 *   bpf_spin_lock, bpf_timer    nothing: the kernel writes them
 *   otherwise                   zero
 *
 * Names of types, padding, signs of numbers and constants of enums are no difference.
 */
#ifndef ELFMAP_LAYOUT_H
#define ELFMAP_LAYOUT_H

#include <bpf/btf.h>
#include <stdbool.h>
#include <stddef.h>

#include "elfmap.h"

enum elfmap_member_fate {
	ELFMAP_MEMBER_NEW,	/* zero */
	ELFMAP_MEMBER_DROPPED,	/* not in the new type */
	ELFMAP_MEMBER_NARROWED, /* has fewer bits or elements, or no sign */
	ELFMAP_MEMBER_RETYPED,	/* of an incompatible type: zero */
};

struct elfmap_member_change {
	enum elfmap_member_fate fate;
	char *name; /* "value.a.b" */
};

struct elfmap_layout {
	size_t from_size;
	size_t to_size;
	bool is_same; /* the bytes stay as they are */
	bool merges;  /* different bytes may become equal */
	struct elfmap_layout_op *ops;
	size_t nr_ops;
	struct elfmap_member_change *changes;
	size_t nr_changes;
};

/* One side of a conversion. */
struct elfmap_layout_type {
	const struct btf *btf;
	__u32 id;
	size_t size; /* of the key or value */
};

/* Is TYPE a struct that only the kernel writes, such as bpf_spin_lock? */
bool elfmap_layout__is_kernels(const struct btf *btf, const struct btf_type *type);

/* Plans a conversion. ROOT is "key" or "value". -EINVAL: the types have nothing in common, or a size that is not the
 * map's; -E2BIG: too many members. elfmap_layout__free() */
int elfmap_layout__plan(const struct elfmap_layout_type *from, const struct elfmap_layout_type *to, const char *root,
			struct elfmap_layout *ret_layout, struct elfmap_msg *msg);
/* The plan for SIZE bytes that stay as they are. */
void elfmap_layout__keep(size_t size, struct elfmap_layout *ret_layout);
/* Restricts a plan to what keeps the meaning of an LPM_TRIE's key: the length and the data's first bytes. -EINVAL */
int elfmap_layout__make_prefix(struct elfmap_layout *layout, struct elfmap_msg *msg);

/* Converts one value. -ERANGE: a number or an element does not fit; *RET_NAME (may be NULL) is its name. */
int elfmap_layout__convert(const struct elfmap_layout *layout, const void *from, void *to, const char **ret_name);

/* "new", "dropped", ... */
const char *elfmap_member_fate__word(enum elfmap_member_fate fate);
void elfmap_layout__free(struct elfmap_layout *layout);

#endif
