/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is needed: which programs and maps are reached from hooks, processes and pins that elfmap does not manage, and
 * which units of pins contain one of them. See garbage.h. */
#ifndef ELFMAP_NEEDS_H
#define ELFMAP_NEEDS_H

#include "hook/map_users.h"
#include "hook/references.h"

enum elfmap_unit_kind {
	ELFMAP_UNIT_NONE, /* a pin that is not managed: it and what it leads to is needed */
	ELFMAP_UNIT_DEPLOYMENT,
	ELFMAP_UNIT_RETIRED,
	ELFMAP_UNIT_GONE,
	ELFMAP_UNIT_PROGS,
	ELFMAP_UNIT_OBJECT,
	ELFMAP_UNIT_LINK,
};

struct elfmap_needs {
	struct elfmap_census census;
	bool is_blind; /* reference counts cannot be read */
	struct elfmap_unit {
		enum elfmap_unit_kind kind;
		size_t length; /* of the part of the pin's path that names the unit */
		bool is_needed;
	} * units;   /* for each pin of the census */
	bool *progs; /* needed: for each program of the census */
	__u32 *maps; /* ids of needed maps */
	size_t nr_maps;
};

/* Takes a census and marks what is needed. -EPERM: programs cannot be listed. elfmap_needs__free() */
int elfmap_needs__read(struct elfmap_needs *ret_needs, const char *tc_dir, struct elfmap_msg *msg);
void elfmap_needs__free(struct elfmap_needs *needs);

bool elfmap_needs__prog(const struct elfmap_needs *needs, __u32 id);
bool elfmap_needs__map(const struct elfmap_needs *needs, __u32 id);
/* Is the unit of pin INDEX needed? */
bool elfmap_needs__unit(const struct elfmap_needs *needs, size_t index);
/* A pin of the map outside of all units; NULL: there is none. */
const char *elfmap_needs__outside_pin(const struct elfmap_needs *needs, __u32 id);
/* Is there a pin below DIR? */
bool elfmap_needs__has_pins(const struct elfmap_needs *needs, const char *dir);

/* Is DIR the directory of a deployment that is needed? */
bool elfmap_needs__deployment(const struct elfmap_needs *needs, const char *dir);

#endif
