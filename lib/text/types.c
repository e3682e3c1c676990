// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tree of types: its nodes, the bits that they show, and properties of a whole tree. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/notation.h"

void type__clear(struct elfmap_type *type)
{
	for (size_t i = 0; i < type->nr_members; i++)
		type__clear(&type->members[i]);
	free(type->members);
	free(type->enumerators);
	free(type->owned_name);
	free(type->owned_enumerators);
}

void elfmap_type__free(struct elfmap_type *type)
{
	if (!type)
		return;
	type__clear(type);
	free(type->shown);
	free(type);
}

void type__set_notation(struct elfmap_type *node, enum elfmap_notation notation, size_t size)
{
	node->notation = notation;
	node->size = size;
	node->bits = type__is_number(node) ? (unsigned int)size * 8 : 0;
	node->has_objects = notation_of(node)->is_slot;
}

struct elfmap_type *elfmap_type__new(enum elfmap_notation notation, size_t size)
{
	struct elfmap_type *type = calloc(1, sizeof(*type));

	if (!type)
		return NULL;
	type->name = "";
	type__set_notation(type, notation, size);
	return type;
}

bool type__is_name(const char *name, size_t length)
{
	if (!length || isdigit((unsigned char)*name))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' && name[i] != '.')
			return false;
	return true;
}

int type__set_name(struct elfmap_type *member, const char *name, size_t length)
{
	char *copy;

	if (!length)
		return 0;
	copy = calloc(1, type__round_up(length + 1, ELFMAP_NAME_STEP));
	if (!copy)
		return -ENOMEM;
	memcpy(copy, name, length);
	free(member->owned_name);
	member->name = member->owned_name = copy;
	member->name_length = length;
	return 0;
}

struct elfmap_type *type__new_member(struct elfmap_type *parent, const char *name, size_t offset)
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
	*member = (struct elfmap_type){.name = "", .offset = offset};
	return type__set_name(member, name, strlen(name)) ? NULL : member;
}

static size_t first_bit_of(const struct elfmap_type *member)
{
	return 8 * member->offset + member->bit_offset;
}

/* Members that are not in the order of their offsets count as overlapping, which is slower to read but correct. */
void type__note_member(struct elfmap_type *parent)
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
	struct elfmap_type *member = type__new_member(parent, name, offset);

	if (!member)
		return -ENOMEM;
	type__set_notation(member, notation, size);
	type__note_member(parent);
	return 0;
}

/* ---- shown bits --------------------------------------------------------------------------------- */

static void mark_bits(const struct elfmap_type *type, unsigned char *mask)
{
	for (size_t bit = type->bit_offset; bit < type->bit_offset + type->bits; bit++)
		mask[bit / 8] |= __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 0x80 >> bit % 8 : 1 << bit % 8;
}

/* The one member of an array has COUNT copies. */
static void mark_shown(const struct elfmap_type *type, unsigned char *mask)
{
	size_t repeats = type->notation == ELFMAP_ARRAY ? type->count : 1;

	if (notation_of(type)->has_members) {
		for (size_t i = 0; i < repeats; i++)
			for (size_t j = 0; j < type->nr_members; j++)
				mark_shown(&type->members[j],
					   mask + type->members[j].offset + i * type->members[j].size);
	} else if (type->bits) {
		mark_bits(type, mask);
	} else {
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

/* ---- prefixes ---------------------------------------------------------------------------------------- */

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
	return notation_of(type)->prefix != NULL;
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

	type->is_lpm_key = type->size > sizeof(__u32);
	if (!is_length_and_data(type) || !(is_address(data) || is_bytes(data, 4) || is_bytes(data, 16)))
		return;
	if (!is_address(data)) {
		for (size_t i = 0; i < data->nr_members; i++)
			type__clear(&data->members[i]);
		free(data->members);
		data->members = NULL;
		data->nr_members = 0;
		type__set_notation(data, data->size == 4 ? ELFMAP_IPV4 : ELFMAP_IP, data->size);
	}
	type->notation = ELFMAP_PREFIX;
}

void type__recognise_prefix(struct elfmap_type *type)
{
	if (is_length_and_data(type) && is_address(&type->members[1]) &&
	    (!strcmp(type->members[0].name, "prefixlen") || !strcmp(type->members[0].name, "prefix_len")))
		type->notation = ELFMAP_PREFIX;
}

/* ---- layout -------------------------------------------------------------------------------------------------- */

size_t type__alignment(const struct elfmap_type *type)
{
	int alignment = notation_of(type)->alignment;
	size_t most = 1;

	if (alignment > 0)
		return (size_t)alignment;
	if (alignment == ALIGNED_TO_SIZE)
		return type->size ? type->size : 1;
	for (size_t i = 0; i < type->nr_members && !type->is_packed; i++)
		if (type__alignment(&type->members[i]) > most)
			most = type__alignment(&type->members[i]);
	return most;
}

size_t type__round_up(size_t at, size_t alignment)
{
	return (at + alignment - 1) / alignment * alignment;
}

/* ---- properties of a type ------------------------------------------------------------------------- */

const char *elfmap_type__enumerator(const struct elfmap_type *type, __int128 number)
{
	__u64 mask = type->bits < 64 ? (1ull << type->bits) - 1 : ~0ull;

	for (size_t i = 0; i < type->nr_enumerators; i++)
		if (((type->enumerators[i].number ^ (__u64)number) & mask) == 0)
			return type->enumerators[i].name;
	return NULL;
}

bool elfmap_type__is_counter(const struct elfmap_type *type)
{
	return notation_of(type)->sum == SUM_COUNT;
}

bool elfmap_type__can_sum(const struct elfmap_type *type, const char **ret_culprit)
{
	if (notation_of(type)->sum == SUM_NOT) {
		*ret_culprit = type->name;
		return false;
	}
	for (size_t i = 0; i < type->nr_members; i++)
		if (!elfmap_type__can_sum(&type->members[i], ret_culprit)) {
			if (!**ret_culprit)
				*ret_culprit = type->name; /* the element of an array has no name */
			return false;
		}
	return true;
}

bool elfmap_type__hides(const struct elfmap_type *type, const void *bytes)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; type->shown && i < type->size; i++)
		if (at[i] & ~type->shown[i])
			return true;
	return false;
}
