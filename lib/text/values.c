// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Values of any type: structs and arrays, which consist of others, and entries, which are lines of a key and a value.
 * Members may come in any order, and each must come: there are no default values. Where members share bytes, as in a
 * union, it suffices that those given cover all bytes; two that contradict each other are refused.
 */
#include <stdlib.h>

#include "kinds/maps.h"
#include "text/scan.h"

/* ---- structs ---------------------------------------------------------------------------------------- */

/* The set of members read so far; allocated only for huge structs. */
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

/* Reads the next name and finds its member, which is usually NEXT. */
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
	return text__refuse(text, text->at, is_known ? "field '%.*s' is given twice" : "there is no field '%.*s' here",
			    text__shown(text, text->at), text->at);
}

/* Are all bytes of MEMBER in members read so far? Bit fields are not considered. */
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

/* Reads the fields after the opening brace. */
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
	/* Overlapping members are read again and compared. The outermost struct does this for all. */
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
	return text__refuse(text, text->at, "too many values: the array has %zu", type->count);
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
	/* Bit fields share bytes. */
	if (text->at < text->end && *text->at == 'h' && type->bits % 8 == 0 && !type->bit_offset &&
	    take_word(text, "hex", 3))
		return notation->read_hex ? notation->read_hex(text, type, to)
					  : text__read_hex(text, type->size, '\0', to);
	return notation->read(text, type, to);
}

