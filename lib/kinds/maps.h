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

/* NULL, or how DEF breaks the rule. */
typedef const char *elfmap_map_rule(const struct bpf_elf_map *def);

/* A reason that does not exist: the entries can be read, written, ... A row without a decision has NULL. */
#define ELFMAP_NO_REASON ""

struct elfmap_map_kind {
	const char *name;   /* as bpftool spells it; NULL: the type is unknown */
	const char *phrase; /* "an lru_hash" */

	/* Why not, or ELFMAP_NO_REASON. */
	const char *unreadable; /* entries cannot be listed */
	const char *unwritable;
	const char *undeletable;
	const char *uncopyable; /* though readable: entries cannot be written to another map */

	/* What EINVAL means; NULL: unknown. */
	const char *invalid_update;
	const char *invalid_delete;

	/* Of BPF_MAP_CREATE. */
	elfmap_map_rule *rules[ELFMAP_MAX_MAP_RULES + 1]; /* the plain ones first, then NULL */
	__u32 flags;					  /* that a kernel takes; at least those of Linux 6.18 */
	__u32 added_flags;				  /* that the kernel adds by itself */
	enum elfmap_map_size size;
	enum elfmap_map_value value;
	bool takes_btf;		 /* types of key and value; of other kinds the kernel refuses the whole map */
	bool needs_btf;		 /* cannot be made without them */
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
	bool reads_batches;   /* BPF_MAP_LOOKUP_BATCH goes by buckets or indexes: nothing twice, nothing left out */
	bool takes_batches;   /* BPF_MAP_LOOKUP_AND_DELETE_BATCH */
	bool has_two_writers; /* two threads write faster than one */
	bool can_be_mapped;   /* with BPF_F_MMAPABLE */
};

/* The row of TYPE. A type without one has all columns of an unknown type: no name, no rules, nothing forbidden. */
const struct elfmap_map_kind *elfmap_map_kind__of(__u32 type);

static inline bool elfmap_map__is_map_in_map(__u32 type)
{
	return elfmap_map_kind__of(type)->value == ELFMAP_VALUE_MAP;
}

static inline bool elfmap_map__is_prog_array(__u32 type)
{
	return elfmap_map_kind__of(type)->value == ELFMAP_VALUE_PROGRAM;
}

/* The first rule of its type that DEF breaks ("needs flag 0x1, BPF_F_NO_PREALLOC"); NULL: no known one. The rules
 * are those of every kernel; a kernel may have more. */
const char *elfmap_map__fault(const struct bpf_elf_map *def);

#endif
