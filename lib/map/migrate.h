/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Entries of a map as entries of its successor, whose keys or values may have other types. The BTF of both maps decides
 * (object/layout.h). Each CPU's value is converted; keys of an LPM_TRIE keep their prefix.
 */
#ifndef ELFMAP_MIGRATE_H
#define ELFMAP_MIGRATE_H

#include "map/entries.h"
#include "map/map.h"
#include "object/layout.h"

/* What to do with old keys that become one. */
enum elfmap_merge { ELFMAP_MERGE_REFUSED, ELFMAP_MERGE_FIRST, ELFMAP_MERGE_LAST };

struct elfmap_migration {
	const struct elfmap_reader *from;
	const struct elfmap_reader *to;
	struct elfmap_layout key;
	struct elfmap_layout value;
	enum elfmap_merge merge;
	size_t merged; /* filled in: entries that became part of another */
};

/* Plans the migration of the entries of FROM to TO, which must outlive it. -EINVAL: a size differs and there is no BTF
 * on both sides, or the types are incompatible. elfmap_migration__free() */
int elfmap_migration__plan(const struct elfmap_reader *from, const struct elfmap_reader *to,
			   struct elfmap_migration *ret_migration, struct elfmap_msg *msg);
void elfmap_migration__free(struct elfmap_migration *migration);

/* Are the bytes of all entries the same in both maps? */
static inline bool elfmap_migration__is_copy(const struct elfmap_migration *migration)
{
	return migration->key.is_same && migration->value.is_same;
}

/* Converts one entry into RET_KEY and RET_VALUE (all copies). -ERANGE: a member does not fit; the message names it. */
int elfmap_migration__convert(const struct elfmap_migration *migration, const void *key, const void *value,
			      void *ret_key, void *ret_value, struct elfmap_msg *msg);

/* Converts all entries of OLD, which have distinct keys, to RET_ENTRIES, which is initialized and empty, and indexes
 * them. -EEXIST: two keys become one; the message names both. -ERANGE */
int elfmap_migration__convert_all(struct elfmap_migration *migration, const struct elfmap_entries *old,
				  struct elfmap_entries *ret_entries, struct elfmap_msg *msg);

/* Copies all entries into the empty TO, as elfmap_map__copy() does for maps of the same types. */
int elfmap_migration__run(struct elfmap_migration *migration, struct elfmap_msg *msg);

#endif
