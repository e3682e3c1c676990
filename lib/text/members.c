// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Values of any type, and of structs and arrays, which consist of others. Members may come in any order, and each must
 * come: a value that is not given is not guessed. Where members share bytes, as in a union, those are enough that
 * cover all of them, and two that contradict each other are refused.
 */
#include <stdlib.h>

#include "text/scan.h"

/* ---- structs ---------------------------------------------------------------------------------------- */

/* Which members have come: bits, in place for all but huge structs. */
struct fields {
	__u64 few[4];
	__u64 *seen;
};

static int fields__open(struct fields *fields, size_t nr)
{
	*fields = (struct fields){.seen = fields->few};
	if (nr <= 64 * sizeof(fields->few) / sizeof(*fields->few))
		return 0;
	fields->seen = calloc((nr + 63) / 64, sizeof(*fields->seen));
	return fields->seen ? 0 : -ENOMEM;
}

static void fields__close(struct fields *fields)
{
	if (fields->seen != fields->few)
		free(fields->seen);
}

static bool fields__has(const struct fields *fields, size_t nth)
{
	return fields->seen[nth / 64] >> nth % 64 & 1;
}

static bool is_named(const struct elfmap_type *member, const char *name, size_t length)
{
	return member->name_length == length && !memcmp(member->name, name, length);
}

/* Takes the name that comes next, and finds its member: NEXT, as a rule. */
static int find_field(struct elfmap_text *text, const struct elfmap_type *type, const struct fields *fields,
		      size_t next, size_t *ret_nth)
{
	bool is_known = false;
	size_t length;

	if (next < type->nr_members && !fields__has(fields, next) &&
	    take_word(text, type->members[next].name, type->members[next].name_length)) {
		*ret_nth = next;
		return 0;
	}
	length = (size_t)(word_end(text) - text->at);
	if (!length)
		return text__expected(text, "a field's name");
	for (size_t i = 0; i < type->nr_members; i++) {
		if (!is_named(&type->members[i], text->at, length))
			continue;
		is_known = true;
		if (fields__has(fields, i))
			continue;
		text->at += length;
		*ret_nth = i;
		return 0;
	}
	return text__refuse(text, text->at, is_known ? "field '%.*s' comes twice" : "there is no field '%.*s' here",
			    text__shown(text, text->at), text->at);
}

/* Is every byte of MEMBER in one that has come? Bits do not count. */
static bool is_covered(const struct elfmap_type *type, const struct fields *fields, const struct elfmap_type *member)
{
	size_t at = member->offset, end = member->offset + member->size;
	bool moved = !member->bits || member->bits == 8 * member->size;

	while (at < end && moved) {
		moved = false;
		for (size_t i = 0; i < type->nr_members; i++) {
			const struct elfmap_type *other = &type->members[i];
			bool is_whole = !other->bits || other->bits == 8 * other->size;

			if (fields__has(fields, i) && is_whole && other->offset <= at &&
			    at < other->offset + other->size) {
				at = other->offset + other->size;
				moved = true;
			}
		}
	}
	return at >= end;
}

static int check_missing(struct elfmap_text *text, const struct elfmap_type *type, const struct fields *fields)
{
	for (size_t i = 0; i < type->nr_members; i++)
		if (!fields__has(fields, i) && (!type->overlaps || !is_covered(type, fields, &type->members[i])))
			return text__refuse(text, text->at, "field '%s' is missing", type->members[i].name);
	return 0;
}

/* Behind the opening brace. */
static int read_fields(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to,
		       struct fields *fields)
{
	size_t count = 0, nth = 0;
	int err = 0;

	for (skip_blanks(text); text->at < text->end && *text->at != '}'; skip_blanks(text)) {
		err = find_field(text, type, fields, nth, &nth);
		if (err)
			return err;
		fields->seen[nth / 64] |= 1ull << nth % 64;
		err = text__read_value(text, &type->members[nth], to + type->members[nth].offset);
		if (err)
			return err;
		nth++;
		count++;
	}
	if (text->at >= text->end)
		return text__expected(text, "a field, or '}'");
	if (count < type->nr_members)
		err = check_missing(text, type, fields);
	text->at++;
	return err;
}

