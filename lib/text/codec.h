/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the bytes of a key or a value mean. BTF is read once, into a tree of struct elfmap_type that
 * has been checked (codec.c), or the tree is made from a type in words (type_words.c); whatever
 * writes or reads values works on the tree (text.h). No kernel, no globals.
 *
 * The names of typedefs decide how addresses are written: see notations[] in codec.c.
 */
#ifndef ELFMAP_CODEC_H
#define ELFMAP_CODEC_H

#include <bpf/btf.h>

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
	ELFMAP_PREFIX,	  /* the key of an LPM_TRIE: members[0] the length, 4 bytes, members[1] address or bytes */
	ELFMAP_CGROUP_ID, /* 8 bytes */
	ELFMAP_PROG_ID,	  /* 4 bytes, of a program or a map: just a number to the kernel */
	ELFMAP_MAP_ID,
	/* Slots of the kernel's, which are written as a descriptor and read as something else: */
	ELFMAP_PROG,   /* read: the program's id */
	ELFMAP_MAP,    /* read: the map's id */
	ELFMAP_CGROUP, /* cannot be read */
	ELFMAP_HANDLE, /* of anything else, a socket for instance; read: its cookie, or not at all */
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
/* How many bytes of a char[] stand before the zeros at its end. */
size_t elfmap_type__string_length(const struct elfmap_type *type, const void *bytes);

/* Is every member a number, so that copies can be added up? If not, which one is not ("" for the
 * whole). */
bool elfmap_type__can_sum(const struct elfmap_type *type, const char **ret_culprit);
/* Has BYTES anything but zeros where TYPE, that of a whole key or value, shows nothing? */
bool elfmap_type__hides(const struct elfmap_type *type, const void *bytes);

/* NUMBER in decimal, of which 128 bits unsigned are read as such if TYPE says so; somewhere in TEXT. */
const char *elfmap_type__decimal(const struct elfmap_type *type, __int128 number, char text[48]);

/* A tree from a type in words, which must have SIZE bytes:
 *
 *   u8 u16 u32 u64 u128  s8 ... s128  be16 be32 be64  bool  ipv4 ipv6 ip mac  prefix4 prefix6 prefix
 *   ifindex  cgroup (8 bytes: its id)  prog map (4 bytes: an id)  earliest_ns latest_ns
 *   string[N] bytes[N], a type by itself also without [N]: all of SIZE
 *   enum { NAME NUMBER ... }, 4 bytes; enum8 enum16 enum64
 *   TYPE[N]
 *   struct { TYPE NAME ... }, laid out as in C      struct packed { TYPE NAME ... }
 *
 * *WORDS is moved behind the type: what follows is the caller's (a NUL, a blank or a colon).
 * -EINVAL: no such type, or it has another size (the message says both). */
int elfmap_type__parse(const char **words, size_t size, struct elfmap_type **ret_type, struct elfmap_msg *msg);

#endif
