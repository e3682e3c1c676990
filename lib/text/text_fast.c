// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The short way through for what maps are full of, as it is written as a rule: decimal numbers, addresses,
 * bytes, and structs whose fields come in their order, a blank between any two words. It says nothing: what
 * it does not know, or what is wrong, is NULL, and then the long way (text_read.c) begins anew and explains.
 */
#include <byteswap.h>

#include "text/text_scan.h"

/* No word that is read here is longer: with so much text left nobody needs to look for its end. */
#define MARGIN 64

static const char *read_fast(const char *at, const char *end, const struct elfmap_type *type, unsigned char *to);

/* ---- numbers ------------------------------------------------------------------------------------------------ */

static inline __u64 load8(const char *at)
{
	__u64 word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* The value of up to eight decimal digits at once: pairs, then fours, then all. */
static inline __u64 eight_digits(__u64 digits)
{
	digits = (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ff;
	digits = (digits * 100 + (digits >> 16)) & 0x0000ffff0000ffff;
	return (digits * 10000 + (digits >> 32)) & 0xffffffff;
}

/* How many of the eight characters are digits, from the first on; *RET_NUMBER is their value. */
static __always_inline unsigned int scan_eight(const char *at, __u64 *ret_number)
{
	__u64 digits = load8(at) ^ 0x3030303030303030;
	__u64 others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
	unsigned int count = others ? (unsigned int)__builtin_ctzll(others) / 8 : 8;

	*ret_number = count ? eight_digits(digits << (64 - 8 * count)) : 0;
	return count;
}

/* 1 to 19 digits; NULL: none, or more, or a 0 that might mean octal. */
static __always_inline const char *scan_decimal(const char *at, __u64 *ret_number)
{
	static const __u64 tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	__u64 number, more;
	unsigned int count = scan_eight(at, &number), total = count;

	if (!count || (*at == '0' && count > 1))
		return NULL;
	while (count == 8) {
		count = scan_eight(at + total, &more);
		number = number * tens[count] + more;
		total += count;
		if (total > 19)
			return NULL;
	}
	*ret_number = number;
	return at + total;
}

static __always_inline const char *read_number(const char *at, const struct elfmap_type *type, unsigned char *to)
{
	bool swap = type->notation == ELFMAP_BIG_ENDIAN, minus = *at == '-';
	unsigned int value_bits = type->bits - type->is_signed;
	__u64 number;
	__u32 number32;
	__u16 number16;

	if (type->bits != 8 * type->size || (minus && !type->is_signed))
		return NULL;
	at = scan_decimal(at + minus, &number);
	if (!at || (value_bits < 64 && number >> value_bits))
		return NULL;
	number = minus ? -number : number;
	switch (type->size) {
	case 8:
		number = swap ? bswap_64(number) : number;
		memcpy(to, &number, 8);
		return at;
	case 4:
		number32 = swap ? bswap_32((__u32)number) : (__u32)number;
		memcpy(to, &number32, 4);
		return at;
	case 2:
		number16 = swap ? bswap_16((__u16)number) : (__u16)number;
		memcpy(to, &number16, 2);
		return at;
	case 1:
		*to = (unsigned char)number;
		return at;
	default:
		return NULL;
	}
}

/* ---- addresses ------------------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

static const char *read_ipv4(const char *at, unsigned char *to)
{
	for (int i = 0; i < 4; i++) {
		unsigned int byte = (unsigned char)(*at - '0');

		if (byte > 9)
			return NULL;
		if (is_digit(*++at)) {
			if (!byte)
				return NULL;
			byte = byte * 10 + (unsigned char)(*at++ - '0');
			if (is_digit(*at))
				byte = byte * 10 + (unsigned char)(*at++ - '0');
		}
		if (byte > 255 || (i < 3 && *at++ != '.'))
			return NULL;
		to[i] = (unsigned char)byte;
	}
	return at;
}

static const char *read_ip(const char *at, const char *end, unsigned char *to)
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	const char *ipv4 = read_ipv4(at, to + sizeof(mapped));
	size_t length;

	if (ipv4) {
		memcpy(to, mapped, sizeof(mapped));
		return ipv4;
	}
	length = text__scan_ipv6(at, end, to);
	return length ? at + length : NULL;
}

static const char *read_prefix(const char *at, const char *end, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type *data = &type->members[1];
	unsigned char *address = to + data->offset;
	__u32 length = 0, add = 0;
	const char *slash;

	if (data->notation == ELFMAP_IPV4)
		slash = read_ipv4(at, address);
	else if (data->notation == ELFMAP_IP)
		slash = read_ip(at, end, address);
	else
		return NULL;
	if (!slash || *slash != '/' || !is_digit(slash[1]))
		return NULL;
	if (data->notation == ELFMAP_IP && !memchr(at, ':', (size_t)(slash - at)))
		add = 96;
	at = slash + 1;
	if (*at == '0' && is_digit(at[1]))
		return NULL;
	for (int i = 0; i < 3 && is_digit(*at); i++)
		length = length * 10 + (unsigned char)(*at++ - '0');
	length += add;
	if (length > 8 * data->size)
		return NULL;
	memcpy(to, &length, sizeof(length));
	return at;
}

static const char *read_mac(const char *at, unsigned char *to)
{
	for (int i = 0; i < 6; i++, at += 3) {
		int high = hex_digit(at[0]), low = hex_digit(at[1]);

		if ((high | low) < 0 || (i < 5 && at[2] != ':'))
			return NULL;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return at - 1;
}

/* ---- names, bytes, texts ------------------------------------------------------------------------------------------
 */

static const char *read_enum(const char *at, const struct elfmap_type *type, unsigned char *to)
{
	for (size_t i = 0; i < type->nr_enumerators; i++) {
		const struct elfmap_enumerator *enumerator = &type->enumerators[i];
		__u32 number = (__u32)enumerator->number;

		if (enumerator->name_length >= MARGIN || memcmp(at, enumerator->name, enumerator->name_length) != 0 ||
		    !is_delimiter(at[enumerator->name_length]))
			continue;
		if (type->size != 4 || type->bits != 32)
			return NULL;
		memcpy(to, &number, sizeof(number));
		return at + enumerator->name_length;
	}
	return read_number(at, type, to);
}

/* `hex`, and a blank and two digits for each byte. */
static const char *read_hex(const char *at, const char *end, size_t size, unsigned char *to)
{
	if ((size_t)(end - at) < 3 * size + MARGIN || memcmp(at, "hex", 3) != 0)
		return NULL;
	at += 3;
	for (size_t i = 0; i < size; i++, at += 3) {
		int high = hex_digit(at[1]), low = hex_digit(at[2]);

		if ((high | low) < 0 || *at != ' ')
			return NULL;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return at;
}

static const char *read_string(const char *at, const char *end, size_t size, unsigned char *to)
{
	size_t length = 0;

	if ((size_t)(end - at) < size + MARGIN || *at++ != '"')
		return NULL;
	for (; length < size && at[length] != '"'; length++) {
		if (at[length] == '\\' || at[length] == '\n')
			return NULL;
		to[length] = (unsigned char)at[length];
	}
	if (at[length] != '"')
		return NULL;
	memset(to + length, 0, size - length);
	return at + length + 1;
}

/* ---- all of them
 * ----------------------------------------------------------------------------------------------------- */

static const char *read_struct(const char *at, const char *end, const struct elfmap_type *type, unsigned char *to)
{
	if (type->overlaps || at[0] != '{' || at[1] != ' ')
		return NULL;
	at += 2;
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		size_t length = member->name_length;

		if ((size_t)(end - at) < length + MARGIN || memcmp(at, member->name, length) != 0 || at[length] != ' ')
			return NULL;
		at = read_fast(at + length + 1, end, member, to + member->offset);
		if (!at || at == end || *at++ != ' ')
			return NULL;
	}
	return at < end && *at == '}' ? at + 1 : NULL;
}

static const char *read_array(const char *at, const char *end, const struct elfmap_type *type, unsigned char *to)
{
	if (at[0] != '[' || at[1] != ' ')
		return NULL;
	at += 2;
	for (size_t i = 0; i < type->count; i++) {
		at = read_fast(at, end, type->members, to + i * type->members->size);
		if (!at || at == end || *at++ != ' ')
			return NULL;
	}
	return at < end && *at == ']' ? at + 1 : NULL;
}

static const char *read_fast(const char *at, const char *end, const struct elfmap_type *type, unsigned char *to)
{
	size_t length;

	if (end - at < MARGIN)
		return NULL;
	switch (type->notation) {
	case ELFMAP_INTEGER:
	case ELFMAP_BIG_ENDIAN:
	case ELFMAP_EARLIEST:
	case ELFMAP_LATEST:
	case ELFMAP_IFINDEX:
		return read_number(at, type, to);
	case ELFMAP_ENUM:
		return read_enum(at, type, to);
	case ELFMAP_IPV4:
		return read_ipv4(at, to);
	case ELFMAP_IP:
		return read_ip(at, end, to);
	case ELFMAP_IPV6:
		length = text__scan_ipv6(at, end, to);
		return length ? at + length : NULL;
	case ELFMAP_MAC:
		return read_mac(at, to);
	case ELFMAP_PREFIX:
		return read_prefix(at, end, type, to);
	case ELFMAP_HEX:
		return read_hex(at, end, type->size, to);
	case ELFMAP_STRING:
		return read_string(at, end, type->size, to);
	case ELFMAP_STRUCT:
		return read_struct(at, end, type, to);
	case ELFMAP_ARRAY:
		return read_array(at, end, type, to);
	default:
		return NULL;
	}
}

/* What a struct leaves out is 0; all else is written over. Numbers are most of what is read, and are read right here,
 * a sixth faster: keys are as long as the key before them, and values as the value before. */
static __always_inline const char *read_whole(const char *at, const char *end, const struct elfmap_type *type,
					      unsigned char *to)
{
	if (type->notation == ELFMAP_INTEGER && end - at >= MARGIN)
		return read_number(at, type, to);
	if (type->shown)
		memset(to, 0, type->size);
	return read_fast(at, end, type, to);
}

bool text__read_fast(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *behind;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		return false;
	behind = read_whole(text->at, text->end, type, to);
	if (!behind || (behind < text->end && *behind != ' ' && *behind != '\n'))
		return false;
	text->at = behind;
	return true;
}

bool text__read_entry_fast(struct elfmap_text *text, const struct elfmap_format *format, unsigned char *key,
			   unsigned char *value)
{
	const char *at = text->at, *end = text->end;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || !format->key || format->per_cpu)
		return false;
	at = read_whole(at, end, format->key, key);
	if (!at || at == end || *at++ != ' ')
		return false;
	at = read_whole(at, end, format->value, value);
	if (!at || at == end || *at != '\n')
		return false;
	text->line = text->at;
	text->line_number++;
	text->at = at + 1;
	return true;
}
