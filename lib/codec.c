// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From BTF to a checked tree of types: what is printed (codec_print.c) can then trust offsets and sizes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "internal.h"

#define MAX_DEPTH 32	/* the kernel's own limit for BTF */
#define MAX_NODES 65536 /* structs that nest each other twice could grow without end */

/* Typedefs and structs whose name says how to write the bytes. Another size is another thing. */
static const struct notation {
	const char *name;
	size_t size;
	enum elfmap_notation notation;
} notations[] = {
	{"ipv4", 4, ELFMAP_IPV4},	 {"in_addr", 4, ELFMAP_IPV4},
	{"ipv6", 16, ELFMAP_IPV6},	 {"in6_addr", 16, ELFMAP_IPV6},
	{"ip", 16, ELFMAP_IP},		 {"mac", 6, ELFMAP_MAC},
	{"be16", 2, ELFMAP_BIG_ENDIAN},	 {"__be16", 2, ELFMAP_BIG_ENDIAN},
	{"be32", 4, ELFMAP_BIG_ENDIAN},	 {"__be32", 4, ELFMAP_BIG_ENDIAN},
	{"be64", 8, ELFMAP_BIG_ENDIAN},	 {"__be64", 8, ELFMAP_BIG_ENDIAN},
	{"ifindex", 4, ELFMAP_IFINDEX},	 {"earliest_ns", 8, ELFMAP_EARLIEST},
	{"latest_ns", 8, ELFMAP_LATEST}, {"cgroup_id", 8, ELFMAP_CGROUP_ID},
	{"prog_id", 4, ELFMAP_PROG_ID},	 {"map_id", 4, ELFMAP_MAP_ID},
};

struct reader {
	const struct btf *btf;
	struct elfmap_msg *msg;
	size_t nodes;
};

static int read_type(struct reader *reader, __u32 id, unsigned int depth, struct elfmap_type *node);

static void clear_members(struct elfmap_type *type)
{
	for (size_t i = 0; i < type->nr_members; i++)
		clear_members(&type->members[i]);
	free(type->members);
	free(type->owned_name);
}

void elfmap_type__free(struct elfmap_type *type)
{
	if (!type)
		return;
	clear_members(type);
	free(type->shown);
	free(type);
}

static bool is_number(const struct elfmap_type *type)
{
	switch (type->notation) {
	case ELFMAP_INTEGER:
	case ELFMAP_BIG_ENDIAN:
	case ELFMAP_BOOL:
	case ELFMAP_ENUM:
	case ELFMAP_IFINDEX:
	case ELFMAP_EARLIEST:
	case ELFMAP_LATEST:
		return true;
	default:
		return false;
	}
}

static void set_notation(struct elfmap_type *node, enum elfmap_notation notation, size_t size)
{
	node->notation = notation;
	node->size = size;
	node->bits = is_number(node) ? (unsigned int)size * 8 : 0;
	node->has_objects = notation == ELFMAP_PROG || notation == ELFMAP_MAP;
}

struct elfmap_type *elfmap_type__new(enum elfmap_notation notation, size_t size)
{
	struct elfmap_type *type = calloc(1, sizeof(*type));

	if (!type)
		return NULL;
	type->name = "";
	set_notation(type, notation, size);
	return type;
}

/* Its address holds until the next member is added. */
static struct elfmap_type *new_member(struct elfmap_type *parent, const char *name, size_t offset)
{
	size_t count = parent->nr_members;
	struct elfmap_type *member;

	/* Room for 1, 2, 4, ... members. */
	if (!(count & (count - 1))) {
		struct elfmap_type *members;

		members = reallocarray(parent->members, count ? 2 * count : 1, sizeof(*members));
		if (!members)
			return NULL;
		parent->members = members;
	}
	member = &parent->members[parent->nr_members++];
	*member = (struct elfmap_type){.name = name, .name_length = strlen(name), .offset = offset};
	return member;
}

static size_t first_bit_of(const struct elfmap_type *member)
{
	return 8 * member->offset + member->bit_offset;
}

/* When the last member of PARENT has its place. Members that are not in the order of their places are
 * taken for overlapping ones, too: what reads them is slower and finds no fault. */
static void note_member(struct elfmap_type *parent)
{
	const struct elfmap_type *member = &parent->members[parent->nr_members - 1];
	const struct elfmap_type *before = member - 1;

	parent->has_objects |= member->has_objects;
	if (parent->nr_members > 1)
		parent->overlaps |=
			first_bit_of(member) < first_bit_of(before) + (before->bits ? before->bits : 8 * before->size);
}

