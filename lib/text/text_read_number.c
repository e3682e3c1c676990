// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From text to numbers, bytes and strings. Numbers of whole words are what most maps are full of: for them
 * there is a short way through. */
#include <byteswap.h>
#include <stdio.h>

#include "text/text_scan.h"

#define SAFE_DIGITS 19 /* no number with so many is more than 64 bits */

/* ---- storing ---------------------------------------------------------------------------------------- */

int text__store(struct elfmap_text *text, const char *word, void *to, const void *from, size_t size)
{
	if (!text->compare) {
		memcpy(to, from, size);
		return 0;
	}
	if (!memcmp(to, from, size))
		return 0;
	return text__refuse(text, word, "contradicts another field, which has the same bytes");
}

/* The bits of a field, among those of others. */
static int store_bits(struct elfmap_text *text, const char *word, const struct elfmap_type *type, unsigned char *to,
		      unsigned __int128 number)
{
	bool big = type->notation == ELFMAP_BIG_ENDIAN || __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	unsigned __int128 mask = type->bits < 128 ? ((unsigned __int128)1 << type->bits) - 1 : ~(unsigned __int128)0;
	size_t size = (type->bit_offset + type->bits + 7) / 8;
	unsigned int shift = big ? (unsigned int)size * 8 - type->bit_offset - type->bits : type->bit_offset;

	number = (number & mask) << shift;
	mask <<= shift;
	for (size_t i = 0; i < size; i++) {
		unsigned char *byte = &to[big ? size - 1 - i : i];
		unsigned char bits = (unsigned char)(mask >> 8 * i), value = (unsigned char)(number >> 8 * i);
		unsigned char wanted = (unsigned char)((*byte & ~bits) | value);
		int err = text__store(text, word, byte, &wanted, 1);

		if (err)
			return err;
	}
	return 0;
}

int text__store_number(struct elfmap_text *text, const char *word, const struct elfmap_type *type, void *to,
		       unsigned __int128 number)
{
	bool swap = type->notation == ELFMAP_BIG_ENDIAN && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	__u64 number64 = (__u64)number;
	__u32 number32 = (__u32)number;
	__u16 number16 = (__u16)number;
	__u8 number8 = (__u8)number;

	if (type->bits != 8 * type->size || type->bit_offset)
		return store_bits(text, word, type, to, number);
	switch (type->size) {
	case 8:
		number64 = swap ? bswap_64(number64) : number64;
		return text__store(text, word, to, &number64, 8);
	case 4:
		number32 = swap ? bswap_32(number32) : number32;
		return text__store(text, word, to, &number32, 4);
	case 2:
		number16 = swap ? bswap_16(number16) : number16;
		return text__store(text, word, to, &number16, 2);
	case 1:
		return text__store(text, word, to, &number8, 1);
	default:
		return store_bits(text, word, type, to, number);
	}
}

/* ---- numbers ------------------------------------------------------------------------------------------ */

/* The digits from *AT on in BASE; -ERANGE: more than 128 bits. */
static int scan_digits(const struct elfmap_text *text, const char **at, unsigned int base,
		       unsigned __int128 *ret_number)
{
	const unsigned __int128 most = ~(unsigned __int128)0;
	unsigned __int128 number = 0;

	for (; *at < text->end; ++*at) {
		int digit = hex_digit(**at);

		if (digit < 0 || (unsigned int)digit >= base)
			break;
		if (number > (most - (unsigned int)digit) / base)
			return -ERANGE;
		number = number * base + (unsigned int)digit;
	}
	*ret_number = number;
	return 0;
}

static int scan_long_number(struct elfmap_text *text, unsigned __int128 *ret_number)
{
	const char *at = text->at, *start;
	bool is_hex = text->end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
	unsigned __int128 number;

	at += is_hex ? 2 : 0;
	start = at;
	if (scan_digits(text, &at, is_hex ? 16 : 10, &number))
		return -ERANGE;
	if (at == start || !is_word_end(text, at))
		return -EINVAL;
	if (!is_hex && *start == '0' && at - start > 1)
		return -EINVAL; /* octal, or not? */
	text->at = at;
	*ret_number = number;
	return 0;
}

int text__scan_number(struct elfmap_text *text, unsigned __int128 *ret_number)
{
	const char *at = text->at, *end = text->end;
	__u64 number = 0;

	while (at < end && (unsigned int)(*at - '0') < 10)
		number = number * 10 + (unsigned int)(*at++ - '0');
	if (at == text->at || at - text->at > SAFE_DIGITS || (*text->at == '0' && at - text->at > 1) ||
	    !is_word_end(text, at))
		return scan_long_number(text, ret_number);
	text->at = at;
	*ret_number = number;
	return 0;
}

static int refuse_number(struct elfmap_text *text, const char *word)
{
	bool is_octal = word < text->end && *word == '0' && text->end - word > 1 && word[1] >= '0' && word[1] <= '9';

	if (is_octal)
		return text__refuse(text, word, "'%.*s' begins with 0 and may be octal: write 0x... or decimal",
				    text__shown(text, word), word);
	text->at = word;
	return text__expected(text, "a number");
}

