/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the bytes of a key or a value mean, and how that is written. BTF is read once, into a tree of
 * struct elfmap_type that has been checked (codec.c); whatever shows values works on the tree
 * (codec_print.c). No kernel, no globals.
 *
 * Text is words, made so that they can be read back without guessing:
 *
 *   integer, bool    -5   true              struct     { field value ... }
 *   enum             NAME_IN_THE_ENUM       array      [ value ... ]
 *   char[]           "as in C"              no type    hex 0a 0b
 *
 * The names of typedefs decide how addresses are written: see notations[] in codec.c.
 */
#ifndef ELFMAP_CODEC_H
#define ELFMAP_CODEC_H

#include <bpf/btf.h>
#include <stdio.h>

#include "elfmap.h"

enum elfmap_notation {
	ELFMAP_HEX, /* bytes whose meaning nobody told us */
	ELFMAP_INTEGER,
	ELFMAP_BIG_ENDIAN, /* an integer in network order, shown as the number it is */
	ELFMAP_BOOL,
	ELFMAP_ENUM,
	ELFMAP_STRING, /* char[] */
	ELFMAP_IPV4,
	ELFMAP_IPV6,
	ELFMAP_IP, /* 16 bytes; IPv4 is mapped: ::ffff:0:0/96 */
	ELFMAP_MAC,
	ELFMAP_IFINDEX,
	ELFMAP_EARLIEST, /* integers; of copies the earliest that is not 0, and the latest, are meant */
	ELFMAP_LATEST,
	ELFMAP_STRUCT, /* a union and the variables of a data section, too */
	ELFMAP_ARRAY,
};

struct elfmap_type {
	enum elfmap_notation notation;
	const char *name;	 /* of the member; "" for a type by itself; lives in the BTF */
	size_t offset;		 /* in the parent, bytes */
	size_t size;		 /* bytes; of a bit field those that it touches */
	unsigned int bits;	 /* of a number */
	unsigned int bit_offset; /* a bit field's first bit in its first byte, from the end the machine counts from */
	bool is_signed;
	const struct btf *btf; /* of an enum: where its names are */
	const struct btf_type *enumeration;
	size_t count;		     /* elements of an array */
	struct elfmap_type *members; /* of a struct; of an array the one element */
	size_t nr_members;
};

/* The tree for type ID, which must have SIZE bytes. -EINVAL (the message says which type and why)
 * for BTF that contradicts itself. The BTF must outlive the tree. */
int elfmap_type__read(const struct btf *btf, __u32 id, size_t size, struct elfmap_type **ret_type,
		      struct elfmap_msg *msg);

/* A tree where there is no BTF. NULL, -ENOMEM: no memory. NAME is not copied. */
struct elfmap_type *elfmap_type__new(enum elfmap_notation notation, size_t size);
int elfmap_type__add_member(struct elfmap_type *parent, const char *name, size_t offset, enum elfmap_notation notation,
			    size_t size);
void elfmap_type__free(struct elfmap_type *type);

/* A value, or the copies of it that the CPUs have, whose numbers are then added up (times: compared). */
struct elfmap_value {
	const void *bytes;
	size_t copies; /* 1: nothing to add */
	size_t stride; /* bytes from a copy to the next */
};

/* The value of a member, or of an array's element INDEX. */
struct elfmap_value elfmap_type__member(const struct elfmap_type *member, const struct elfmap_value *value,
					size_t index);
/* Wide enough for every number and every sum. */
__int128 elfmap_type__number(const struct elfmap_type *type, const struct elfmap_value *value);
/* The name an enum has for NUMBER, or NULL. */
const char *elfmap_type__enumerator(const struct elfmap_type *type, __int128 number);
/* An address in words; false: TYPE is none. */
bool elfmap_type__address(const struct elfmap_type *type, const void *bytes, char text[64]);
/* How many bytes of a char[] stand before the zeros at its end. */
size_t elfmap_type__string_length(const struct elfmap_type *type, const void *bytes);

/* Is every member a number, so that copies can be added up? If not, which one is not ("" for the
 * whole). */
bool elfmap_type__can_sum(const struct elfmap_type *type, const char **ret_culprit);
/* Sets every bit of MASK (which has the type's size) that some member shows; what is left is padding. */
void elfmap_type__mark_shown(const struct elfmap_type *type, unsigned char *mask);

const char *elfmap_decimal(__int128 number, char text[48]);

/* Renders VALUE on TO. IFNAME, if_indextoname() or its like, knows devices' names; NULL: numbers. */
void elfmap_type__print(const struct elfmap_type *type, const struct elfmap_value *value,
			char *(*ifname)(unsigned int, char *), FILE *to);

#endif
