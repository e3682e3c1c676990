// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Turns entries in JSON into lines of text, one by one, so that a file of any length needs little memory. The types
 * decide how a string is written; values are checked when the line is read. */
#include <errno.h>
#include <string.h>

#include "base/msg.h"
#include "text/json_lines.h"
#include "text/scan.h"

#define MAX_DEPTH 64

static bool is_blank_of_json(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *skip(const char *at, const char *end)
{
	while (at < end && is_blank_of_json(*at))
		at++;
	return at;
}

bool json_lines__is(const char *text, size_t length)
{
	const char *end = text + length, *at = skip(text, end);
	bool in_array = at < end && *at == '[';

	at = in_array ? skip(at + 1, end) : at;
	if (in_array && at < end && *at == ']')
		return skip(at + 1, end) == end;
	if (at == end || *at != '{')
		return false;
	at = skip(at + 1, end);
	return at < end && *at == '"';
}

/* The end of the object at AT, or NULL: it is not whole. */
static const char *find_end(const char *at, const char *end)
{
	unsigned int depth = 0;
	bool quoted = false;

	for (; at < end; at++) {
		if (quoted) {
			if (*at == '\\')
				at++;
			else
				quoted = *at != '"';
		} else if (*at == '"') {
			quoted = true;
		} else if (*at == '{' || *at == '[') {
			depth++;
		} else if ((*at == '}' || *at == ']') && !--depth) {
			return at + 1;
		}
	}
	return NULL;
}

size_t json_lines__whole(const char *text, size_t length)
{
	const char *end = text + length, *whole = text;

	for (const char *at = memchr(text, '{', length); at; at = memchr(at, '{', (size_t)(end - at))) {
		at = find_end(at, end);
		if (!at)
			break;
		whole = at;
	}
	return (size_t)(whole - text);
}

int json_lines__next(struct json_lines *lines, const char **at, const char *end, const char **ret_entry,
		     struct elfmap_msg *msg)
{
	const char *here = skip(*at, end), *entry_end;

	if (here < end && *here == '[' && !lines->in_array && !lines->has_ended && !lines->expects_comma) {
		lines->in_array = true;
		here = skip(here + 1, end);
	}
	if (here < end && *here == ',' && lines->in_array && lines->expects_comma) {
		lines->expects_comma = false;
		here = skip(here + 1, end);
	} else if (here < end && *here == ']' && lines->in_array) {
		lines->in_array = false;
		lines->has_ended = true;
		here = skip(here + 1, end);
	}
	*at = here;
	if (here == end)
		return 0;
	entry_end = *here == '{' && !lines->has_ended && !(lines->in_array && lines->expects_comma)
			    ? find_end(here, end)
			    : NULL;
	if (!entry_end)
		return elfmap_msg__set(msg, -EINVAL, "expected an entry, {\"key\": ..., \"value\": ...}, not '%.*s'",
				       end - here < 16 ? (int)(end - here) : 16, here);
	lines->expects_comma = true;
	*ret_entry = here;
	*at = entry_end;
	return 1;
}

/* ---- tokens -------------------------------------------------------------------------------------- */

struct cursor {
	const char *at;
	const char *end;
	unsigned int depth;
	struct elfmap_msg *msg;
};

static int refuse(const struct cursor *cursor, const char *what)
{
	int length = cursor->end - cursor->at < 16 ? (int)(cursor->end - cursor->at) : 16;

	return elfmap_msg__set(cursor->msg, -EINVAL, "expected %s, not '%.*s'", what, length, cursor->at);
}

static bool take(struct cursor *cursor, char c)
{
	cursor->at = skip(cursor->at, cursor->end);
	if (cursor->at == cursor->end || *cursor->at != c)
		return false;
	cursor->at++;
	return true;
}

static int expect(struct cursor *cursor, char c, const char *what)
{
	return take(cursor, c) ? 0 : refuse(cursor, what);
}

static void add_utf8(struct elfmap_buffer *to, unsigned int code)
{
	if (code < 0x80) {
		buffer__add_char(to, (char)code);
	} else if (code < 0x800) {
		buffer__add_char(to, (char)(0xc0 | code >> 6));
		buffer__add_char(to, (char)(0x80 | (code & 63)));
	} else if (code < 0x10000) {
		buffer__add_char(to, (char)(0xe0 | code >> 12));
		buffer__add_char(to, (char)(0x80 | (code >> 6 & 63)));
		buffer__add_char(to, (char)(0x80 | (code & 63)));
	} else {
		buffer__add_char(to, (char)(0xf0 | code >> 18));
		buffer__add_char(to, (char)(0x80 | (code >> 12 & 63)));
		buffer__add_char(to, (char)(0x80 | (code >> 6 & 63)));
		buffer__add_char(to, (char)(0x80 | (code & 63)));
	}
}

/* The four digits after \u. */
static int read_code(struct cursor *cursor, unsigned int *ret_code)
{
	*ret_code = 0;
	for (int i = 0; i < 4; i++, cursor->at++) {
		int digit = cursor->at < cursor->end ? hex_digit(*cursor->at) : -1;

		if (digit < 0)
			return refuse(cursor, "four hexadecimal digits after \\u");
		*ret_code = *ret_code << 4 | (unsigned int)digit;
	}
	return 0;
}

static int read_escape(struct cursor *cursor, struct elfmap_buffer *to)
{
	static const char letters[] = "bfnrt\"\\/", meanings[] = "\b\f\n\r\t\"\\/";
	const char *letter = cursor->at < cursor->end ? memchr(letters, *cursor->at, sizeof(letters) - 1) : NULL;
	unsigned int code, low;
	int err;

	if (letter) {
		buffer__add_char(to, meanings[letter - letters]);
		cursor->at++;
		return 0;
	}
	if (cursor->at == cursor->end || *cursor->at++ != 'u')
		return refuse(cursor, "an escape sequence");
	err = read_code(cursor, &code);
	if (!err && code >= 0xd800 && code < 0xdc00 && cursor->end - cursor->at > 6 && cursor->at[0] == '\\' &&
	    cursor->at[1] == 'u') {
		cursor->at += 2;
		err = read_code(cursor, &low);
		code = 0x10000 + ((code - 0xd800) << 10) + ((low - 0xdc00) & 0x3ff);
	}
	if (!err)
		add_utf8(to, code);
	return err;
}

/* The characters of a string, at its opening quote. */
static int read_string(struct cursor *cursor, struct elfmap_buffer *to)
{
	int err = expect(cursor, '"', "a string");

	while (!err && cursor->at < cursor->end && *cursor->at != '"') {
		if (*cursor->at != '\\') {
			buffer__add_char(to, *cursor->at++);
			continue;
		}
		cursor->at++;
		err = read_escape(cursor, to);
	}
	return err ?: expect(cursor, '"', "the end of a string");
}

/* ---- values -------------------------------------------------------------------------------------- */

static int add_value(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor);

/* A string: quoted for char[], else a word as text has it, an address or a name. */
static int add_string(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor)
{
	struct elfmap_buffer string = {};
	int err = read_string(cursor, &string);

	if (!err && type->notation == ELFMAP_STRING)
		text__add_quoted(to, string.bytes ?: "", string.length);
	for (size_t i = 0; !err && type->notation != ELFMAP_STRING && i < string.length; i++)
		buffer__add_char(to, string.bytes[i] > ' ' ? string.bytes[i] : '?'); /* it stays one word */
	err = err ?: string.error;
	elfmap_buffer__free(&string);
	return err;
}

/* ["0x0a", ...] */
static int add_bytes(struct elfmap_buffer *to, struct cursor *cursor)
{
	int err = expect(cursor, '[', "'['");

	buffer__add_text(to, "hex");
	if (err || take(cursor, ']'))
		return err;
	do {
		struct elfmap_buffer byte = {};

		err = read_string(cursor, &byte);
		if (!err && (!byte.bytes || byte.length != 4 || memcmp(byte.bytes, "0x", 2) != 0)) {
			err = refuse(cursor, "bytes like \"0x0a\"");
		} else if (!err) {
			buffer__add_char(to, ' ');
			buffer__add(to, byte.bytes + 2, 2);
		}
		elfmap_buffer__free(&byte);
	} while (!err && take(cursor, ','));
	return err ?: expect(cursor, ']', "']'");
}

static int add_elements(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor)
{
	int err = expect(cursor, '[', "'['");

	buffer__add(to, "[ ", 2);
	if (!err && !take(cursor, ']')) {
		do {
			err = add_value(to, type, cursor);
			buffer__add_char(to, ' ');
		} while (!err && take(cursor, ','));
		err = err ?: expect(cursor, ']', "']'");
	}
	buffer__add_char(to, ']');
	return err;
}

static const struct elfmap_type *find_member(const struct elfmap_type *type, const struct elfmap_buffer *name)
{
	for (size_t i = 0; i < type->nr_members; i++)
		if (type->members[i].name_length == name->length &&
		    !memcmp(type->members[i].name, name->bytes, name->length))
			return &type->members[i];
	return NULL;
}

static int add_member(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor)
{
	struct elfmap_buffer name = {};
	const struct elfmap_type *member = NULL;
	int err = read_string(cursor, &name) ?: name.error;

	if (!err && name.bytes)
		member = find_member(type, &name);
	if (member) {
		buffer__add(to, member->name, member->name_length);
		buffer__add_char(to, ' ');
		err = expect(cursor, ':', "':'") ?: add_value(to, member, cursor);
		buffer__add_char(to, ' ');
	} else if (!err) {
		err = elfmap_msg__set(cursor->msg, -EINVAL, "the struct has no member '%.*s'", (int)name.length,
				      name.bytes ?: "");
	}
	elfmap_buffer__free(&name);
	return err;
}

static int add_members(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor)
{
	int err = expect(cursor, '{', "'{'");

	buffer__add(to, "{ ", 2);
	if (!err && !take(cursor, '}')) {
		do
			err = add_member(to, type, cursor);
		while (!err && take(cursor, ','));
		err = err ?: expect(cursor, '}', "'}'");
	}
	buffer__add_char(to, '}');
	return err;
}

static int add_plain(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor)
{
	const char *word = cursor->at;
	enum elfmap_notation object = notation_of(type)->object;

	while (cursor->at < cursor->end && !is_blank_of_json(*cursor->at) && !strchr(",]}", *cursor->at))
		cursor->at++;
	if (cursor->at == word)
		return refuse(cursor, "a value");
	if (object == ELFMAP_PROG || object == ELFMAP_MAP)
		buffer__add(to, "id ", 3);
	buffer__add(to, word, (size_t)(cursor->at - word));
	return 0;
}

static int add_value(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor)
{
	int err;

	cursor->at = skip(cursor->at, cursor->end);
	if (cursor->at == cursor->end || ++cursor->depth > MAX_DEPTH)
		return refuse(cursor, "a value");
	if (*cursor->at == '"')
		err = add_string(to, type, cursor);
	else if (*cursor->at == '[')
		err = type->notation == ELFMAP_ARRAY ? add_elements(to, type->members, cursor) : add_bytes(to, cursor);
	else if (*cursor->at == '{')
		err = add_members(to, type, cursor);
	else
		err = add_plain(to, type, cursor);
	cursor->depth--;
	return err;
}

/* ---- entries ------------------------------------------------------------------------------------- */

static int skip_value(struct cursor *cursor)
{
	const char *end;

	cursor->at = skip(cursor->at, cursor->end);
	if (cursor->at < cursor->end && (*cursor->at == '{' || *cursor->at == '[')) {
		end = find_end(cursor->at, cursor->end);
		cursor->at = end ?: cursor->end;
		return end ? 0 : refuse(cursor, "a value");
	}
	if (cursor->at < cursor->end && *cursor->at == '"') {
		struct elfmap_buffer string = {};
		int err = read_string(cursor, &string);

		elfmap_buffer__free(&string);
		return err;
	}
	while (cursor->at < cursor->end && !is_blank_of_json(*cursor->at) && !strchr(",}]", *cursor->at))
		cursor->at++;
	return 0;
}

/* Finds member NAME of the object at ENTRY; CURSOR->at is its value, or NULL. */
static int find(const char *entry, const char *end, const char *name, struct cursor *cursor)
{
	const char *found = NULL;
	int err;

	cursor->at = entry;
	cursor->end = end;
	err = expect(cursor, '{', "'{'");
	if (!err && !take(cursor, '}')) {
		do {
			struct elfmap_buffer member = {};

			err = read_string(cursor, &member);
			err = err ?: expect(cursor, ':', "':'");
			if (!err && member.bytes && member.length == strlen(name) &&
			    !memcmp(member.bytes, name, member.length)) {
				if (found)
					err = elfmap_msg__set(cursor->msg, -EINVAL, "'%s' is given twice", name);
				found = cursor->at;
			}
			elfmap_buffer__free(&member);
			err = err ?: skip_value(cursor);
		} while (!err && take(cursor, ','));
		err = err ?: expect(cursor, '}', "'}'");
	}
	cursor->at = found;
	return err;
}

/* "values": [{"cpu": 0, "value": ...}, ...] */
static int add_cpus(struct elfmap_buffer *to, const struct elfmap_type *type, struct cursor *cursor)
{
	int err = expect(cursor, '[', "'['");

	buffer__add(to, "[ ", 2);
	while (!err) {
		const char *entry = skip(cursor->at, cursor->end), *end = NULL;
		struct cursor inner = {.msg = cursor->msg};

		if (entry < cursor->end && *entry == '{')
			end = find_end(entry, cursor->end);
		err = end ? find(entry, end, "value", &inner) : refuse(cursor, "{\"cpu\": ..., \"value\": ...}");
		if (!err)
			err = inner.at ? add_value(to, type, &inner)
				       : elfmap_msg__set(cursor->msg, -EINVAL, "a CPU without 'value'");
		buffer__add_char(to, ' ');
		cursor->at = end ?: cursor->at;
		if (err || !take(cursor, ','))
			break;
	}
	buffer__add_char(to, ']');
	return err ?: expect(cursor, ']', "']'");
}

static int add_key(struct elfmap_buffer *to, const struct elfmap_type *type, const char *entry, struct cursor *cursor,
		   const char *end)
{
	int err = find(entry, end, "key_bytes", cursor);

	if (!err && cursor->at) { /* the key has bytes that its type does not show */
		err = add_bytes(to, cursor);
	} else if (!err) {
		err = find(entry, end, "key", cursor);
		if (!err)
			err = cursor->at ? add_value(to, type, cursor)
					 : elfmap_msg__set(cursor->msg, -EINVAL, "an entry without 'key'");
	}
	buffer__add_char(to, ' ');
	return err;
}

int json_lines__add(struct elfmap_buffer *to, const struct elfmap_format *format, const char *entry, const char *end,
		    struct elfmap_msg *msg)
{
	struct cursor cursor = {.msg = msg};
	int err = 0;

	if (format->key)
		err = add_key(to, format->key, entry, &cursor, end);
	err = err ?: find(entry, end, "values", &cursor);
	if (!err && cursor.at) {
		err = add_cpus(to, format->value, &cursor);
	} else if (!err) {
		err = find(entry, end, "value", &cursor);
		if (!err)
			err = cursor.at ? add_value(to, format->value, &cursor)
					: elfmap_msg__set(msg, -EINVAL, "an entry without 'value'");
	}
	buffer__add_char(to, '\n');
	return err ?: to->error;
}
