// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Keys and values as JSON, by hand: a map has millions of them. The layout is json-c's, which makes the rest
 * of what the commands print: compact, or two blanks for each level.
 */
#include <stdint.h>

#include "text/text_buffer.h"

/* ---- layout ---------------------------------------------------------------------------------------------- */

static inline void add_line(struct elfmap_buffer *to, int indent)
{
	char *at;

	if (indent < 0)
		return;
	at = buffer__reserve(to, 1 + 2 * (size_t)indent);
	if (!at)
		return;
	*at = '\n';
	memset(at + 1, ' ', 2 * (size_t)indent);
	to->length += 1 + 2 * (size_t)indent;
}

static int deeper(int indent)
{
	return indent < 0 ? indent : indent + 1;
}

/* Before the Nth thing inside brackets that stand at INDENT, and behind the last of COUNT. */
static void add_separator(struct elfmap_buffer *to, size_t nth, int indent)
{
	if (nth)
		buffer__add_char(to, ',');
	add_line(to, deeper(indent));
}

static void close_brackets(struct elfmap_buffer *to, char bracket, size_t count, int indent)
{
	if (count)
		add_line(to, indent);
	buffer__add_char(to, bracket);
}

/* ---- strings ------------------------------------------------------------------------------------------------ */

static void add_string(struct elfmap_buffer *to, const unsigned char *text, size_t length)
{
	static const char digits[] = "0123456789abcdef", letters[] = "btn\0fr";
	char *at = length < (size_t)-1 / 8 ? buffer__reserve(to, 6 * length + 2) : NULL;
	const char *start = at;

	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < length; i++) {
		unsigned char c = text[i];

		if (c >= ' ' && c != '"' && c != '\\') {
			*at++ = (char)c;
			continue;
		}
		*at++ = '\\';
		if (c >= '\b' && c <= '\r' && letters[c - '\b']) {
			*at++ = letters[c - '\b'];
		} else if (c >= ' ') {
			*at++ = (char)c;
		} else {
			memcpy(at, "u00", 3);
			at[3] = digits[c >> 4];
			at[4] = digits[c & 15];
			at += 5;
		}
	}
	*at++ = '"';
	to->length += (size_t)(at - start);
}

static void add_name(struct elfmap_buffer *to, const char *name, size_t length, int indent)
{
	add_string(to, (const unsigned char *)name, length);
	buffer__add(to, ": ", indent < 0 ? 1 : 2);
}

static void add_member_name(struct elfmap_buffer *to, const struct elfmap_type *member, int indent)
{
	char *at = buffer__reserve(to, member->name_length + ELFMAP_NAME_STEP + 4);

	if (!at)
		return;
	at = put_char(put_name(put_char(at, '"'), member), '"');
	at = put_char(at, ':');
	buffer__end_at(to, indent < 0 ? at : put_char(at, ' '));
}

/* How many bytes the UTF-8 character at TEXT has; 0: it is none. */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	size_t length = *text < 0x80   ? 1
			: *text < 0xc2 ? 0
			: *text < 0xe0 ? 2
			: *text < 0xf0 ? 3
			: *text < 0xf5 ? 4
				       : 0;

	if (length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than needed, UTF-16's surrogates, beyond Unicode. */
	if ((*text == 0xe0 && text[1] < 0xa0) || (*text == 0xed && text[1] > 0x9f) ||
	    (*text == 0xf0 && text[1] < 0x90) || (*text == 0xf4 && text[1] > 0x8f))
		return 0;
	return length;
}

static bool is_utf8(const unsigned char *text, size_t length)
{
	size_t step;

	for (size_t at = 0; at < length; at += step) {
		step = utf8_length(text + at, length - at);
		if (!step)
			return false;
	}
	return true;
}

/* ---- values -------------------------------------------------------------------------------------------------- */

static void add_bytes(struct elfmap_buffer *to, const unsigned char *bytes, size_t size, int indent)
{
	static const char digits[] = "0123456789abcdef";

	buffer__add_char(to, '[');
	for (size_t i = 0; i < size; i++) {
		const char byte[] = {'"', '0', 'x', digits[bytes[i] >> 4], digits[bytes[i] & 15], '"'};

		add_separator(to, i, indent);
		buffer__add(to, byte, sizeof(byte));
	}
	close_brackets(to, ']', size, indent);
}

/* JSON's strings are UTF-8: anything else in a char[] is bytes. */
static void add_text(struct elfmap_buffer *to, const struct elfmap_type *type, const unsigned char *text, int indent)
{
	size_t length = elfmap_type__string_length(type, text);

	if (is_utf8(text, length))
		add_string(to, text, length);
	else
		add_bytes(to, text, type->size, indent);
}

static void add_number(struct elfmap_buffer *to, const struct elfmap_type *type, __int128 number)
{
	const char *name = type->notation == ELFMAP_ENUM ? elfmap_type__enumerator(type, number) : NULL;
	bool fits = number < 0 ? number >= INT64_MIN && (type->is_signed || type->bits < 128) : number <= UINT64_MAX;

	if (type->notation == ELFMAP_BOOL && (number == 0 || number == 1)) {
		buffer__add(to, number ? "true" : "false", number ? 4 : 5);
	} else if (name) {
		add_string(to, (const unsigned char *)name, strlen(name));
	} else {
		if (!fits)
			buffer__add_char(to, '"');
		buffer__add_number(to, type, number);
		if (!fits)
			buffer__add_char(to, '"');
	}
}

