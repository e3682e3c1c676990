// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Keys and values as JSON; what text says of the same bytes is in lib/codec_print.c. */
#include <stdio.h>
#include <string.h>

#include "map_verbs.h"

static json_object *json_bytes(const unsigned char *bytes, size_t size)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < size; i++) {
		char text[8];

		snprintf(text, sizeof(text), "0x%02x", bytes[i]);
		json_object_array_add(array, json_object_new_string(text));
	}
	return array;
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

/* JSON's strings are UTF-8: anything else in a char[] is bytes. */
static json_object *json_text(const unsigned char *text, size_t length, size_t size)
{
	size_t step;

	for (size_t at = 0; at < length; at += step) {
		step = utf8_length(text + at, length - at);
		if (!step)
			return json_bytes(text, size);
	}
	return json_object_new_string_len((const char *)text, (int)length);
}

static json_object *json_number(const struct elfmap_type *type, __int128 number)
{
	char text[48];

	if (type->notation == ELFMAP_BOOL && (number == 0 || number == 1))
		return json_object_new_boolean(number != 0);
	if (type->notation == ELFMAP_ENUM && elfmap_type__enumerator(type, number))
		return json_object_new_string(elfmap_type__enumerator(type, number));
	if (number >= INT64_MIN && number <= INT64_MAX)
		return json_object_new_int64((int64_t)number);
	if (number >= 0 && number <= UINT64_MAX)
		return json_object_new_uint64((uint64_t)number);
	return json_object_new_string(elfmap_decimal(number, text));
}

static json_object *json_members(const struct elfmap_type *type, const struct elfmap_value *value)
{
	json_object *object = json_object_new_object();

	for (size_t i = 0; i < type->nr_members; i++) {
		struct elfmap_value inner = elfmap_type__member(&type->members[i], value, 0);

		json_object_object_add(object, type->members[i].name, map_json(&type->members[i], &inner));
	}
	return object;
}

json_object *map_json(const struct elfmap_type *type, const struct elfmap_value *value)
{
	json_object *array;
	char text[64];

	switch (type->notation) {
	case ELFMAP_HEX:
		return json_bytes(value->bytes, type->size);
	case ELFMAP_STRING:
		return json_text(value->bytes, elfmap_type__string_length(type, value->bytes), type->size);
	case ELFMAP_STRUCT:
		return json_members(type, value);
	case ELFMAP_ARRAY:
		array = json_object_new_array();
		for (size_t i = 0; i < type->count; i++) {
			struct elfmap_value inner = elfmap_type__member(type->members, value, i);

			json_object_array_add(array, map_json(type->members, &inner));
		}
		return array;
	default:
		if (elfmap_type__address(type, value->bytes, text))
			return json_object_new_string(text);
		return json_number(type, elfmap_type__number(type, value));
	}
}