static int refuse_range(struct elfmap_text *text, const char *word, const struct elfmap_type *type)
{
	unsigned __int128 most = type->bits < 128 ? ((unsigned __int128)1 << type->bits) - 1 : ~(unsigned __int128)0;
	struct elfmap_type number = {.bits = 128};
	char least_text[48] = "0", most_text[48];
	const char *least = least_text;

	if (type->is_signed) {
		most >>= 1;
		number.is_signed = true;
		least = elfmap_type__decimal(&number, -(__int128)most - 1, least_text);
	}
	return text__refuse(text, word, "%.*s is not between %s and %s", text__shown(text, word), word, least,
			    elfmap_type__decimal(&number, (__int128)most, most_text));
}

int text__read_number(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;
	bool minus = word < text->end && *word == '-';
	unsigned __int128 number, most;
	int err;

	text->at += minus;
	err = text__scan_number(text, &number);
	if (err == -ERANGE)
		return refuse_range(text, word, type);
	if (err)
		return refuse_number(text, word);
	/* The largest number, and one more below 0. */
	most = ~(unsigned __int128)0 >> (128 - type->bits + type->is_signed);
	if (number > most + (minus && type->is_signed) || (minus && number && !type->is_signed))
		return refuse_range(text, word, type);
	return text__store_number(text, word, type, to, minus ? -number : number);
}

/* ---- bytes ------------------------------------------------------------------------------------------------ */

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

/* COUNT bytes; behind the last one may be ENDS_IN instead of the word's end. */
static int read_bytes(struct elfmap_text *text, size_t size, char ends_in, unsigned char *to)
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

int text__read_hex(struct elfmap_text *text, size_t size, unsigned char *to)
{
	return read_bytes(text, size, '\0', to);
}

int text__read_length(struct elfmap_text *text, const struct elfmap_type *type, unsigned int add, unsigned int most,
		      unsigned char *to)
{
	const char *word = text->at;
	unsigned __int128 length;

	if (text__scan_number(text, &length))
		return text__expected(text, "the prefix's length");
	if (length > most)
		return text__refuse(text, word, "/%.*s is longer than the address, which has %u bits",
				    text__shown(text, word), word, most);
	return text__store_number(text, word, type, to + type->offset, length + add);
}

/* The data and behind it /LENGTH, or all bytes of the key. */
int text__read_hex_prefix(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type *length = &type->members[0], *data = &type->members[1];
	struct elfmap_text ahead = *text;
	int err = read_bytes(&ahead, data->size, '/', to + data->offset);

	if (err || ahead.at >= ahead.end || *ahead.at != '/')
		return text__read_hex(text, type->size, to);
	text->at = ahead.at + 1;
	return text__read_length(text, length, 0, 8 * (unsigned int)data->size, to);
}

/* ---- strings ------------------------------------------------------------------------------------------------ */

/* The character that the escape at *AT (behind the backslash) means; -1: none. */
static int scan_escape(const struct elfmap_text *text, const char **at)
{
	static const char letters[] = "abfnrtv\\\"'?", meanings[] = "\a\b\f\n\r\t\v\\\"'?";
	const char *letter;
	int value = 0, digits = 0;

	if (*at >= text->end)
		return -1;
	if (**at == 'x') {
		for (++*at; digits < 2 && *at < text->end && hex_digit(**at) >= 0; digits++)
			value = value << 4 | hex_digit(*(*at)++);
		return digits ? value : -1;
	}
	for (; digits < 3 && *at < text->end && **at >= '0' && **at <= '7'; digits++)
		value = value << 3 | (*(*at)++ - '0');
	if (digits)
		return value < 256 ? value : -1;
	letter = memchr(letters, **at, sizeof(letters) - 1);
	if (!letter)
		return -1;
	++*at;
	return meanings[letter - letters];
}

/* The next character of a "quoted" text; -1: its end, past which *AT is then; -2: it is wrong. */
static int scan_character(struct elfmap_text *text, const char **at)
{
	const char *backslash = *at;
	int value;

	if (*at >= text->end || **at == '\n') {
		text__refuse(text, *at, "the closing '\"' is missing");
		return -2;
	}
	if (**at == '"') {
		++*at;
		return -1;
	}
	if (**at != '\\')
		return (unsigned char)*(*at)++;
	++*at;
	value = scan_escape(text, at);
	if (value < 0) {
		text__refuse(text, backslash, "no escape that C knows");
		return -2;
	}
	return value & 0xff;
}

static int read_quoted(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at, *at = text->at + 1;
	size_t length = 0;
	int character, err;

	while ((character = scan_character(text, &at)) >= 0) {
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
		return text__expected(text, "\"text\"");
	if (length > type->size)
		return text__refuse(text, word, "the text has more than %zu characters", type->size);
	err = text__store(text, word, to, word, length);
	for (; !err && length < type->size; length++)
		err = text__store(text, word, to + length, "", 1);
	text->at = end;
	return err;
}

int text__read_quotable(struct elfmap_text *text, const char *what, char *name, size_t size)
{
	const char *word = text->at, *at = word + 1, *end = word_end(text);
	size_t length = 0;
	int character;

	if (word < text->end && *word == '"') {
		while ((character = scan_character(text, &at)) > 0 && length + 1 < size)
			name[length++] = (char)character;
		if (character == -2)
			return -EINVAL;
		if (character != -1 || !is_word_end(text, at))
			return text__refuse(text, word, "this is not %s", what);
		end = at;
	} else {
		length = (size_t)(end - word);
		if (!length || *word == '#')
			return text__expected(text, what);
		if (length >= size || memchr(word, '\0', length))
			return text__refuse(text, word, "this is not %s", what);
		memcpy(name, word, length);
	}
	name[length] = '\0';
	text->at = end;
	return 0;
}