int elfmap_type__add_member(struct elfmap_type *parent, const char *name, size_t offset, enum elfmap_notation notation,
			    size_t size)
{
	struct elfmap_type *member = new_member(parent, name, offset);

	if (!member)
		return -ENOMEM;
	set_notation(member, notation, size);
	note_member(parent);
	return 0;
}

static int refuse(struct reader *reader, __u32 id, const char *why)
{
	return elfmap_msg__set(reader->msg, -EINVAL, "BTF type %u: %s", id, why);
}

static const char *name_of(struct reader *reader, __u32 offset)
{
	return btf__str_by_offset(reader->btf, offset) ?: "";
}

static const struct notation *find_notation(struct reader *reader, __u32 id, const struct btf_type *type)
{
	const char *name = name_of(reader, type->name_off);
	__s64 size = btf__resolve_size(reader->btf, id);

	for (size_t i = 0; i < sizeof(notations) / sizeof(*notations); i++)
		if (!strcmp(notations[i].name, name) && (__s64)notations[i].size == size)
			return &notations[i];
	return NULL;
}

static int read_int(struct reader *reader, __u32 id, const struct btf_type *type, struct elfmap_type *node)
{
	int encoding = btf_int_encoding(type);

	set_notation(node, encoding & BTF_INT_BOOL ? ELFMAP_BOOL : ELFMAP_INTEGER, type->size);
	node->is_signed = encoding & BTF_INT_SIGNED;
	node->bits = btf_int_bits(type);
	node->bit_offset = btf_int_offset(type);
	if (!node->bits || node->bit_offset + node->bits > 8 * node->size || node->size > 16)
		return refuse(reader, id, "an integer whose bits and bytes disagree");
	return 0;
}

static int read_enum(struct reader *reader, __u32 id, const struct btf_type *type, struct elfmap_type *node)
{
	if (!type->size || type->size > 8)
		return refuse(reader, id, "an enum of a size that numbers do not have");
	set_notation(node, ELFMAP_ENUM, type->size);
	node->btf = reader->btf;
	node->enumeration = type;
	node->is_signed = btf_kflag(type);
	/* Compilers before the flag said nothing of signs. */
	for (int i = 0; btf_is_enum(type) && i < btf_vlen(type); i++)
		node->is_signed |= btf_enum(type)[i].val < 0;
	return 0;
}

static bool is_char(struct reader *reader, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(reader->btf, id);

	for (int i = 0; type && i < MAX_DEPTH && (btf_is_mod(type) || btf_is_typedef(type)); i++)
		type = btf__type_by_id(reader->btf, type->type);
	return type && btf_is_int(type) && type->size == 1 && !strcmp(name_of(reader, type->name_off), "char");
}

static int read_array(struct reader *reader, __u32 id, const struct btf_type *type, unsigned int depth,
		      struct elfmap_type *node)
{
	const struct btf_array *array = btf_array(type);
	struct elfmap_type *element;
	int err;

	node->count = array->nelems;
	if (is_char(reader, array->type)) {
		set_notation(node, ELFMAP_STRING, array->nelems);
		return 0;
	}
	element = new_member(node, "", 0);
	if (!element)
		return -ENOMEM;
	err = read_type(reader, array->type, depth + 1, element);
	if (err)
		return err;
	if (!element->size && node->count)
		return refuse(reader, id, "an array of nothing");
	set_notation(node, ELFMAP_ARRAY, element->size * node->count);
	return 0;
}

/* Moves a number to where the struct has its bits: they may begin within a byte. */
static int place_bits(struct reader *reader, __u32 id, struct elfmap_type *member, size_t first_bit, unsigned int width)
{
	bool is_field = width || first_bit % 8 || member->bits != 8 * member->size;

	if (!is_number(member) && (width || first_bit % 8))
		return refuse(reader, id, "a bit field that is no number");
	member->offset = first_bit / 8;
	if (!is_number(member) || !is_field)
		return 0;
	if (member->notation == ELFMAP_BIG_ENDIAN)
		return refuse(reader, id, "a bit field in network order");
	first_bit += member->bit_offset;
	member->bits = width ?: member->bits;
	member->offset = first_bit / 8;
	member->bit_offset = first_bit % 8;
	member->size = (member->bit_offset + member->bits + 7) / 8;
	if (member->bit_offset + member->bits > 128)
		return refuse(reader, id, "a bit field of more than 128 bits");
	return 0;
}

