// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From types to words: those that type_words.c takes, as far as there are any. */
#include "text/codec_tree.h"
#include "text/text_buffer.h"

static void add_text(struct elfmap_buffer *to, const char *text)
{
	buffer__add(to, text, strlen(text));
}

static void add_length(struct elfmap_buffer *to, size_t length)
{
	buffer__add_char(to, '[');
	buffer__add_u64(to, length);
	buffer__add_char(to, ']');
}

static bool add_struct(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	size_t end = 0;
	bool exact = type->nr_members;

	add_text(to, type->is_packed ? "struct packed { " : "struct { ");
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];

		exact &= member->offset == type__round_up(end, type->is_packed ? 1 : type__alignment(member));
		exact &= member->name_length && type__word_length(member->name) == member->name_length;
		end = member->offset + member->size;
		exact &= elfmap_type__write(to, member);
		buffer__add_char(to, ' ');
		buffer__add(to, member->name, member->name_length);
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, '}');
	return exact && type->size == type__round_up(end, type__alignment(type));
}

static bool add_enum(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	bool exact = true;

	add_text(to, "enum");
	if (type->size != 4)
		buffer__add_u64(to, type->bits);
	add_text(to, " { ");
	for (size_t i = 0; i < type->nr_enumerators; i++) {
		const struct elfmap_enumerator *enumerator = &type->enumerators[i];
		__int128 number = type->is_signed ? (__s64)enumerator->number : (__int128)enumerator->number;

		if (!type->is_signed && type->bits < 64)
			number &= (__int128)(1ull << type->bits) - 1;
		exact &= enumerator->name_length && type__word_length(enumerator->name) == enumerator->name_length;
		buffer__add(to, enumerator->name, enumerator->name_length);
		buffer__add_char(to, ' ');
		buffer__add_number(to, type, number);
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, '}');
	return exact;
}

/* Lengths stand in the order in which they are read. */
static bool add_array(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	const struct elfmap_type *element = type;
	bool exact;

	while (element->notation == ELFMAP_ARRAY && element->nr_members)
		element = element->members;
	exact = elfmap_type__write(to, element);
	for (; type != element; type = type->members) {
		exact &= type->count > 0;
		add_length(to, type->count);
	}
	return exact;
}

static const char *plain_name(const struct elfmap_type *type)
{
	switch (type->notation) {
	case ELFMAP_BOOL:
		return "bool";
	case ELFMAP_IPV4:
		return "ipv4";
	case ELFMAP_IPV6:
		return "ipv6";
	case ELFMAP_IP:
		return "ip";
	case ELFMAP_MAC:
		return "mac";
	case ELFMAP_IFINDEX:
		return "ifindex";
	case ELFMAP_EARLIEST:
		return "earliest_ns";
	case ELFMAP_LATEST:
		return "latest_ns";
	case ELFMAP_CGROUP:
	case ELFMAP_CGROUP_ID:
		return "cgroup";
	case ELFMAP_PROG:
	case ELFMAP_PROG_ID:
		return "prog";
	case ELFMAP_MAP:
	case ELFMAP_MAP_ID:
		return "map";
	case ELFMAP_PREFIX:
		return type->members[1].notation == ELFMAP_IPV4	  ? "prefix4"
		       : type->members[1].notation == ELFMAP_IPV6 ? "prefix6"
		       : type->members[1].notation == ELFMAP_IP	  ? "prefix"
								  : NULL;
	default:
		return NULL;
	}
}

static bool add_number(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	add_text(to, type->notation == ELFMAP_BIG_ENDIAN ? "be" : type->is_signed ? "s" : "u");
	buffer__add_u64(to, type->bits);
	return type->bits == 8 * type->size && (type->size & (type->size - 1)) == 0;
}

bool elfmap_type__write(struct elfmap_buffer *to, const struct elfmap_type *type)
{
	const char *name = plain_name(type);
	bool whole = !type->bits || type->bits == 8 * type->size;

	if (name) {
		add_text(to, name);
		return whole;
	}
	switch (type->notation) {
	case ELFMAP_STRUCT:
		return add_struct(to, type);
	case ELFMAP_ARRAY:
		return add_array(to, type);
	case ELFMAP_ENUM:
		return add_enum(to, type) && whole;
	case ELFMAP_INTEGER:
	case ELFMAP_BIG_ENDIAN:
		return add_number(to, type);
	case ELFMAP_HANDLE:
		add_text(to, "fd");
		return false;
	default:
		add_text(to, type->notation == ELFMAP_STRING ? "string" : "bytes");
		add_length(to, type->size);
		return type->notation != ELFMAP_PREFIX && type->size > 0;
	}
}
