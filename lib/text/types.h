/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types of keys and values: trees of struct elfmap_type, whose leaves each have a notation. A tree is read from
 * BTF and checked (types_btf.c), or made from words (types_words.c). What reads and writes values (values.h) works
 * on the tree. No kernel, no globals.
 *
 * What is known of a notation is its row in notation.c.
 */
#ifndef ELFMAP_TEXT_TYPES_H
#define ELFMAP_TEXT_TYPES_H

#include <bpf/btf.h>

#include "elfmap.h"

enum elfmap_notation {
	ELFMAP_INTEGER,
	ELFMAP_BIG_ENDIAN, /* an integer in network order, shown as the number it is */
	ELFMAP_BOOL,
	ELFMAP_ENUM,
	ELFMAP_IPV4,
	ELFMAP_IPV6,
	ELFMAP_IP, /* 16 bytes; IPv4 is mapped: ::ffff:0:0/96 */
	ELFMAP_MAC,
	ELFMAP_PREFIX, /* the key of an LPM_TRIE: members[0] the length, 4 bytes, members[1] address or bytes */
	ELFMAP_IFINDEX,
	ELFMAP_CGROUP_ID, /* 8 bytes */
	ELFMAP_PROG_ID,	  /* 4 bytes, of a program or a map: just a number to the kernel */
	ELFMAP_MAP_ID,
	ELFMAP_EARLIEST, /* integers; the sum of copies is the earliest that is not 0, or the latest */
	ELFMAP_LATEST,
	ELFMAP_STRING, /* char[] */
	ELFMAP_HEX,    /* bytes of unknown meaning */
	ELFMAP_STRUCT, /* a union and the variables of a data section, too */
	ELFMAP_ARRAY,
	/* Slots of the kernel's, which are written as a descriptor and read as something else: */
	ELFMAP_PROG,   /* read: the program's id */
	ELFMAP_MAP,    /* read: the map's id */
	ELFMAP_CGROUP, /* cannot be read */
	ELFMAP_HANDLE, /* of anything else, a socket for instance; read: its cookie, or not at all */
	ELFMAP_NR_NOTATIONS
};

struct elfmap_enumerator {
	const char *name;
	size_t name_length;
	__u64 number; /* sign-extended */
};

#define ELFMAP_NAME_STEP 16

struct elfmap_type {
	enum elfmap_notation notation;
	const char *name; /* of the member; "" for a type by itself; lives in the BTF, or in owned_name */
	size_t name_length;
	size_t offset;		 /* in the parent, bytes */
	size_t size;		 /* bytes; of a bit field those that it touches */
	unsigned int bits;	 /* of a number */
	unsigned int bit_offset; /* a bit field's first bit in its first byte, from the end the machine counts from */
	bool is_signed;
	struct elfmap_enumerator *enumerators;
	size_t nr_enumerators;
	size_t count;		     /* elements of an array */
	struct elfmap_type *members; /* of a struct; of an array the one element */
	size_t nr_members;
	bool overlaps;		 /* members share bytes, as a union's do */
	bool has_objects;	 /* it, or something in it, is a PROG or a MAP */
	bool is_packed;		 /* of a type in words: members have no alignment */
	char *owned_name;	 /* name, padded with zeros to a multiple of ELFMAP_NAME_STEP: copied in steps */
	char *owned_enumerators; /* their names, if they are not the BTF's */
	/* Of a whole key or value: the bits of it that some member shows; NULL: all of them. */
	unsigned char *shown;
};

/* The tree for type ID, which must have SIZE bytes. -EINVAL (the message says which type and why)
 * for BTF that contradicts itself. The BTF must outlive the tree. */
int elfmap_type__read(const struct btf *btf, __u32 id, size_t size, struct elfmap_type **ret_type,
		      struct elfmap_msg *msg);

/* A tree where there is no BTF. NULL, -ENOMEM: no memory. */
struct elfmap_type *elfmap_type__new(enum elfmap_notation notation, size_t size);
int elfmap_type__add_member(struct elfmap_type *parent, const char *name, size_t offset, enum elfmap_notation notation,
			    size_t size);
/* What an LPM_TRIE has for keys: a struct of a 32-bit length and an address, or 4 or 16 bytes, becomes a
 * PREFIX. Others stay what they are. */
void elfmap_type__make_prefix(struct elfmap_type *type);
/* When a tree that was put together member by member is complete: finds out what of it shows. -ENOMEM. */
int elfmap_type__finish(struct elfmap_type *type);
void elfmap_type__free(struct elfmap_type *type);

/* The name an enum has for NUMBER, or NULL. */
const char *elfmap_type__enumerator(const struct elfmap_type *type, __int128 number);

/* Is every member a number, so that copies can be added up? If not, which one is not ("" for the
 * whole). */
bool elfmap_type__can_sum(const struct elfmap_type *type, const char **ret_culprit);
/* Is it a plain number, whose change over time is a rate? */
bool elfmap_type__is_counter(const struct elfmap_type *type);
/* Has BYTES anything but zeros where TYPE, that of a whole key or value, shows nothing? */
bool elfmap_type__hides(const struct elfmap_type *type, const void *bytes);

/* A tree from a type in words, which must have SIZE bytes: a name that elfmap_type__name() gives (`bytes` and
 * `string` by themselves have all of SIZE), and behind it [N] for an array. Structs are laid out as in C. *WORDS is
 * moved behind the type: what follows is the caller's (a NUL, a blank or a colon). -EINVAL: no such type, or it has
 * another size (the message says both). */
int elfmap_type__parse(const char **words, size_t size, struct elfmap_type **ret_type, struct elfmap_msg *msg);

/* Adds TYPE in the words that elfmap_type__parse() takes. False: those mean another layout (unions, bit
 * fields, gaps that C would not leave), they are for the eye; `bytes[N]` then stands for TYPE. */
struct elfmap_buffer;
bool elfmap_type__write(struct elfmap_buffer *to, const struct elfmap_type *type);

/* A word that a type begins with. */
struct elfmap_type_name {
	const char *name;    /* NULL: behind the last one of a notation */
	size_t size;	     /* bytes; 0: what stands behind the name decides */
	const char *summary; /* NULL: another spelling, which is not listed */
	bool is_signed;
	bool in_btf; /* a typedef or a struct of this name and size in BTF means the same */
};

/* The Nth of the names that are listed; NULL: there are no more. */
const struct elfmap_type_name *elfmap_type__name(size_t nth);

/* ---- types in files ------------------------------------------------------------------------------------------ */

/*
 * Types for maps that have no BTF. A file in /etc/elfmap/types.d has a line for each map:
 *
 *   NAME KEYTYPE VALUETYPE     # `-` is the key type of a map without keys
 */

/* The types that the files in DIR give the map called NAME, of keys and values with these sizes. 0 and
 * NULL: none does, or there is no such directory. A type of 0 bytes stays NULL. -EINVAL, with file and line in
 * the message: a line for NAME that cannot be right; -ENOTUNIQ: two of them. Other names are not looked at. */
int elfmap_types_dir__find(const char *dir, const char *name, size_t key_size, size_t value_size,
			   struct elfmap_type **ret_key, struct elfmap_type **ret_value, struct elfmap_msg *msg);

#endif