static bool is_nameless_struct(struct reader *reader, const struct btf_member *member)
{
	const struct btf_type *type = btf__type_by_id(reader->btf, member->type);

	return type && btf_is_composite(type) && !*name_of(reader, member->name_off);
}

/* Adds the members of struct ID, which starts at bit BASE of NODE. Members of nameless structs and
 * unions are the parent's own, as in C. */
static int read_members(struct reader *reader, __u32 id, size_t base, unsigned int depth, struct elfmap_type *node)
{
	const struct btf_type *type = btf__type_by_id(reader->btf, id);
	const struct btf_member *from = btf_members(type);
	int err = 0;

	if (depth > MAX_DEPTH)
		return refuse(reader, id, "nested too deeply");
	for (int i = 0; i < btf_vlen(type) && !err; i++) {
		const char *name = name_of(reader, from[i].name_off);
		size_t first_bit = base + btf_member_bit_offset(type, i);
		struct elfmap_type *member;

		if (is_nameless_struct(reader, &from[i])) {
			err = read_members(reader, from[i].type, first_bit, depth + 1, node);
			continue;
		}
		if (!*name)
			continue; /* padding by an unnamed bit field */
		member = new_member(node, name, 0);
		if (!member)
			return -ENOMEM;
		err = read_type(reader, from[i].type, depth + 1, member);
		err = err ?: place_bits(reader, id, member, first_bit, btf_member_bitfield_size(type, i));
		if (!err && member->offset + member->size > node->size)
			err = refuse(reader, id, "a member reaches beyond its struct");
		if (!err)
			note_member(node);
	}
	return err;
}

static bool is_bytes(const struct elfmap_type *type, size_t size)
{
	bool plain =
		type->notation == ELFMAP_HEX || type->notation == ELFMAP_INTEGER || type->notation == ELFMAP_BIG_ENDIAN;

	if (type->notation == ELFMAP_ARRAY)
		plain = type->members->notation == ELFMAP_INTEGER;
	return plain && type->size == size;
}

static bool is_address(const struct elfmap_type *type)
{
	return type->notation == ELFMAP_IPV4 || type->notation == ELFMAP_IPV6 || type->notation == ELFMAP_IP;
}

/* A length and something behind it that fills the rest? */
static bool is_length_and_data(const struct elfmap_type *type)
{
	const struct elfmap_type *length = type->members, *data = type->members + 1;

	return type->notation == ELFMAP_STRUCT && type->nr_members == 2 && !length->offset &&
	       length->notation == ELFMAP_INTEGER && !length->is_signed && length->bits == 32 && length->size == 4 &&
	       data->offset == 4 && data->size + 4 == type->size;
}

void elfmap_type__make_prefix(struct elfmap_type *type)
{
	struct elfmap_type *data = type->members + 1;

	if (!is_length_and_data(type) || !(is_address(data) || is_bytes(data, 4) || is_bytes(data, 16)))
		return;
	if (!is_address(data)) {
		for (size_t i = 0; i < data->nr_members; i++)
			clear_members(&data->members[i]);
		free(data->members);
		data->members = NULL;
		data->nr_members = 0;
		set_notation(data, data->size == 4 ? ELFMAP_IPV4 : ELFMAP_IP, data->size);
	}
	type->notation = ELFMAP_PREFIX;
}

/* Elsewhere than in a key of an LPM_TRIE it takes names to know a prefix. */
static void recognise_prefix(struct elfmap_type *type)
{
	if (is_length_and_data(type) && is_address(&type->members[1]) &&
	    (!strcmp(type->members[0].name, "prefixlen") || !strcmp(type->members[0].name, "prefix_len")))
		type->notation = ELFMAP_PREFIX;
}

/* What .data, .bss and .rodata consist of. */
static int read_variables(struct reader *reader, __u32 id, const struct btf_type *type, unsigned int depth,
			  struct elfmap_type *node)
{
	const struct btf_var_secinfo *from = btf_var_secinfos(type);

	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *variable = btf__type_by_id(reader->btf, from[i].type);
		struct elfmap_type *member;
		int err;

		if (!variable || !btf_is_var(variable))
			return refuse(reader, id, "a data section of other things than variables");
		member = new_member(node, name_of(reader, variable->name_off), from[i].offset);
		if (!member)
			return -ENOMEM;
		err = read_type(reader, variable->type, depth + 1, member);
		if (err)
			return err;
		if (member->offset + member->size > node->size)
			return refuse(reader, id, "a variable reaches beyond its section");
		note_member(node);
	}
	return 0;
}

