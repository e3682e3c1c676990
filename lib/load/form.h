/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Can the entries of a running map be those of an object's map, as they are or converted? */
#ifndef ELFMAP_LOAD_FORM_H
#define ELFMAP_LOAD_FORM_H

#include "load/load.h"

enum elfmap_load_form {
	ELFMAP_FORM_SAME,      /* the object can use the running map */
	ELFMAP_FORM_CONVERTED, /* the object's map has more entries, or other members of key or value */
	ELFMAP_FORM_OTHER,
};

/* Compares MAP, which is listed and not made yet, with the running map INFO by definition and, where both have BTF, by
 * members. MSG (may be NULL) says what differs in the members, or why they cannot be converted; else it is "". */
enum elfmap_load_form elfmap_load_map__compare(const struct elfmap_load *load, const struct elfmap_load_map *map,
					       const struct bpf_map_info *info, struct elfmap_msg *msg);

#endif
