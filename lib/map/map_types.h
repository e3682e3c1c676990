/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the keys and values of a map are. The first that knows it decides, for key and value each:
 *
 *   words      `types KEY:VALUE`, or `key TYPE value TYPE`, from the command line
 *   the map    its BTF
 *   files      /etc/elfmap/types.d: lines `NAME KEYTYPE VALUETYPE`
 *   its type   what the kernel prescribes: indexes, prefixes, programs, devices, ...
 *   nobody     bytes
 *
 * Where the kernel alone decides, what others say of the value is not asked.
 */
#ifndef ELFMAP_MAP_TYPES_H
#define ELFMAP_MAP_TYPES_H

#include "text/types.h"
#include "text/values.h"

#define ELFMAP_TYPES_DIR "/etc/elfmap/types.d" /* or $ELFMAP_TYPES_DIR */

#define ELFMAP_TYPES_ARE_SECRET                                                                                       \
	"note: to know its types takes CAP_SYS_ADMIN; without, keys and values are bytes, or what 'types KEY:VALUE' " \
	"says"

struct elfmap_map_types {
	struct btf *btf;	   /* where names live; NULL: the map has none */
	struct elfmap_type *key;   /* NULL: keys have no bytes (queues, stacks, bloom filters) */
	struct elfmap_type *value; /* NULL: values have no bytes */
	bool are_secret;	   /* the map has BTF, which we may not read: others were asked instead */
};

/* What the command line said. NULL: nothing. */
struct elfmap_type_words {
	const char *key;
	const char *value;
};

/* The types of the map that INFO describes. NAME is what files call it: the last part of its pin's path, or
 * NULL for the name in INFO. WORDS may be NULL. -EINVAL, with a message: words or a file say something that is
 * no type, or one of another size; two files contradict each other. */
int elfmap_map_types__find(const struct bpf_map_info *info, const char *name, const struct elfmap_type_words *words,
			   struct elfmap_map_types *ret_types, struct elfmap_msg *msg);
void elfmap_map_types__free(struct elfmap_map_types *types);

/* How entries are written: one value, or one for each CPU that the kernel could have. TYPES must outlive it. */
int elfmap_map_types__format(const struct elfmap_map_types *types, const struct bpf_map_info *info,
			     struct elfmap_format *ret_format, struct elfmap_msg *msg);

/* Splits "KEY:VALUE", which it writes to; -EINVAL: there is no colon. */
int elfmap_type_words__split(char *pair, struct elfmap_type_words *ret_words, struct elfmap_msg *msg);

#endif