static void add_members(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			int indent)
{
	buffer__add_char(to, '{');
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		struct elfmap_value inner = elfmap_type__member(member, value, 0);

		add_separator(to, i, indent);
		add_member_name(to, member, indent);
		elfmap_json__write(to, member, &inner, deeper(indent));
	}
	close_brackets(to, '}', type->nr_members, indent);
}

static void add_array(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		      int indent)
{
	buffer__add_char(to, '[');
	for (size_t i = 0; i < type->count; i++) {
		struct elfmap_value inner = elfmap_type__member(type->members, value, i);

		add_separator(to, i, indent);
		elfmap_json__write(to, type->members, &inner, deeper(indent));
	}
	close_brackets(to, ']', type->count, indent);
}

static void add_id(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value)
{
	const struct elfmap_type id = {.notation = ELFMAP_INTEGER, .size = type->size, .bits = 8 * (__u32)type->size};

	add_number(to, &id, elfmap_type__number(&id, value));
}

void elfmap_json__write(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			int indent)
{
	char *at = buffer__reserve(to, SCALAR_ROOM);

	switch (type->notation) {
	case ELFMAP_INTEGER:
	case ELFMAP_BIG_ENDIAN:
	case ELFMAP_EARLIEST:
	case ELFMAP_LATEST:
		if (at && value->copies == 1 && is_whole(type))
			buffer__end_at(to, put_number(at, type, value->bytes));
		else
			add_number(to, type, elfmap_type__number(type, value));
		break;
	case ELFMAP_HEX:
		add_bytes(to, value->bytes, type->size, indent);
		break;
	case ELFMAP_STRING:
		add_text(to, type, value->bytes, indent);
		break;
	case ELFMAP_STRUCT:
	case ELFMAP_PREFIX:
		add_members(to, type, value, indent);
		break;
	case ELFMAP_ARRAY:
		add_array(to, type, value, indent);
		break;
	case ELFMAP_IPV4:
	case ELFMAP_IPV6:
	case ELFMAP_IP:
	case ELFMAP_MAC:
		if (at) /* SCALAR_ROOM is more than the longest of them needs */
			buffer__end_at(to, put_char(put_scalar(put_char(at, '"'), type, value->bytes), '"'));
		break;
	case ELFMAP_CGROUP_ID:
	case ELFMAP_PROG_ID:
	case ELFMAP_MAP_ID:
	case ELFMAP_PROG:
	case ELFMAP_MAP:
	case ELFMAP_CGROUP:
	case ELFMAP_HANDLE:
		add_id(to, type, value);
		break;
	default:
		add_number(to, type, elfmap_type__number(type, value));
	}
}

/* ---- entries --------------------------------------------------------------------------------------------------- */

static void add_cpus(struct elfmap_buffer *to, const struct elfmap_format *format, const void *value, int indent)
{
	int inner = deeper(indent);

	buffer__add_char(to, '[');
	for (size_t cpu = 0; cpu < format->copies; cpu++) {
		const struct elfmap_value copy = {.bytes = (const char *)value + cpu * format->stride, .copies = 1};

		add_separator(to, cpu, indent);
		buffer__add_char(to, '{');
		add_separator(to, 0, inner);
		add_name(to, "cpu", 3, indent);
		buffer__add_u64(to, cpu);
		add_separator(to, 1, inner);
		add_name(to, "value", 5, indent);
		elfmap_json__write(to, format->value, &copy, deeper(inner));
		close_brackets(to, '}', 1, inner);
	}
	close_brackets(to, ']', format->copies, indent);
}

static void add_key(struct elfmap_buffer *to, const struct elfmap_type *type, const void *key, int indent)
{
	const struct elfmap_value value = {.bytes = key, .copies = 1};

	add_separator(to, 0, indent);
	add_name(to, "key", 3, indent);
	elfmap_json__write(to, type, &value, deeper(indent));
	if (!elfmap_type__hides(type, key))
		return;
	add_separator(to, 1, indent);
	add_name(to, "key_bytes", 9, indent);
	add_bytes(to, key, type->size, deeper(indent));
}

void elfmap_json__write_entry(struct elfmap_buffer *to, const struct elfmap_format *format, const void *key,
			      const void *value, bool sum, int indent)
{
	const struct elfmap_value all = {.bytes = value, .copies = format->copies, .stride = format->stride};

	buffer__add_char(to, '{');
	if (format->key)
		add_key(to, format->key, key, indent);
	add_separator(to, format->key != NULL, indent);
	if (format->per_cpu && !sum) {
		add_name(to, "values", 6, indent);
		add_cpus(to, format, value, deeper(indent));
	} else {
		add_name(to, "value", 5, indent);
		elfmap_json__write(to, format->value, &all, deeper(indent));
	}
	close_brackets(to, '}', 1, indent);
}
