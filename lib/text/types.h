/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types of keys and values: trees of struct elfmap_type, whose leaves have a notation. A tree is read from BTF and
 * checked (types_btf.c), or parsed from text (types_words.c). Values are read and written with it (values.h). This does
 * not use the kernel or globals.
 *
 * Each notation is described by its row in notation.c.
 */
#ifndef ELFMAP_TEXT_TYPES_H
#define ELFMAP_TEXT_TYPES_H

#include <bpf/btf.h>

#include "elfmap.h"

enum elfmap_notation {
	ELFMAP_INTEGER,
	ELFMAP_BIG_ENDIAN, /* an integer in network byte order */
	ELFMAP_BOOL,
	ELFMAP_ENUM,
	ELFMAP_IPV4,
	ELFMAP_IPV6,
	ELFMAP_IP, /* 16 bytes; IPv4 as ::ffff:0:0/96 */
	ELFMAP_MAC,
	ELFMAP_PREFIX, /* the key of an LPM_TRIE: members[0] the length, 4 bytes, members[1] address or bytes */
	ELFMAP_IFINDEX,
	ELFMAP_CGROUP_ID, /* 8 bytes */
	ELFMAP_PROG_ID,	  /* 4 bytes, of a program or a map: a plain number to the kernel */
	ELFMAP_MAP_ID,
	ELFMAP_EARLIEST, /* integers; the sum of copies is the earliest except 0, or the latest */
	ELFMAP_LATEST,
	ELFMAP_STRING, /* char[] */
	ELFMAP_HEX,    /* bytes of unknown meaning */
	ELFMAP_STRUCT, /* also a union and the variables of a data section */
	ELFMAP_ARRAY,
	/* Slots that are written as a descriptor and read as something else: */
	ELFMAP_PROG,   /* read: the program's id */
	ELFMAP_MAP,    /* read: the map's id */
	ELFMAP_CGROUP, /* cannot be read */
	ELFMAP_HANDLE, /* of another object, e.g. a socket; read: its cookie, if at all */
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
	const char *name; /* of the member; "" for a whole type; in the BTF or owned_name */
	size_t name_length;
	size_t offset;		 /* in the parent, bytes */
	size_t size;		 /* bytes; of a bit field all bytes that it touches */
	unsigned int bits;	 /* of a number */
	unsigned int bit_offset; /* first bit of a bit field, counted as the machine does */
	bool is_signed;
	struct elfmap_enumerator *enumerators;
	size_t nr_enumerators;
	size_t count;		     /* elements of an array */
	struct elfmap_type *members; /* of a struct; of an array its element type */
	size_t nr_members;
	bool overlaps;		 /* members share bytes, as a union's do */
	bool has_objects;	 /* it is or contains a PROG or a MAP */
	bool is_lpm_key;	 /* the whole key of an LPM_TRIE: bits after its length are read as 0 */
	bool is_packed;		 /* parsed as `struct packed`: without alignment */
	char *owned_name;	 /* name, padded with zeros to a multiple of ELFMAP_NAME_STEP */
	char *owned_enumerators; /* names of enumerators, if not in the BTF */
	/* Of a whole key or value: the bits that members show; NULL: all. */
	unsigned char *shown;
};

/* Makes the tree of BTF type ID, which must have SIZE bytes. -EINVAL, with type and reason in the message: inconsistent
 * BTF. The BTF must outlive the tree. */
int elfmap_type__read(const struct btf *btf, __u32 id, size_t size, struct elfmap_type **ret_type,
		      struct elfmap_msg *msg);

/* Makes a tree without BTF. NULL, -ENOMEM: no memory. */
struct elfmap_type *elfmap_type__new(enum elfmap_notation notation, size_t size);
int elfmap_type__add_member(struct elfmap_type *parent, const char *name, size_t offset, enum elfmap_notation notation,
			    size_t size);
/* For keys of an LPM_TRIE: bits after the length are read as 0, and a struct of a 32-bit length and an address, or 4 or
 * 16 bytes, becomes a PREFIX. */
void elfmap_type__make_prefix(struct elfmap_type *type);
/* Call it when all members are added: finds the bits that members show. -ENOMEM. */
int elfmap_type__finish(struct elfmap_type *type);
void elfmap_type__free(struct elfmap_type *type);

/* The name of NUMBER in an enum, or NULL. */
const char *elfmap_type__enumerator(const struct elfmap_type *type, __int128 number);
/* The enumerator that WORD means, of those with numbers up to MOST: its name; or, if that is the only one, its name in
 * upper or lower case, with or without the prefix that all names share. NULL: none, or several. */
const struct elfmap_enumerator *elfmap_enum__find(const struct elfmap_type *type, const char *word, size_t length,
						  __u64 most);
/* Lists the names up to MOST as `elfmap_enum__find()` accepts them: "pass, drop"; "..." if they are too many. */
void elfmap_enum__list(const struct elfmap_type *type, __u64 most, char *ret_names, size_t size);

/* Are all members numbers, so that copies can be added up? If not, RET_CULPRIT is the name of one ("": the whole type).
 */
bool elfmap_type__can_sum(const struct elfmap_type *type, const char **ret_culprit);
/* Is it a plain counter, so that its change over time is a rate? */
bool elfmap_type__is_counter(const struct elfmap_type *type);
/* Does BYTES have bits set that TYPE, of a whole key or value, does not show? */
bool elfmap_type__hides(const struct elfmap_type *type, const void *bytes);

/* Parses a type of SIZE bytes: a name of elfmap_type__name() (`bytes` and `string` without [N] have SIZE bytes), and
 * [N] for an array. Structs are laid out as in C. Moves *WORDS past the type; the caller checks what follows (a NUL, a
 * blank or a colon). -EINVAL: no such type, or it has another size. */
int elfmap_type__parse(const char **words, size_t size, struct elfmap_type **ret_type, struct elfmap_msg *msg);

/* Adds TYPE in the syntax of elfmap_type__parse(). False: the result has another layout (unions, bit fields, gaps
 * unlike C) and only informs; use `bytes[N]` instead. */
struct elfmap_buffer;
bool elfmap_type__write(struct elfmap_buffer *to, const struct elfmap_type *type);

/* A name of a type. */
struct elfmap_type_name {
	const char *name;    /* NULL: end of the names of a notation */
	size_t size;	     /* bytes; 0: given after the name */
	const char *summary; /* NULL: a synonym, not listed */
	bool is_signed;
	bool in_btf; /* also for a typedef or struct of this name and size in BTF */
};

/* The Nth listed name; NULL: no more. */
const struct elfmap_type_name *elfmap_type__name(size_t nth);

/* ---- types in files ------------------------------------------------------------------------------------------ */

/*
 * Types for maps that have no BTF. A file in /etc/elfmap/types.d has a line for each map:
 *
 *   NAME KEYTYPE VALUETYPE     # `-` is the key type of a map without keys
 */

/* Finds the types of map NAME, with these sizes of keys and values, in the files of DIR. 0 and NULL: not found, or no
 * such directory. A type of 0 bytes stays NULL. -EINVAL, with file and line in the message: a wrong line for NAME;
 * -ENOTUNIQ: two lines for it. Lines of other names are not checked. */
int elfmap_types_dir__find(const char *dir, const char *name, size_t key_size, size_t value_size,
			   struct elfmap_type **ret_key, struct elfmap_type **ret_value, struct elfmap_msg *msg);

#endif
