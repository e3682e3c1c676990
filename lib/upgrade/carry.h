/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Copies the entries of a map to its successor, of another size or with other members, while programs write to both:
 * all entries before the exchange of programs, and later changes once after it.
 */
#ifndef ELFMAP_CARRY_H
#define ELFMAP_CARRY_H

#include "map/migrate.h"
#include "upgrade/report.h"
#include "upgrade/version.h"

struct elfmap_carry;

/* All maps of a version except PROG_ARRAYs, each with its predecessor. */
struct elfmap_carries {
	struct elfmap_carry **at;
	char **names; /* of the maps */
	size_t nr;
};

/* Copies the entries of all maps of NEXT except PROG_ARRAYs. The old maps are pinned below OLD_DIR, the new ones below
 * NEXT_DIR. MERGE: as for elfmap_carry__begin(). */
int elfmap_carries__begin(const struct elfmap_version *next, const char *old_dir, const char *next_dir,
			  enum elfmap_merge merge, struct elfmap_carries *ret_carries, struct elfmap_msg *msg);
/* Copies later changes, after the exchange of programs, and reports each map. A failure counts as a lost entry. */
void elfmap_carries__finish(const struct elfmap_carries *carries, struct elfmap_map_reports *reports);
void elfmap_carries__free(struct elfmap_carries *carries);

/* Replaces the entries of the map pinned at TO by those of the map pinned at FROM, converted if members differ, and
 * remembers them. MERGE: which of the old keys that become one is kept. -EOPNOTSUPP: entries of such a map cannot be
 * read. Release the result with elfmap_carry__free(). */
int elfmap_carry__begin(const char *from, const char *to, enum elfmap_merge merge, struct elfmap_carry **ret_carry,
			struct elfmap_msg *msg);

/* Copies what was written to FROM since, and deletes from TO what was deleted from FROM. Entries that were written to
 * both maps keep TO's value and are counted in *RET_LOST; copied entries are counted in *RET_LATE. */
int elfmap_carry__finish(struct elfmap_carry *carry, size_t *ret_late, size_t *ret_lost, struct elfmap_msg *msg);
void elfmap_carry__free(struct elfmap_carry *carry);

#endif
