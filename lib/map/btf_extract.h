/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reduces BTF to the types of a map's keys and values. */
#ifndef ELFMAP_BTF_EXTRACT_H
#define ELFMAP_BTF_EXTRACT_H

#include <bpf/btf.h>

/* Copies the types *IDS[0] to *IDS[NR - 1] (0: none), and those that they need, from the BTF in BYTES into a smaller
 * one: *RET_BYTES, which the caller frees. *IDS[] become the ids in it. A negative errno: a type is missing or unknown.
 */
int elfmap_btf__extract(const void *bytes, size_t size, __u32 *const *ids, size_t nr, void **ret_bytes,
			size_t *ret_size);

#endif
