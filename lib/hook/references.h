/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How many references the kernel holds to each program and map. Hooks can be listed only in network namespaces that are
 * known by name or by a process; the counts tell in all of them whether a program is attached. They are read by an
 * iterator program (Linux 5.8, with BTF).
 */
#ifndef ELFMAP_REFERENCES_H
#define ELFMAP_REFERENCES_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct elfmap_refcount {
	__s64 count; /* of pins, descriptors, hooks, slots, programs */
	__u64 id;
};

struct elfmap_references {
	struct elfmap_refcount *progs, *maps;
	size_t nr_progs, nr_maps;
};

/* -EOPNOTSUPP: this kernel has no such iterators. -EPERM, -ENOMEM. elfmap_references__free() */
int elfmap_references__read(struct elfmap_references *ret_references);
void elfmap_references__free(struct elfmap_references *references);

/* The count of an object with this ID; 0: it is not listed. */
__s64 elfmap_references__of_prog(const struct elfmap_references *references, __u32 id);
__s64 elfmap_references__of_map(const struct elfmap_references *references, __u32 id);

/* Has a process of this PID namespace map ID open? RET_PID and RET_NAME (of 16 bytes) are one of them. */
bool elfmap_process__has_map(__u32 id, int *ret_pid, char *ret_name);

#endif
