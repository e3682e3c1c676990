/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The facts that list and show print of a pinned map. */
#ifndef ELFMAP_MAP_FACTS_H
#define ELFMAP_MAP_FACTS_H

#include <json-c/json.h>
#include <stdio.h>

#include "hook/map_users.h"

struct map_facts {
	char *path;
	struct bpf_map_info info;
	__s64 entries; /* -1: unknown */
	bool frozen;
	enum elfmap_survival survival; /* of the content, if this pin were removed */
};

/* Fails as elfmap_map__open(): -EMEDIUMTYPE, -ENOENT, ... */
int map_facts__read(const char *path, const struct elfmap_census *census, struct map_facts *ret_facts,
		    struct elfmap_msg *msg);
void map_facts__free(struct map_facts *facts);

/* "percpu_hash", or the number of an unknown type. */
const char *map_facts__type(const struct map_facts *facts, char text[16]);
/* The shortest PIN argument for PATH: relative to TC_DIR ("": unknown), or the path. */
const char *map_pin_word(const char *path, const char *tc_dir);

/* Prints the slots and hooks of program PROG, shortened ("eth0 ingress") or IN_FULL: BEFORE the first, BETWEEN two,
 * AFTER the last. Prints nothing if there are none. */
void map_print_places(FILE *to, __u32 prog, const struct elfmap_census *census, bool in_full, const char *before,
		      const char *between, const char *after);
/* Prints the users of the map, separated by commas; "-": no users, "?": unknown. */
void map_print_users(FILE *to, const struct map_facts *facts, const struct elfmap_census *census, const char *tc_dir);

/* The row as JSON: bpftool's members first, then ours. */
json_object *map_facts__json(const struct map_facts *facts, const struct elfmap_census *census);

#endif