int text__read_struct(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *start = text->at;
	struct fields fields;
	int err;

	if (!take_bracket(text, '{'))
		return text__expected_type(text, type);
	if (fields__open(&fields, type->nr_members))
		return elfmap_msg__set(text->msg, -ENOMEM, "no memory");
	err = read_fields(text, type, to, &fields);
	fields__close(&fields);
	/* What shares bytes is read again, and must then be there. The outermost struct does it for all. */
	if (!err && type->overlaps && !text->compare) {
		text->compare = true;
		text->at = start;
		err = text__read_struct(text, type, to);
		text->compare = false;
	}
	return err;
}

/* ---- arrays ------------------------------------------------------------------------------------- */

int text__read_array(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	if (!take_bracket(text, '['))
		return text__expected_type(text, type);
	for (size_t i = 0; i < type->count; i++) {
		int err;

		skip_blanks(text);
		if (text->at < text->end && *text->at == ']')
			return text__refuse(text, text->at, "the array ends after %zu of %zu values", i, type->count);
		err = text__read_value(text, type->members, to + i * type->members->size);
		if (err)
			return err;
	}
	if (take_bracket(text, ']'))
		return 0;
	if (at_line_end(text))
		return text__expected(text, "']'");
	return text__refuse(text, text->at, "more than the %zu values that the array has", type->count);
}

static char *put_name(char *to, const struct elfmap_type *member)
{
	for (size_t i = 0; i < member->name_length; i += ELFMAP_NAME_STEP)
		memcpy(to + i, member->name + i, ELFMAP_NAME_STEP);
	return to + member->name_length;
}

void text__write_struct(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	buffer__add(to, "{ ", 2);
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		struct elfmap_value inner = elfmap_type__member(member, value, 0);
		char *at = buffer__reserve(to, member->name_length + ELFMAP_NAME_STEP);

		if (!at)
			return;
		buffer__end_at(to, put_char(put_name(at, member), ' '));
		elfmap_text__write(to, member, &inner, resolver);
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, '}');
}

void text__write_array(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		       struct elfmap_resolver *resolver)
{
	buffer__add(to, "[ ", 2);
	for (size_t i = 0; i < type->count; i++) {
		struct elfmap_value inner = elfmap_type__member(type->members, value, i);

		elfmap_text__write(to, type->members, &inner, resolver);
		buffer__add_char(to, ' ');
	}
	buffer__add_char(to, ']');
}

void json__add_members(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	elfmap_json__open(json, '{');
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		struct elfmap_value inner = elfmap_type__member(member, value, 0);

		elfmap_json__name(json, member->name);
		elfmap_json__value(json, member, &inner);
	}
	elfmap_json__close(json, '}');
}

void json__add_array(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	elfmap_json__open(json, '[');
	for (size_t i = 0; i < type->count; i++) {
		struct elfmap_value inner = elfmap_type__member(type->members, value, i);

		elfmap_json__value(json, type->members, &inner);
	}
	elfmap_json__close(json, ']');
}

/* ---- any value --------------------------------------------------------------------------------------------------- */

int text__read_value(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct notation *notation = notation_of(type);

	skip_blanks(text);
	/* Bits have no bytes of their own. */
	if (text->at < text->end && *text->at == 'h' && type->bits % 8 == 0 && !type->bit_offset &&
	    take_word(text, "hex", 3))
		return notation->read_hex ? notation->read_hex(text, type, to)
					  : text__read_hex(text, type->size, '\0', to);
	return notation->read(text, type, to);
}

int elfmap_text__read(struct elfmap_text *text, const struct elfmap_type *type, void *bytes)
{
	/* Structs have holes, bit fields share bytes. */
	if (type->shown || notation_of(type)->has_members)
		memset(bytes, 0, type->size);
	return text__read_value(text, type, bytes);
}

void elfmap_text__write(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	const struct notation *notation = notation_of(type);

	if (notation->put && value->copies == 1) {
		char *at = buffer__reserve(to, SCALAR_ROOM);
		char *end = at ? notation->put(at, type, value->bytes) : NULL;

		if (end) {
			buffer__end_at(to, end);
			return;
		}
	}
	notation->write(to, type, value, resolver);
}

void elfmap_json__value(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	notation_of(type)->json(json, type, value);
}

struct elfmap_value elfmap_type__member(const struct elfmap_type *member, const struct elfmap_value *value,
					size_t index)
{
	struct elfmap_value inner = *value;

	inner.bytes = (const char *)value->bytes + member->offset + index * member->size;
	return inner;
}
