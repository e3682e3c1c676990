/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Each type of program: its names, its sections' names, its attach type, its hooks. */
#ifndef ELFMAP_KINDS_PROGS_H
#define ELFMAP_KINDS_PROGS_H

#include "elfmap.h"

/* Bits: where a program of a type can be attached. */
enum elfmap_prog_hooks {
	ELFMAP_AT_FILTER = 1 << 0, /* of tc */
	ELFMAP_AT_TCX = 1 << 1,	   /* and netkit */
	ELFMAP_AT_ACTION = 1 << 2, /* of tc */
	ELFMAP_AT_XDP = 1 << 3,	   /* a device, or an entry of a devmap or cpumap */
	ELFMAP_AT_ROUTE = 1 << 4,  /* lwt, seg6local */
	ELFMAP_AT_CGROUP = 1 << 5,
	ELFMAP_AT_SOCKET = 1 << 6,   /* a socket, or a map of sockets */
	ELFMAP_AT_NETNS = 1 << 7,    /* sk_lookup, flow dissector, netfilter */
	ELFMAP_AT_EVENT = 1 << 8,    /* probes, tracepoints, perf events, iterators */
	ELFMAP_AT_FUNCTION = 1 << 9, /* of the kernel or of another program, which it replaces or decides for */
};

struct elfmap_prog_kind {
	unsigned int hooks;
	__u32 attach_type; /* that a program is loaded for whose section does not name another */
	char name[28];	   /* as bpftool spells it: "sched_cls"; "": the type is unknown */
	char word[10];	   /* `type WORD` of a command line; "": it cannot be asked for */
	char section[12];  /* a section's name from which libbpf infers the type; "" if WORD is "" */
	bool is_libbpfs;   /* libbpf sets the attach type from what the program belongs to */
};

/* The row of TYPE. A type without one has a row without a name. */
const struct elfmap_prog_kind *elfmap_prog_kind__of(__u32 type);

/* The type of WORD on a command line. -EINVAL: unknown word; the message lists the words. */
int elfmap_prog_kind__parse(const char *word, __u32 *ret_type, struct elfmap_msg *msg);

/* The type that the name of a section suggests, or BPF_PROG_TYPE_UNSPEC. */
__u32 elfmap_prog_kind__guess(const char *section);

/* How a program is loaded besides its type. The programs of a PROG_ARRAY have the same mode. */
struct elfmap_prog_mode {
	__u32 attach_type;
	__u32 flags; /* BPF_F_XDP_HAS_FRAGS */
};
struct elfmap_prog_mode elfmap_prog_kind__mode(__u32 type, const char *section);

#endif