int elfmap_text__read(struct elfmap_text *text, const struct elfmap_type *type, void *bytes)
{
	int err;

	/* Structs have padding, bit fields share bytes. */
	if (type->shown || notation_of(type)->has_members)
		memset(bytes, 0, type->size);
	err = text__read_value(text, type, bytes);
	if (!err && type->is_lpm_key)
		elfmap_prefix__mask(bytes, type->size);
	return err;
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

/* ---- entries: a key, a blank, and the value, or the values of all CPUs -------------------------------------- */

struct elfmap_text elfmap_text__new(const char *bytes, size_t size, struct elfmap_resolver *resolver,
				    struct elfmap_msg *msg)
{
	return (struct elfmap_text){.at = bytes, .end = bytes + size, .resolver = resolver, .msg = msg, .line = bytes};
}

bool elfmap_text__is_at_end(struct elfmap_text *text)
{
	skip_blanks(text);
	return at_line_end(text);
}

size_t elfmap_text__column(const struct elfmap_text *text)
{
	return text->wrong && text->line && text->wrong >= text->line ? (size_t)(text->wrong - text->line) + 1 : 1;
}

/* ---- the value of each CPU, or one for all ------------------------------------------------------------ */

/* The number of opening brackets of a value of TYPE. */
static size_t count_arrays(const struct elfmap_type *type)
{
	size_t depth = 0;

	for (; type->notation == ELFMAP_ARRAY && type->count; type = type->members)
		depth++;
	return depth;
}

static size_t count_brackets(struct elfmap_text ahead)
{
	size_t count = 0;

	while (take_bracket(&ahead, '['))
		count++;
	return count;
}

static int read_one_for_all(struct elfmap_text *text, const struct elfmap_format *format, char *value)
{
	size_t size = format->value->size;
	int err = elfmap_text__read(text, format->value, value);

	if (err)
		return err;
	memset(value + size, 0, format->stride - size);
	for (size_t i = 1; i < format->copies; i++)
		memcpy(value + i * format->stride, value, format->stride);
	return 0;
}

static int read_one_each(struct elfmap_text *text, const struct elfmap_format *format, char *value)
{
	take_bracket(text, '[');
	memset(value, 0, format->copies * format->stride);
	for (size_t i = 0; i < format->copies; i++) {
		int err;

		skip_blanks(text);
		if (text->at < text->end && *text->at == ']')
			return text__refuse(text, text->at, "%zu values for %zu CPUs", i, format->copies);
		err = elfmap_text__read(text, format->value, value + i * format->stride);
		if (err)
			return err;
	}
	if (take_bracket(text, ']'))
		return 0;
	if (at_line_end(text))
		return text__expected(text, "']'");
	return text__refuse(text, text->at, "too many values: there are %zu CPUs", format->copies);
}

/* `[ hex 0a hex 0b ]` may be an array of two, or an array for each of two CPUs: the number of bytes decides. */
static int read_either(struct elfmap_text *text, const struct elfmap_format *format, char *value)
{
	struct elfmap_text one = *text, each = *text;
	int err = read_one_for_all(&one, format, value);

	if (!err) {
		*text = one;
		return 0;
	}
	if (!read_one_each(&each, format, value)) {
		*text = each;
		return 0;
	}
	return read_one_for_all(text, format, value);
}

int elfmap_text__read_value(struct elfmap_text *text, const struct elfmap_format *format, void *value)
{
	size_t brackets, arrays;

	if (!format->per_cpu)
		return elfmap_text__read(text, format->value, value);
	brackets = count_brackets(*text);
	arrays = count_arrays(format->value);
	if (brackets > arrays)
		return read_one_each(text, format, value);
	return brackets ? read_either(text, format, value) : read_one_for_all(text, format, value);
}

/* ---- the syntax of bpftool -------------------------------------------------------------------------------- */

/* A number from 0 to 255 for each byte, and nothing after them. */
static bool scan_bytes(struct elfmap_text *text, size_t size, unsigned char *to)
{
	struct elfmap_text ahead = *text;

	for (int pass = 0; pass < 2; pass++) {
		ahead.at = text->at;
		for (size_t i = 0; i < size; i++) {
			unsigned __int128 number;

			skip_blanks(&ahead);
			if (text__scan_number(&ahead, &number) || number > 255)
				return false;
			if (pass)
				to[i] = (unsigned char)number;
		}
		if (!elfmap_text__is_at_end(&ahead))
			return false;
	}
	text->at = ahead.at;
	return true;
}

static int check_end(struct elfmap_text *text, int err)
{
	if (err || elfmap_text__is_at_end(text))
		return err;
	return text__refuse(text, text->at, "unexpected '%.*s' after the value", text__shown(text, text->at), text->at);
}

int elfmap_text__read_key_data(struct elfmap_text *text, const struct elfmap_type *key, void *bytes)
{
	if (scan_bytes(text, key->size, bytes)) {
		if (key->is_lpm_key)
			elfmap_prefix__mask(bytes, key->size);
		return 0;
	}
	return check_end(text, elfmap_text__read(text, key, bytes));
}

int elfmap_text__read_data(struct elfmap_text *text, const struct elfmap_format *format, void *value)
{
	if (!format->per_cpu)
		return elfmap_text__read_key_data(text, format->value, value);
	if (scan_bytes(text, format->value->size, value)) {
		memset((char *)value + format->value->size, 0, format->stride - format->value->size);
		for (size_t i = 1; i < format->copies; i++)
			memcpy((char *)value + i * format->stride, value, format->stride);
		return 0;
	}
	return check_end(text, elfmap_text__read_value(text, format, value));
}

/* ---- lines ---------------------------------------------------------------------------------------------- */

static void begin_line(struct elfmap_text *text)
{
	text->line = text->at;
	text->line_number++;
}

static void leave_line(struct elfmap_text *text)
{
	const char *newline = text->at;

	if (text->at < text->end && *newline != '\n')
		newline = memchr(text->at, '\n', (size_t)(text->end - text->at));
	text->at = newline && newline < text->end ? newline + 1 : text->end;
}

/* Skips blank lines and comments. */
static bool find_entry(struct elfmap_text *text)
{
	while (text->at < text->end) {
		begin_line(text);
		skip_blanks(text);
		if (!at_line_end(text))
			return true;
		leave_line(text);
	}
	return false;
}

int elfmap_text__read_entry(struct elfmap_text *text, const struct elfmap_format *format, void *key, void *value)
{
	int err = 0;

	if (!find_entry(text))
		return 0;
	if (format->key)
		err = elfmap_text__read(text, format->key, key);
	if (!err && value)
		err = elfmap_text__read_value(text, format, value);
	err = check_end(text, err);
	leave_line(text);
	return err ?: 1;
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

static struct elfmap_value copy_of(const struct elfmap_format *format, const void *value, size_t cpu)
{
	return (struct elfmap_value){.bytes = (const char *)value + cpu * format->stride, .copies = 1};
}

/* As text if that shows all bytes. */
static void add_exact(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		      struct elfmap_resolver *resolver)
{
	if (type->shown && elfmap_type__hides(type, value->bytes)) {
		const struct elfmap_type bytes = {.notation = ELFMAP_HEX, .size = type->size};

		elfmap_text__write(to, &bytes, value, resolver);
	} else {
		elfmap_text__write(to, type, value, resolver);
	}
}

static void add_values(struct elfmap_buffer *to, const struct elfmap_format *format, const void *value,
		       struct elfmap_resolver *resolver)
{
	if (format->per_cpu)
		buffer__add(to, "[ ", 2);
	for (size_t cpu = 0; cpu < format->copies; cpu++) {
		struct elfmap_value copy = copy_of(format, value, cpu);

		add_exact(to, format->value, &copy, resolver);
		if (format->per_cpu)
			buffer__add_char(to, ' ');
	}
	if (format->per_cpu)
		buffer__add_char(to, ']');
}

/* The text of bytes that are written as hex. */
static void add_comment(struct elfmap_buffer *to, const struct elfmap_format *format, const void *key,
			const void *value, bool sum, struct elfmap_resolver *resolver)
{
	const struct elfmap_value whole_key = {.bytes = key, .copies = 1};
	bool begun = false;

	if (format->key && elfmap_type__hides(format->key, key)) {
		buffer__add(to, " # ", 3);
		elfmap_text__write(to, format->key, &whole_key, resolver);
		begun = true;
	}
	for (size_t cpu = 0; cpu < format->copies && !sum; cpu++) {
		struct elfmap_value copy = copy_of(format, value, cpu);

		if (!elfmap_type__hides(format->value, copy.bytes))
			continue;
		buffer__add(to, begun ? " " : " # ", begun ? 1 : 3);
		elfmap_text__write(to, format->value, &copy, resolver);
		begun = true;
	}
}

void elfmap_text__write_entry(struct elfmap_buffer *to, const struct elfmap_format *format, const void *key,
			      const void *value, bool sum, struct elfmap_resolver *resolver)
{
	const struct elfmap_value whole_key = {.bytes = key, .copies = 1};
	const struct elfmap_value all = {.bytes = value, .copies = format->copies, .stride = format->stride};

	if (format->key) {
		add_exact(to, format->key, &whole_key, resolver);
		buffer__add_char(to, ' ');
	}
	if (sum)
		elfmap_text__write(to, format->value, &all, resolver);
	else
		add_values(to, format, value, resolver);
	if ((format->key && format->key->shown) || format->value->shown)
		add_comment(to, format, key, value, sum, resolver);
	buffer__add_char(to, '\n');
}

/* ---- JSON -------------------------------------------------------------------------------------------------- */

static void add_cpus(struct elfmap_json *json, const struct elfmap_format *format, const void *value)
{
	elfmap_json__open(json, '[');
	for (size_t cpu = 0; cpu < format->copies; cpu++) {
		struct elfmap_value copy = copy_of(format, value, cpu);

		elfmap_json__open(json, '{');
		elfmap_json__name(json, "cpu");
		elfmap_json__number(json, (__s64)cpu);
		elfmap_json__name(json, "value");
		elfmap_json__value(json, format->value, &copy);
		elfmap_json__close(json, '}');
	}
	elfmap_json__close(json, ']');
}

static void add_key(struct elfmap_json *json, const struct elfmap_type *type, const void *key)
{
	const struct elfmap_value value = {.bytes = key, .copies = 1};

	elfmap_json__name(json, "key");
	elfmap_json__value(json, type, &value);
	if (!elfmap_type__hides(type, key))
		return;
	elfmap_json__name(json, "key_bytes");
	json__add_bytes(json, type, &value);
}

void elfmap_json__entry_members(struct elfmap_json *json, const struct elfmap_format *format, const void *key,
				const void *value, bool sum)
{
	const struct elfmap_value all = {.bytes = value, .copies = format->copies, .stride = format->stride};

	if (format->key)
		add_key(json, format->key, key);
	if (format->per_cpu && !sum) {
		elfmap_json__name(json, "values");
		add_cpus(json, format, value);
	} else {
		elfmap_json__name(json, "value");
		elfmap_json__value(json, format->value, &all);
	}
}

void elfmap_json__entry(struct elfmap_json *json, const struct elfmap_format *format, const void *key,
			const void *value, bool sum)
{
	elfmap_json__open(json, '{');
	elfmap_json__entry_members(json, format, key, value, sum);
	elfmap_json__close(json, '}');
}
