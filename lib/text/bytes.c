// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Bytes in hexadecimal, and texts. */
#include "text/scan.h"

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

/* The two digits at AT, or one; -1: neither. *RET_LENGTH also counts 0x. */
static int scan_byte(const struct elfmap_text *text, size_t *ret_length)
{
	const char *at = text->at;
	int byte = 0, digits = 0;

	if (text->end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
		at += 2;
	for (; digits < 2 && at < text->end && hex_digit(*at) >= 0; digits++)
		byte = byte << 4 | hex_digit(*at++);
	*ret_length = (size_t)(at - text->at);
	return digits ? byte : -1;
}

int text__read_hex(struct elfmap_text *text, size_t size, char ends_in, unsigned char *to)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char byte;
		size_t length;
		int err, scanned;

		skip_blanks(text);
		scanned = scan_byte(text, &length);
		if (at_line_end(text) || scanned < 0) {
			if (i && is_word_end(text, text->at))
				return text__refuse(text, text->at, "%zu of %zu bytes", i, size);
			return text__expected(text, "a byte in hexadecimal");
		}
		if (!is_word_end(text, text->at + length) && (i + 1 < size || !ends_in || text->at[length] != ends_in))
			return text__expected(text, "a byte in hexadecimal");
		byte = (unsigned char)scanned;
		err = text__store(text, text->at, to + i, &byte, 1);
		if (err)
			return err;
		text->at += length;
	}
	return 0;
}

/* Without `hex` there are no bytes. */
int text__read_nothing(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	return type->size ? text__expected_type(text, type) : text__store(text, text->at, to, "", 0);
}

void text__write_bytes(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		       struct elfmap_resolver *resolver)
{
	const unsigned char *bytes = value->bytes;
	size_t size = type->size;
	char *at = size < (size_t)-1 / 8 ? buffer__reserve(to, 3 * size + 3) : NULL;

	(void)resolver;
	if (!at)
		return;
	memcpy(at, "hex", 3);
	at += 3;
	for (size_t i = 0; i < size; i++)
		at = put_byte(put_char(at, ' '), bytes[i]);
	buffer__end_at(to, at);
}

void json__add_bytes(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	const unsigned char *bytes = value->bytes;

	elfmap_json__open(json, '[');
	for (size_t i = 0; i < type->size; i++) {
		char byte[] = "\"0x00\"";

		put_byte(byte + 3, bytes[i]);
		elfmap_json__word(json, byte);
	}
	elfmap_json__close(json, ']');
}

/* ---- texts ------------------------------------------------------------------------------------------------------ */

static int read_quoted(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at, *at = text->at + 1;
	size_t length = 0;
	int character, err;

	while ((character = text__scan_character(text, &at)) >= 0) {
		unsigned char byte = (unsigned char)character;

		if (length == type->size)
			return text__refuse(text, word, "the text has more than %zu characters", type->size);
		err = text__store(text, word, to + length++, &byte, 1);
		if (err)
			return err;
	}
	if (character == -2)
		return -EINVAL;
	if (!is_word_end(text, at))
		return text__refuse(text, at, "no blank behind the text");
	text->at = at;
	for (; length < type->size; length++) {
		err = text__store(text, word, to + length, "", 1);
		if (err)
			return err;
	}
	return 0;
}

int text__read_string(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at, *end = word_end(text);
	size_t length = (size_t)(end - word);
	int err;

	if (word < text->end && *word == '"')
		return read_quoted(text, type, to);
	if (!length || *word == '#' || memchr(word, '\\', length))
		return text__expected_type(text, type);
	if (length > type->size)
		return text__refuse(text, word, "the text has more than %zu characters", type->size);
	err = text__store(text, word, to, word, length);
	for (; !err && length < type->size; length++)
		err = text__store(text, word, to + length, "", 1);
	text->at = end;
	return err;
}

/* How many bytes of a char[] stand before the zeros at its end. */
static size_t string_length(const struct elfmap_type *type, const char *text)
{
	size_t length = type->size;

	while (length && !text[length - 1])
		length--;
	return length;
}

void text__write_string(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	(void)resolver;
	text__add_quoted(to, value->bytes, string_length(type, value->bytes));
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

/* JSON's strings are UTF-8: anything else in a char[] is bytes. */
void json__add_text(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	size_t length = string_length(type, value->bytes);

	if (is_utf8(value->bytes, length))
		json__add_string(json, value->bytes, length);
	else
		json__add_bytes(json, type, value);
}
