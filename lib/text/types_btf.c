// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes a checked tree of types from BTF, so that reading and writing of values can trust offsets and sizes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "object/layout.h"
#include "text/notation.h"

#define MAX_DEPTH 32	/* the kernel's limit for BTF */
#define MAX_NODES 65536 /* nested structs could grow exponentially */
#define MAX_ENUMERATORS (1u << 20)
#define MAX_NAME 511 /* the kernel's limit for a symbol */

struct reader {
	const struct btf *btf;
	struct elfmap_msg *msg;
	size_t nodes;
	size_t enumerators;
};

static int read_type(struct reader *reader, __u32 id, unsigned int depth, struct elfmap_type *node);

static int refuse(struct reader *reader, __u32 id, const char *why)
{
	return elfmap_msg__set(reader->msg, -EINVAL, "BTF type %u: %s", id, why);
}

static const char *name_of(struct reader *reader, __u32 offset)
{
	return btf__str_by_offset(reader->btf, offset) ?: "";
}

/* Finds a notation by the name of a typedef or struct, of the same size. */
static bool find_notation(struct reader *reader, __u32 id, const struct btf_type *type, struct elfmap_type *node)
{
	const char *name = name_of(reader, type->name_off);
	__s64 size = btf__resolve_size(reader->btf, id);
	enum elfmap_notation notation;

	if (size < 0 || !notation__find_btf(name, (size_t)size, &notation))
		return false;
	type__set_notation(node, notation, (size_t)size);
	return true;
}

static int read_int(struct reader *reader, __u32 id, const struct btf_type *type, struct elfmap_type *node)
{
	int encoding = btf_int_encoding(type);

	type__set_notation(node, encoding & BTF_INT_BOOL ? ELFMAP_BOOL : ELFMAP_INTEGER, type->size);
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
		return refuse(reader, id, "an enum of an invalid size");
	type__set_notation(node, ELFMAP_ENUM, type->size);
	node->is_signed = btf_kflag(type);
	reader->enumerators += btf_vlen(type);
	if (reader->enumerators > MAX_ENUMERATORS)
		return refuse(reader, id, "too many enumerators");
	node->enumerators = calloc(btf_vlen(type) + 1, sizeof(*node->enumerators));
	if (!node->enumerators)
		return -ENOMEM;
	node->nr_enumerators = btf_vlen(type);
	for (int i = 0; i < btf_vlen(type); i++) {
		bool is_short = btf_is_enum(type);
		const char *name =
			name_of(reader, is_short ? btf_enum(type)[i].name_off : btf_enum64(type)[i].name_off);

		node->enumerators[i] = (struct elfmap_enumerator){
			.name = name,
			.name_length = strlen(name),
			.number =
				is_short ? (__u64)(__s64)btf_enum(type)[i].val : btf_enum64_value(&btf_enum64(type)[i]),
		};
		/* Older compilers do not set the flag of signed enums. */
		node->is_signed |= is_short && btf_enum(type)[i].val < 0;
	}
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
		type__set_notation(node, ELFMAP_STRING, array->nelems);
		return 0;
	}
	element = type__new_member(node, "", 0);
	if (!element)
		return -ENOMEM;
	err = read_type(reader, array->type, depth + 1, element);
	if (err)
		return err;
	if (!element->size && node->count)
		return refuse(reader, id, "an array of elements without size");
	type__set_notation(node, ELFMAP_ARRAY, element->size * node->count);
	return 0;
}

/* Sets the offset of a bit field, which may start within a byte. */
static int place_bits(struct reader *reader, __u32 id, struct elfmap_type *member, size_t first_bit, unsigned int width)
{
	bool is_field = width || first_bit % 8 || member->bits != 8 * member->size;

	if (!type__is_number(member) && (width || first_bit % 8))
		return refuse(reader, id, "a bit field that is not a number");
	member->offset = first_bit / 8;
	if (!type__is_number(member) || !is_field)
		return 0;
	if (notation_of(member)->number == NUMBER_NETWORK)
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

/* A spin lock, a timer, ...: reads as zeros, and what is written there is ignored. */
static bool is_kernels(struct reader *reader, const struct btf_member *member)
{
	const struct btf_type *type = btf__type_by_id(reader->btf, member->type);

	return type && elfmap_layout__is_kernels(reader->btf, type);
}

/* Adds the members of struct ID, which starts at bit BASE of NODE. Members of nameless structs and unions belong to the
 * parent, as in C. */
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
		if (!*name || is_kernels(reader, &from[i]))
			continue; /* padding by an unnamed bit field */
		if (strlen(name) > MAX_NAME || !type__is_name(name, strlen(name)))
			return refuse(reader, id, "a member with an invalid name");
		member = type__new_member(node, name, 0);
		if (!member)
			return -ENOMEM;
		err = read_type(reader, from[i].type, depth + 1, member);
		err = err ?: place_bits(reader, id, member, first_bit, btf_member_bitfield_size(type, i));
		if (!err && member->offset + member->size > node->size)
			err = refuse(reader, id, "a member reaches beyond its struct");
		if (!err)
			type__note_member(node);
	}
	return err;
}

