/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is known about each type of map: one row a type, one column a question. Questions that sound alike are columns
 * of their own, because no two of them have the same answer for every type:
 *
 *   the key must be 4 bytes                        one of the rules
 *   the key is shown as a number                   numeric_key
 *   messages name slots, 0 to max_entries - 1      has_slots
 *   every index can be looked up                   read_by_index
 *   every entry exists, and is zero at first       keeps_slots
 */
#ifndef ELFMAP_KINDS_MAPS_H
#define ELFMAP_KINDS_MAPS_H

#include "elfmap.h"

#define ELFMAP_NR_MAP_KINDS 36 /* types 0 to 35 have a row */
#define ELFMAP_MAX_MAP_RULES 6

/* What the kernel takes for a value and returns for it. */
enum elfmap_map_value {
	ELFMAP_VALUE_BYTES = 1, /* what the program makes of them */
	ELFMAP_VALUE_NONE,	/* the map has no entries */
	ELFMAP_VALUE_PROGRAM,	/* descriptor in, id out */
	ELFMAP_VALUE_MAP,	/* descriptor in, id out */
	ELFMAP_VALUE_CGROUP,	/* descriptor in; cannot be read */
	ELFMAP_VALUE_HANDLE,	/* descriptor of a socket or perf event in; a socket's cookie out, or nothing */
	ELFMAP_VALUE_DEVICE,	/* number of a device, and with 8 bytes a program (descriptor in, id out) */
	ELFMAP_VALUE_QUEUE,	/* length of a CPU's queue, and with 8 bytes a program */
};

/* How the kernel or libbpf arrives at max_entries. */
enum elfmap_map_size {
	ELFMAP_SIZE_AS_DEFINED,
	ELFMAP_SIZE_CPUS, /* 0 means as many as there are CPUs */
	ELFMAP_SIZE_RING, /* rounded up to a power of two, and to a page */
};

/* Why not: the others are in maps.c, with the texts. A row without a decision has 0. */
#define ELFMAP_NO_REASON 1 /* the entries can be read, written, ... */

/* No pointers: the table is in the preload, and each pointer is a relocation in each tc that is started. */
struct elfmap_map_kind {
	char name[24];	 /* as bpftool spells it; "": the type is unknown */
	char phrase[28]; /* "an lru_hash" */

	/* Why not, for elfmap_map_reason__text(), or ELFMAP_NO_REASON. */
	__u8 unreadable; /* entries cannot be listed */
	__u8 unwritable;
	__u8 undeletable;
	__u8 uncopyable; /* though readable: entries cannot be written to another map */

	/* What EINVAL means; 0: unknown. */
	__u8 invalid_update;
	__u8 invalid_delete;

	/* Of BPF_MAP_CREATE. */
	__u8 rules[ELFMAP_MAX_MAP_RULES]; /* the plain ones first, then 0 */
	__u32 flags;			  /* that a kernel takes; at least those of Linux 6.18 */
	__u32 added_flags;		  /* that the kernel adds by itself */
	enum elfmap_map_size size : 8;
	enum elfmap_map_value value : 8;
	bool takes_btf;		 /* types of key and value; of other kinds the kernel refuses the whole map */
	bool needs_btf;		 /* cannot be made without them */
	bool int_key;		 /* in BTF the kernel accepts only an int for its key */
	bool belongs_to_program; /* cannot be made alone */
	bool is_new;		 /* not in every <linux/bpf.h> that is in use with libbpf 1.0 */

	/* Keys and entries. */
	bool numeric_key;
	bool has_slots;
	bool read_by_index;
	bool keeps_slots;
	bool has_silent_slots; /* an empty slot exists for BPF_EXIST, and can be deleted */
	bool empty_is_invalid; /* EINVAL for the deletion of an empty slot */
	bool shows_cookies;    /* unreadable, except where values have 8 bytes */
	bool is_prefix;	       /* the key is a prefix length and data */
	bool is_pushed;	       /* values are written without a key */
	bool is_queue;	       /* and taken out one by one */
	bool is_lifo;	       /* the last one first */
	bool is_lru;	       /* makes room by itself */
	bool can_be_full;      /* refuses new entries when there are max_entries */
	bool per_cpu;

	/* Calls for many entries. */
	bool reads_batches;   /* BPF_MAP_LOOKUP_BATCH goes by buckets or indexes, each entry once */
	bool takes_batches;   /* BPF_MAP_LOOKUP_AND_DELETE_BATCH */
	bool has_two_writers; /* two threads write faster than one */
	bool can_be_mapped;   /* with BPF_F_MMAPABLE */
};

/* The row of TYPE. A type without one has all columns of an unknown type: no name, no rules, nothing forbidden. */
const struct elfmap_map_kind *elfmap_map_kind__of(__u32 type);

/* The text of a reason ("its slots can only be written"); "" for ELFMAP_NO_REASON, NULL for 0. */
const char *elfmap_map_reason__text(__u8 reason);

static inline bool elfmap_map__is_map_in_map(__u32 type)
{
	return elfmap_map_kind__of(type)->value == ELFMAP_VALUE_MAP;
}

static inline bool elfmap_map__is_prog_array(__u32 type)
{
	return elfmap_map_kind__of(type)->value == ELFMAP_VALUE_PROGRAM;
}

/* BPF_ANNOTATE_KV_PAIR leaves a struct of this name and the map's, whose members are the types of key and value. Where
 * the kernel accepts only an int for the key, a typedef of this name stands for it. */
#define ELFMAP_ANNOTATION "____btf_map_"

/* Clears the bits of an LPM_TRIE's KEY, of SIZE bytes, after its prefix length. The kernel ignores them, but keeps and
 * shows them. A key whose length is invalid stays as it is. */
void elfmap_prefix__mask(void *key, size_t size);

/* The first rule of its type that DEF breaks ("needs flag 0x1, BPF_F_NO_PREALLOC"); NULL: no known one. The rules
 * are those of every kernel; a kernel may have more. */
const char *elfmap_map__fault(const struct bpf_elf_map *def);

#endif
