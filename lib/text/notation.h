/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The table of notations. Each has a row in notation.c; the functions of a row are in the file of its family:
 * scalars.c, addresses.c, names.c, values.c. To add a notation, add its name to enum elfmap_notation, a row, functions
 * if no existing ones fit, and a line in elfmap-map(8).
 */
#ifndef ELFMAP_NOTATION_H
#define ELFMAP_NOTATION_H

#include "text/values.h"

/* 0 in these enums: the column was forgotten. */
enum notation_number {
	NUMBER_NOT = 1,
	NUMBER_HERE,	/* in the byte order of the machine */
	NUMBER_NETWORK, /* in network byte order */
};

/* How the copies of all CPUs are combined. */
enum notation_sum {
	SUM_NOT = 1,
	SUM_ADD,
	SUM_COUNT, /* added, and its change over time is a rate */
	SUM_EARLIEST,
	SUM_LATEST,
	SUM_MEMBERS, /* as for each member */
};

/* The alignment in C; or: */
#define ALIGNED_TO_SIZE (-1)
#define ALIGNED_AS_MEMBERS (-2)

struct words; /* the state of parsing a type: types_words.c */

/* The types of the functions in columns, which are described at the columns. */
typedef int notation_parse(struct words *words, enum elfmap_notation notation, const struct elfmap_type_name *name,
			   struct elfmap_type *node);
typedef bool notation_describe(struct elfmap_buffer *to, const struct elfmap_type *type);
typedef int notation_read(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
typedef void notation_write(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			    struct elfmap_resolver *resolver);
typedef void notation_json(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value);
typedef char *notation_put(char *to, const struct elfmap_type *type, const void *bytes);
typedef size_t notation_scan(const char *at, const char *end, unsigned char *to);

struct notation {
	/* Its names in types; the list may be empty. */
	const struct elfmap_type_name *names;
	notation_parse *parse;	     /* fills NODE; NULL: no names */
	notation_describe *describe; /* adds the name of TYPE; false: it means another layout */

	enum notation_number number;
	enum notation_sum sum;
	int alignment;

	notation_read *read;  /* reads a value at the cursor */
	const char *expected; /* description of a value, for refusals */
	notation_write *write;
	notation_json *json;

	/* ---- columns that may be NULL or 0 ---- */

	notation_put *put;	     /* writes one copy in SCALAR_ROOM, without names: its end, or NULL: not possible */
	notation_scan *scan;	     /* an address: reads it at AT; its length in characters, or 0 */
	const char *prefix;	     /* of an address: the name of a prefix of it */
	notation_read *read_hex;     /* reads the bytes after `hex`; NULL: one for each byte */
	bool has_members;	     /* it consists of members, which are shown */
	bool is_slot;		     /* a program or a map: updates take a descriptor */
	enum elfmap_notation object; /* the kind of a name: ELFMAP_PROG, ELFMAP_MAP or ELFMAP_CGROUP */
};

extern const struct notation notations[ELFMAP_NR_NOTATIONS];

static inline const struct notation *notation_of(const struct elfmap_type *type)
{
	return &notations[type->notation];
}

static inline bool type__is_number(const struct elfmap_type *type)
{
	return notation_of(type)->number != NUMBER_NOT;
}

/* The first forgotten column of ROW, or NULL. */
const char *notation__undecided(const struct notation *row);
/* Finds the notation of a name in a type, or of a typedef in BTF. NULL: not found; *RET_NOTATION is then unchanged. */
const struct elfmap_type_name *notation__find(const char *name, size_t length, enum elfmap_notation *ret_notation);
const struct elfmap_type_name *notation__find_btf(const char *name, size_t size, enum elfmap_notation *ret_notation);

/* ---- types.c: building trees --------------------------------------------------------------------------------- */

void type__set_notation(struct elfmap_type *node, enum elfmap_notation notation, size_t size);
/* Valid until the next member is added. NULL: no memory. */
struct elfmap_type *type__new_member(struct elfmap_type *parent, const char *name, size_t offset);
/* Is it a valid name in text? Letters, digits, `_` and `.`, and no digit first. */
bool type__is_name(const char *name, size_t length);
int type__set_name(struct elfmap_type *member, const char *name, size_t length);
/* Call it when the last member of PARENT has its place and type. */
void type__note_member(struct elfmap_type *parent);
/* Outside of keys of an LPM_TRIE a prefix is recognised by the names of its members. */
void type__recognise_prefix(struct elfmap_type *type);
/* Frees the members of TYPE, but not TYPE. */
void type__clear(struct elfmap_type *type);
size_t type__alignment(const struct elfmap_type *type);
size_t type__round_up(size_t at, size_t alignment);

/* ---- types_words.c: columns parse and describe ---------------------------------------------------------------- */

notation_parse words__parse_plain, words__parse_bytes, words__parse_prefix, words__parse_enum, words__parse_struct;
notation_describe words__describe_plain, words__describe_integer, words__describe_bytes, words__describe_prefix,
	words__describe_enum, words__describe_struct, words__describe_array, words__describe_slot,
	words__describe_handle;

/* ---- scalars.c, addresses.c, names.c, values.c: columns read, write, json, put, scan ----------------- */

notation_read text__read_number, text__read_bool, text__read_enum, text__read_address, text__read_prefix,
	text__read_hex_prefix, text__read_device, text__read_id, text__read_slot, text__read_handle, text__read_nothing,
	text__read_string, text__read_struct, text__read_array;
notation_write text__write_number, text__write_bool, text__write_enum, text__write_address, text__write_prefix,
	text__write_device, text__write_cgroup, text__write_object, text__write_handle, text__write_bytes,
	text__write_string, text__write_struct, text__write_array;
notation_json json__add_number, json__add_bool, json__add_enum, json__add_address, json__add_id, json__add_bytes,
	json__add_text, json__add_members, json__add_array;

notation_put text__put_number, text__put_ipv4, text__put_ipv6, text__put_ip, text__put_mac;
notation_scan text__scan_ipv4, text__scan_ipv6, text__scan_ip, text__scan_mac;

#endif
