/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What list and show tell of a pinned map: queried here, rendered there. */
#ifndef ELFMAP_MAP_FACTS_H
#define ELFMAP_MAP_FACTS_H

#include <json-c/json.h>
#include <stdio.h>

#include "hook/map_users.h"

struct map_facts {
	char *path;
	struct bpf_map_info info;
	__s64 entries; /* -1: they cannot be counted */
	bool frozen;
	enum elfmap_survival survival; /* of the content, if this pin went */
};

/* -EMEDIUMTYPE, -ENOENT ... as elfmap_map__open(). */
int map_facts__read(const char *path, const struct elfmap_census *census, struct map_facts *ret_facts,
		    struct elfmap_msg *msg);
void map_facts__free(struct map_facts *facts);

/* "percpu_hash", or the number of a type that has no name. */
const char *map_facts__type(const struct map_facts *facts, char text[16]);
/* The shortest word that means PATH as a PIN: relative to TC_DIR ("": there is none), or the path. */
const char *map_pin_word(const char *path, const char *tc_dir);

/* The slots and hooks that program PROG is in, in a few words ("eth0 ingress") or in all of them; BEFORE the first,
 * BETWEEN two, AFTER the last, if there is any. */
void map_print_places(FILE *to, __u32 prog, const struct elfmap_census *census, bool in_full, const char *before,
		      const char *between, const char *after);
/* Everything that uses the map, separated by commas; "-" for nothing, "?" when that cannot be told. */
void map_print_users(FILE *to, const struct map_facts *facts, const struct elfmap_census *census, const char *tc_dir);

/* The row as JSON: bpftool's words, then ours. */
json_object *map_facts__json(const struct map_facts *facts, const struct elfmap_census *census);

#endif