/* The variables of .data, .bss or .rodata. */
static int read_variables(struct reader *reader, __u32 id, const struct btf_type *type, unsigned int depth,
			  struct elfmap_type *node)
{
	const struct btf_var_secinfo *from = btf_var_secinfos(type);

	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_type *variable = btf__type_by_id(reader->btf, from[i].type);
		struct elfmap_type *member;
		const char *name;
		int err;

		if (!variable || !btf_is_var(variable))
			return refuse(reader, id, "a data section with other entries than variables");
		name = name_of(reader, variable->name_off);
		if (strlen(name) > MAX_NAME || !type__is_name(name, strlen(name)))
			return refuse(reader, id, "a variable with an invalid name");
		member = type__new_member(node, name, from[i].offset);
		if (!member)
			return -ENOMEM;
		err = read_type(reader, variable->type, depth + 1, member);
		if (err)
			return err;
		if (member->offset + member->size > node->size)
			return refuse(reader, id, "a variable reaches beyond its section");
		type__note_member(node);
	}
	return 0;
}

static int read_struct(struct reader *reader, __u32 id, const struct btf_type *type, unsigned int depth,
		       struct elfmap_type *node)
{
	int err;

	type__set_notation(node, ELFMAP_STRUCT, type->size);
	err = read_members(reader, id, 0, depth, node);
	if (!err)
		type__recognise_prefix(node);
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
		type__set_notation(node, ELFMAP_INTEGER, 8);
		return 0;
	case BTF_KIND_FLOAT: /* not supported in BPF programs */
		type__set_notation(node, ELFMAP_HEX, type->size);
		return 0;
	case BTF_KIND_ARRAY:
		return read_array(reader, id, type, depth, node);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return read_struct(reader, id, type, depth, node);
	case BTF_KIND_DATASEC:
		type__set_notation(node, ELFMAP_STRUCT, type->size);
		return read_variables(reader, id, type, depth, node);
	default:
		return refuse(reader, id, "not the type of a value");
	}
}

/* Fills NODE except its offset in the parent. */
static int read_type(struct reader *reader, __u32 id, unsigned int depth, struct elfmap_type *node)
{
	const struct btf_type *type;

	if (depth > MAX_DEPTH || ++reader->nodes > MAX_NODES)
		return refuse(reader, id, "nested too deeply");
	for (int hops = 0; hops < MAX_DEPTH; hops++, id = type->type) {
		type = btf__type_by_id(reader->btf, id);
		if (!type)
			return refuse(reader, id, "missing");
		if ((btf_is_typedef(type) || btf_is_composite(type)) && find_notation(reader, id, type, node))
			return 0;
		if (!btf_is_typedef(type) && !btf_is_mod(type))
			return read_kind(reader, id, type, depth, node);
	}
	return refuse(reader, id, "a typedef that refers to itself");
}

/* The type of an array's key that is an int for the kernel and something else in the map's annotation. */
static __u32 annotated_key(const struct btf *btf, __u32 id, size_t size)
{
	const struct btf_type *type = btf__type_by_id(btf, id), *pair;
	const char *name = type && btf_is_typedef(type) ? btf__name_by_offset(btf, type->name_off) : NULL;
	__s32 pair_id;

	if (!name || strncmp(name, ELFMAP_ANNOTATION, strlen(ELFMAP_ANNOTATION)) != 0)
		return id;
	pair_id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);
	pair = pair_id > 0 ? btf__type_by_id(btf, (__u32)pair_id) : NULL;
	if (!pair || btf_vlen(pair) != 2 || btf__resolve_size(btf, btf_members(pair)->type) != (__s64)size)
		return id;
	return btf_members(pair)->type;
}

int elfmap_type__read(const struct btf *btf, __u32 id, size_t size, struct elfmap_type **ret_type,
		      struct elfmap_msg *msg)
{
	struct reader reader = {.btf = btf, .msg = msg};
	struct elfmap_type *type = elfmap_type__new(ELFMAP_HEX, size);
	int err;

	if (!type)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = read_type(&reader, annotated_key(btf, id, size), 0, type);
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