static int read_struct(struct reader *reader, __u32 id, const struct btf_type *type, unsigned int depth,
		       struct elfmap_type *node)
{
	int err;

	set_notation(node, ELFMAP_STRUCT, type->size);
	err = read_members(reader, id, 0, depth, node);
	if (!err)
		recognise_prefix(node);
	return err;
}

static int read_kind(struct reader *reader, __u32 id, const struct btf_type *type, unsigned int depth,
		     struct elfmap_type *node)
{
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		return read_int(reader, id, type, node);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return read_enum(reader, id, type, node);
	case BTF_KIND_PTR:
		set_notation(node, ELFMAP_INTEGER, 8);
		return 0;
	case BTF_KIND_FLOAT: /* programs for the kernel cannot compute with it */
		set_notation(node, ELFMAP_HEX, type->size);
		return 0;
	case BTF_KIND_ARRAY:
		return read_array(reader, id, type, depth, node);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return read_struct(reader, id, type, depth, node);
	case BTF_KIND_DATASEC:
		set_notation(node, ELFMAP_STRUCT, type->size);
		return read_variables(reader, id, type, depth, node);
	default:
		return refuse(reader, id, "not the type of a value");
	}
}

/* Fills all of NODE but its place in the parent. */
static int read_type(struct reader *reader, __u32 id, unsigned int depth, struct elfmap_type *node)
{
	const struct btf_type *type;

	if (depth > MAX_DEPTH || ++reader->nodes > MAX_NODES)
		return refuse(reader, id, "nested too deeply");
	for (int hops = 0; hops < MAX_DEPTH; hops++, id = type->type) {
		const struct notation *notation = NULL;

		type = btf__type_by_id(reader->btf, id);
		if (!type)
			return refuse(reader, id, "missing");
		if (btf_is_typedef(type) || btf_is_composite(type))
			notation = find_notation(reader, id, type);
		if (notation) {
			set_notation(node, notation->notation, notation->size);
			return 0;
		}
		if (!btf_is_typedef(type) && !btf_is_mod(type))
			return read_kind(reader, id, type, depth, node);
	}
	return refuse(reader, id, "a typedef of itself");
}

/* ---- what is shown --------------------------------------------------------------------------------- */

static void mark_bits(const struct elfmap_type *type, unsigned char *mask)
{
	for (size_t bit = type->bit_offset; bit < type->bit_offset + type->bits; bit++)
		mask[bit / 8] |= __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x80 >> bit % 8 : 1 << bit % 8;
}

static void mark_shown(const struct elfmap_type *type, unsigned char *mask)
{
	switch (type->notation) {
	case ELFMAP_STRUCT:
		for (size_t i = 0; i < type->nr_members; i++)
			mark_shown(&type->members[i], mask + type->members[i].offset);
		break;
	case ELFMAP_ARRAY:
		for (size_t i = 0; i < type->count; i++)
			mark_shown(type->members, mask + i * type->members->size);
		break;
	default:
		if (type->bits)
			mark_bits(type, mask);
		else
			memset(mask, 0xff, type->size);
	}
}

int elfmap_type__finish(struct elfmap_type *type)
{
	unsigned char *shown = calloc(1, type->size + 1);
	bool all = true;

	if (!shown)
		return -ENOMEM;
	mark_shown(type, shown);
	for (size_t i = 0; i < type->size; i++)
		all &= shown[i] == 0xff;
	if (all) {
		free(shown);
		shown = NULL;
	}
	free(type->shown);
	type->shown = shown;
	return 0;
}

/* --------------------------------------------------------------------------------------------------- */

int elfmap_type__read(const struct btf *btf, __u32 id, size_t size, struct elfmap_type **ret_type,
		      struct elfmap_msg *msg)
{
	struct reader reader = {.btf = btf, .msg = msg};
	struct elfmap_type *type = elfmap_type__new(ELFMAP_HEX, size);
	int err;

	if (!type)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = read_type(&reader, id, 0, type);
	if (!err && type->size != size)
		err = elfmap_msg__set(msg, -EINVAL, "BTF type %u has %zu bytes where the map has %zu", id, type->size,
				      size);
	err = err ?: elfmap_type__finish(type);
	if (err == -ENOMEM)
		elfmap_msg__set(msg, err, "no memory");
	if (err) {
		elfmap_type__free(type);
		return err;
	}
	*ret_type = type;
	return 0;
}
