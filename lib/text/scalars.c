// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers of either byte order, bit fields, times, booleans; bytes in hexadecimal; strings. Numbers of whole bytes are
 * the common case and have fast paths. */
#include <byteswap.h>
#include <stdint.h>

#include "text/scan.h"

static bool must_swap(const struct elfmap_type *type)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && notation_of(type)->number == NUMBER_NETWORK;
}

static bool is_big(const struct elfmap_type *type)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ || notation_of(type)->number == NUMBER_NETWORK;
}

/* ---- bytes to numbers ------------------------------------------------------------------------------------------ */

/* The bits of one copy, in the byte order of the machine or of the network. */
static unsigned __int128 load_bits(const struct elfmap_type *type, const unsigned char *bytes)
{
	bool big = is_big(type);
	size_t size = (type->bit_offset + type->bits + 7) / 8;
	unsigned __int128 number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | bytes[big ? i : size - 1 - i];
	number >>= big ? size * 8 - type->bit_offset - type->bits : type->bit_offset;
	if (type->bits < 128)
		number &= ((unsigned __int128)1 << type->bits) - 1;
	return number;
}

static unsigned __int128 fold(const struct elfmap_type *type, unsigned __int128 so_far, unsigned __int128 number)
{
	switch (notation_of(type)->sum) {
	case SUM_EARLIEST: /* 0: never */
		return !so_far || (number && number < so_far) ? number : so_far;
	case SUM_LATEST:
		return number > so_far ? number : so_far;
	default:
		return so_far + number;
	}
}

__int128 elfmap_type__number(const struct elfmap_type *type, const struct elfmap_value *value)
{
	unsigned __int128 sign = (unsigned __int128)1 << (type->bits - 1), folded = 0;

	for (size_t i = 0; i < value->copies; i++) {
		unsigned __int128 number = load_bits(type, (const unsigned char *)value->bytes + i * value->stride);

		folded = fold(type, folded, type->is_signed ? (number ^ sign) - sign : number);
	}
	return (__int128)folded;
}

/* ---- numbers to bytes ------------------------------------------------------------------------------------------ */

