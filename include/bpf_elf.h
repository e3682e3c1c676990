/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract between a BPF program and the loader in tc and ip: iproute2's "legacy" map
 * definitions in the ELF section `maps`.
 *
 * A classifier includes it by this name, and needs no other header of this project.
 * All numbers are in host byte order.
 */
#ifndef BPF_ELF_H
#define BPF_ELF_H

#include <linux/types.h>

/* Section names with a meaning. "ID/KEY", two C integers, is a tail-call slot. All other names are
 * free; the command line selects a program with `sec NAME`. */
#define ELF_SECTION_LICENSE "license"
#define ELF_SECTION_MAPS "maps"
#define ELF_SECTION_PROG "prog"		    /* default section of `ip link … xdp`, `ip route … encap bpf` */
#define ELF_SECTION_CLASSIFIER "classifier" /* default section of `tc filter … bpf` */
#define ELF_SECTION_ACTION "action"	    /* default section of `tc action … bpf` */

#define ELF_MAX_MAPS 64
#define ELF_MAX_LICENSE_LEN 128

/* Values of bpf_elf_map.pinning. Other numbers are defined in /etc/iproute2/bpf_pinning. */
#define PIN_NONE 0	/* the map exists as long as a program uses it */
#define PIN_OBJECT_NS 1 /* BPFFS/tc/SHA1-OF-THE-OBJECT/NAME */
#define PIN_GLOBAL_NS 2 /* BPFFS/tc/globals/NAME */

/* One map. A definition may be shorter, whole words and at least 16 bytes; missing members are 0. */
struct bpf_elf_map {
	__u32 type;	  /* enum bpf_map_type */
	__u32 size_key;	  /* bytes */
	__u32 size_value; /* bytes */
	__u32 max_elem;	  /* entries; bytes for a ring buffer */
	__u32 flags;	  /* BPF_F_… of BPF_MAP_CREATE */
	__u32 id;	  /* identifies it for "ID/KEY" sections (PROG_ARRAY) and inner_id (templates) */
	__u32 pinning;	  /* PIN_… */
	__u32 inner_id;	  /* map-in-map: id of the inner template */
	__u32 inner_idx;  /* template: its key in the outer map; -1: it is not inserted */
};

#ifndef __cplusplus /* the layout is the same there */
_Static_assert(sizeof(struct bpf_elf_map) == 36, "nine 32-bit words without padding");
_Static_assert(__builtin_offsetof(struct bpf_elf_map, flags) == 16, "the required part comes first");
_Static_assert(__builtin_offsetof(struct bpf_elf_map, pinning) == 24, "the samples' 28-byte form ends here");
_Static_assert(__builtin_offsetof(struct bpf_elf_map, inner_idx) == 32, "inner_idx is the last word");
#endif

/* Declares the C types of the keys and values of map NAME, so that tools can print them. */
#define BPF_ANNOTATE_KV_PAIR(name, type_key, type_val) \
	struct ____btf_map_##name {                    \
		type_key key;                          \
		type_val value;                        \
	};                                             \
	struct ____btf_map_##name ____btf_map_##name __attribute__((section(".maps." #name), used)) = {}

#endif
