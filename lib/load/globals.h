/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The global variables of an object, and the values that a request sets before the programs are loaded. */
#ifndef ELFMAP_LOAD_GLOBALS_H
#define ELFMAP_LOAD_GLOBALS_H

#include <bpf/btf.h>

#include "load/load.h"
#include "object/object.h"

/* Lists the variables of the DATASEC named SECTION in BTF, or of the one with type id ID if that is not 0, that lie in
 * SIZE bytes, by offset. -ENOENT: there is none. -ENOMEM. The caller frees *RET_VARIABLES. */
int elfmap_btf__list_variables(const struct btf *btf, const char *section, __u32 id, size_t size,
			       struct elfmap_variable **ret_variables, size_t *ret_nr);

/* The same for MAP of LOAD, by BTF or by symbols without types. */
int elfmap_load__list_variables(const struct elfmap_load *load, const struct elfmap_load_map *map,
				struct elfmap_variable **ret_variables, size_t *ret_nr);

/* Checks that each variable of opts.settings exists once. -ENOENT, -ENOTUNIQ */
int elfmap_load__check_settings(const struct elfmap_load *load, struct elfmap_msg *msg);
/* Writes the values of opts.settings that are for MAP to BYTES, its values. -EINVAL: a value of another type or out of
 * range. */
int elfmap_load__apply_settings(const struct elfmap_load *load, const struct elfmap_load_map *map, unsigned char *bytes,
				struct elfmap_msg *msg);

#endif