/* Stores a bit field and keeps the other bits. */
static int store_bits(struct elfmap_text *text, const char *word, const struct elfmap_type *type, unsigned char *to,
		      unsigned __int128 number)
{
	bool big = is_big(type);
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
	bool swap = must_swap(type);
	__u64 number64 = (__u64)number;
	__u32 number32 = (__u32)number;
	__u16 number16 = (__u16)number;
	__u8 number8 = (__u8)number;

	if (type->bits != 8 * type->size)
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

/* ---- reading --------------------------------------------------------------------------------------------------- */

static int refuse_number(struct elfmap_text *text, const char *word)
{
	bool is_octal = word < text->end && *word == '0' && text->end - word > 1 && word[1] >= '0' && word[1] <= '9';

	if (is_octal)
		return text__refuse(text, word, "'%.*s' begins with 0 and may be octal: write 0x... or decimal",
				    text__shown(text, word), word);
	text->at = word;
	return text__expected(text, notations[ELFMAP_INTEGER].expected);
}

static unsigned __int128 largest_of(const struct elfmap_type *type)
{
	unsigned int bits = type->bits - type->is_signed;

	return bits < 128 ? ((unsigned __int128)1 << bits) - 1 : ~(unsigned __int128)0;
}

static int refuse_range(struct elfmap_text *text, const char *word, const struct elfmap_type *type)
{
	unsigned __int128 largest = largest_of(type);
	struct elfmap_buffer range = {};

	buffer__add_number(&range, type->is_signed ? -(__int128)largest - 1 : 0, false);
	buffer__add_text(&range, " and ");
	buffer__add_number(&range, (__int128)largest, true);
	text__refuse(text, word, "%.*s is not between %.*s", text__shown(text, word), word, (int)range.length,
		     range.bytes);
	elfmap_buffer__free(&range);
	return -EINVAL;
}

int text__read_number(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;
	bool minus = word < text->end && *word == '-';
	unsigned __int128 number, largest = largest_of(type);
	__u64 small;
	int err = 0;

	text->at += minus;
	if (text__scan_short_number(text, &small))
		number = small;
	else
		err = text__scan_long_number(text, &number);
	if (err == -EINVAL)
		return refuse_number(text, word);
	/* The range of a signed number has one more value below 0. */
	if (err || number > largest + (minus && type->is_signed) || (minus && number && !type->is_signed))
		return refuse_range(text, word, type);
	return text__store_number(text, word, type, to, minus ? -number : number);
}

int text__read_bool(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;

	if (take_word(text, "true", 4))
		return text__store_number(text, word, type, to, 1);
	if (take_word(text, "false", 5))
		return text__store_number(text, word, type, to, 0);
	/* Other values than 0 and 1 are numbers. */
	return text__begins_number(text) ? text__read_number(text, type, to) : text__expected_type(text, type);
}

/* ---- writing --------------------------------------------------------------------------------------------------- */

/* A number of whole bytes, in the byte order of the machine or of the network. */
char *text__put_number(char *to, const struct elfmap_type *type, const void *bytes)
{
	bool swap = must_swap(type);
	__u64 number, sign;
	__u32 number32;
	__u16 number16;

	if (type->bits != 8 * type->size)
		return NULL;
	switch (type->size) {
	case 8:
		memcpy(&number, bytes, 8);
		number = swap ? bswap_64(number) : number;
		break;
	case 4:
		memcpy(&number32, bytes, 4);
		number = swap ? bswap_32(number32) : number32;
		break;
	case 2:
		memcpy(&number16, bytes, 2);
		number = swap ? bswap_16(number16) : number16;
		break;
	case 1:
		number = *(const unsigned char *)bytes;
		break;
	default:
		return NULL;
	}
	sign = 1ull << (type->bits - 1);
	if (type->is_signed && number & sign) {
		*to++ = '-';
		number = -((number ^ sign) - sign);
	}
	return put_u64(to, number);
}

void text__write_number(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	(void)resolver;
	buffer__add_number(to, elfmap_type__number(type, value), type->bits == 128 && !type->is_signed);
}

void text__write_bool(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
		      struct elfmap_resolver *resolver)
{
	__int128 number = elfmap_type__number(type, value);

	if (number == 0 || number == 1)
		buffer__add_text(to, number ? "true" : "false");
	else
		text__write_number(to, type, value, resolver);
}

/* Numbers of more than 64 bits are strings, since JSON readers do not support them. */
void json__add_number(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	char *at, *end = NULL;
	__int128 number;
	bool fits;

	json__begin(json);
	at = value->copies == 1 ? buffer__reserve(json->to, SCALAR_ROOM) : NULL;
	if (at)
		end = text__put_number(at, type, value->bytes);
	if (end) {
		buffer__end_at(json->to, end);
		return;
	}
	number = elfmap_type__number(type, value);
	fits = number < 0 ? number >= INT64_MIN && (type->is_signed || type->bits < 128) : number <= UINT64_MAX;
	buffer__add(json->to, "\"", !fits);
	buffer__add_number(json->to, number, type->bits == 128 && !type->is_signed);
	buffer__add(json->to, "\"", !fits);
}

void json__add_bool(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	__int128 number = elfmap_type__number(type, value);

	if (number == 0 || number == 1)
		elfmap_json__word(json, number ? "true" : "false");
	else
		json__add_number(json, type, value);
}

/* ---- bytes ------------------------------------------------------------------------------------------------------ */

/* Reads one or two digits at AT; -1: no digit. *RET_LENGTH includes 0x. */
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

/* Bytes without a type are written with `hex`. Words that can mean only one thing are taken, too, if they have the
 * size: `dev NAME`, and addresses. */
int text__read_nothing(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	static const struct {
		size_t size;
		notation_scan *scan;
	} addresses[] = {{4, text__scan_ipv4}, {6, text__scan_mac}, {16, text__scan_ipv6}};
	struct elfmap_type device = {.notation = ELFMAP_IFINDEX, .size = 4, .bits = 32};
	struct elfmap_text ahead = *text;
	unsigned char bytes[16];

	if (type->size == 4 && take_word(&ahead, "dev", 3))
		return text__read_device(text, &device, to);
	for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
		size_t length = type->size == addresses[i].size ? addresses[i].scan(text->at, text->end, bytes) : 0;

		if (!length || !is_word_end(text, text->at + length))
			continue;
		ahead.at = text->at;
		text->at += length;
		return text__store(text, ahead.at, to, bytes, type->size);
	}
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

/* ---- strings ------------------------------------------------------------------------------------------------- */

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
		return text__refuse(text, at, "a blank is required after the text");
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

/* The length of a char[] without the zeros at its end. */
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

/* The length of the UTF-8 character at TEXT; 0: not UTF-8. */
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
	/* Overlong encodings, surrogates of UTF-16, characters beyond Unicode. */
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

/* JSON strings are UTF-8; a char[] with other bytes is written as bytes. */
void json__add_text(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	size_t length = string_length(type, value->bytes);

	if (is_utf8(value->bytes, length))
		json__add_string(json, value->bytes, length);
	else
		json__add_bytes(json, type, value);
}
