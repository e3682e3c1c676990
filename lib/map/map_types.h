/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types of the keys and values of a map. The first source that has a type decides, separately for key and value:
 *
 *   words       `types KEY:VALUE` or `key TYPE value TYPE` on the command line
 *   BTF         of the map
 *   files       /etc/elfmap/types.d: lines `NAME KEYTYPE VALUETYPE`
 *   map type    what the kernel defines for it: indexes, prefixes, programs, devices, ...
 *   otherwise   bytes
 *
 * A value that the map type defines (a program, a map, a device) overrides the other sources.
 */
#ifndef ELFMAP_MAP_TYPES_H
#define ELFMAP_MAP_TYPES_H

#include "text/types.h"
#include "text/values.h"

#define ELFMAP_TYPES_DIR "/etc/elfmap/types.d" /* or $ELFMAP_TYPES_DIR */

#define ELFMAP_TYPES_ARE_SECRET                                                                                  \
	"note: reading its types requires CAP_SYS_ADMIN; without it, keys and values are bytes, or what 'types " \
	"KEY:VALUE' "                                                                                            \
	"says"

struct elfmap_map_types {
	struct btf *btf;	   /* owns the names in the types; NULL: no BTF */
	struct elfmap_type *key;   /* NULL: keys have no bytes (queues, stacks, bloom filters) */
	struct elfmap_type *value; /* NULL: values have no bytes */
	bool are_secret;	   /* the map has BTF that this process may not read */
};

/* Types from the command line; NULL: not given. */
struct elfmap_type_words {
	const char *key;
	const char *value;
};

/* Finds the types of the map that INFO describes. NAME is its name in the files: the last part of the path of its pin,
 * or NULL for the name in INFO. WORDS may be NULL. -EINVAL: a word or a line of a file is not a type or has the wrong
 * size, or two files contradict each other. */
int elfmap_map_types__find(const struct bpf_map_info *info, const char *name, const struct elfmap_type_words *words,
			   struct elfmap_map_types *ret_types, struct elfmap_msg *msg);
void elfmap_map_types__free(struct elfmap_map_types *types);

/* Makes the format of an entry: one value, or one for each possible CPU. TYPES must outlive it. */
int elfmap_map_types__format(const struct elfmap_map_types *types, const struct bpf_map_info *info,
			     struct elfmap_format *ret_format, struct elfmap_msg *msg);

/* Splits PAIR, "KEY:VALUE", in place. -EINVAL: it has no colon. */
int elfmap_type_words__split(char *pair, struct elfmap_type_words *ret_words, struct elfmap_msg *msg);

#endif
