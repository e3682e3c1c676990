// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Addresses and prefixes. inet_pton() requires a NUL after each, and inet_ntop() is slow because it uses sprintf(); the
 * output here is the same. */
#include <stddef.h>

#include "text/scan.h"

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

/* ::ffff:0:0/96, as ELFMAP_IP has IPv4. */
static bool is_mapped(const unsigned char bytes[16])
{
	return !memcmp(bytes, mapped, sizeof(mapped));
}

/* ---- reading ------------------------------------------------------------------------------------------- */

#define LONGEST_IPV4 15 /* 255.255.255.255 */

/* Reads from a copy if so few characters are left that one might be read past the end. */
size_t text__scan_ipv4(const char *at, const char *end, unsigned char *to)
{
	char copy[LONGEST_IPV4 + 1] = {};
	const char *start;

	if (end - at < (ptrdiff_t)sizeof(copy))
		at = memcpy(copy, at, at < end ? (size_t)(end - at) : 0);
	start = at;
	for (int i = 0; i < 4; i++) {
		unsigned int byte = (unsigned char)(*at - '0'), digit;

		if (byte > 9)
			return 0;
		digit = (unsigned char)(*++at - '0');
		if (digit <= 9) {
			if (!byte)
				return 0; /* octal, or not? */
			byte = byte * 10 + digit;
			digit = (unsigned char)(*++at - '0');
			if (digit <= 9) {
				byte = byte * 10 + digit;
				at++;
			}
		}
		if (byte > 255 || (i < 3 && *at++ != '.'))
			return 0;
		to[i] = (unsigned char)byte;
	}
	return (size_t)(at - start);
}

/* Up to four digits; returns how many. */
static size_t scan_group(const char *at, const char *end, unsigned char to[2])
{
	unsigned int group = 0;
	size_t count = 0;

	for (; count < 4 && at + count < end && hex_digit(at[count]) >= 0; count++)
		group = group << 4 | (unsigned int)hex_digit(at[count]);
	to[0] = (unsigned char)(group >> 8);
	to[1] = (unsigned char)group;
	return count;
}

size_t text__scan_ipv6(const char *at, const char *end, unsigned char *to)
{
	const char *start = at;
	size_t filled = 0, gap = 17; /* number of bytes before `::`; 17: no `::` */

	while (filled < 16) {
		size_t digits;

		if (end - at >= 2 && at[0] == ':' && at[1] == ':' && gap > 16) {
			gap = filled;
			at += 2;
		} else if (filled) {
			if (at >= end || *at != ':' || gap == filled)
				return 0;
			at++;
		}
		digits = scan_group(at, end, to + filled);
		if (at + digits < end && at[digits] == '.' && filled <= 12) {
			digits = text__scan_ipv4(at, end, to + filled);
			if (!digits)
				return 0;
			at += digits;
			filled += 4;
			break;
		}
		if (!digits && gap == filled)
			break; /* `::` at the end */
		if (!digits)
			return 0;
		at += digits;
		filled += 2;
		if (at >= end || *at != ':')
			break;
	}
	if (gap <= 16 && filled < 16) {
		memmove(to + 16 - (filled - gap), to + gap, filled - gap);
		memset(to + gap, 0, 16 - filled);
		filled = 16;
	} else if (gap <= 16) {
		return 0; /* `::` must replace at least one group */
	}
	return filled == 16 ? (size_t)(at - start) : 0;
}

size_t text__scan_ip(const char *at, const char *end, unsigned char *to)
{
	size_t length = text__scan_ipv4(at, end, to + sizeof(mapped));

	if (!length)
		return text__scan_ipv6(at, end, to);
	memcpy(to, mapped, sizeof(mapped));
	return length;
}

size_t text__scan_mac(const char *at, const char *end, unsigned char *to)
{
	if (end - at < 17)
		return 0;
	for (int i = 0; i < 6; i++, at += 3) {
		int high = hex_digit(at[0]), low = hex_digit(at[1]);

		if (high < 0 || low < 0 || (i < 5 && at[2] != ':'))
			return 0;
		to[i] = (unsigned char)(high << 4 | low);
	}
	return 17;
}

int text__read_address(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;
	unsigned char bytes[16], *into = text->compare ? bytes : to;
	size_t length = notation_of(type)->scan(word, text->end, into);

	if (!length || !is_word_end(text, word + length))
		return text__expected_type(text, type);
	text->at += length;
	return into == to ? 0 : text__store(text, word, to, bytes, type->size);
}

/* ---- prefixes ------------------------------------------------------------------------------------------- */

/* Reads the length after the slash, at most MOST bits, and adds ADD. */
static int read_length(struct elfmap_text *text, const struct elfmap_type *type, unsigned int add, unsigned int most,
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

/* Reads the data and /LENGTH, or all bytes of the key. */
int text__read_hex_prefix(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type *length = &type->members[0], *data = &type->members[1];
	struct elfmap_text ahead = *text;
	int err = text__read_hex(&ahead, data->size, '/', to + data->offset);

	if (err || ahead.at >= ahead.end || *ahead.at != '/')
		return text__read_hex(text, type->size, '\0', to);
	text->at = ahead.at + 1;
	return read_length(text, length, 0, 8 * (unsigned int)data->size, to);
}

int text__read_prefix(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type *prefix = &type->members[0], *data = &type->members[1];
	const char *word = text->at;
	unsigned int bits = 8 * (unsigned int)data->size, add = 0;
	unsigned char bytes[16];
	notation_scan *scan = notation_of(data)->scan;
	size_t length;
	int err;

	if (word < text->end && *word == '{')
		return text__read_struct(text, type, to);
	if (!scan)
		return text__expected(text, "a prefix, 'hex', bytes and /LENGTH");
	length = scan(word, text->end, bytes);
	if (!length || !(is_word_end(text, word + length) || word[length] == '/'))
		return text__expected_type(text, type);
	/* The length of a mapped IPv4 prefix is that of IPv4. */
	if (data->notation == ELFMAP_IP && !memchr(word, ':', length)) {
		add = 96;
		bits = 32;
	}
	err = text__store(text, word, to + data->offset, bytes, data->size);
	if (err)
		return err;
	text->at += length;
	if (is_word_end(text, text->at))
		return text__store_number(text, word, prefix, to + prefix->offset, bits + add);
	text->at++;
	return read_length(text, prefix, add, bits, to);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

#define TEN(tens)                                                                                               \
	{tens "0."}, {tens "1."}, {tens "2."}, {tens "3."}, {tens "4."}, {tens "5."}, {tens "6."}, {tens "7."}, \
		{tens "8."},                                                                                    \
	{                                                                                                       \
		tens "9."                                                                                       \
	}

static char *put_ipv4(char *to, const unsigned char bytes[4])
{
	static const char decimals[256][8] = {
		TEN(""),   TEN("1"),  TEN("2"),	 TEN("3"),  TEN("4"),  TEN("5"),  TEN("6"),  TEN("7"),
		TEN("8"),  TEN("9"),  TEN("10"), TEN("11"), TEN("12"), TEN("13"), TEN("14"), TEN("15"),
		TEN("16"), TEN("17"), TEN("18"), TEN("19"), TEN("20"), TEN("21"), TEN("22"), TEN("23"),
		TEN("24"), {"250."},  {"251."},	 {"252."},  {"253."},  {"254."},  {"255."},
	};

	for (int i = 0; i < 4; i++) {
		memcpy(to, decimals[bytes[i]], 4);
		to += 2 + (bytes[i] >= 10) + (bytes[i] >= 100);
	}
	return to - 1; /* without the last dot */
}

static char *put_group(char *to, unsigned int group)
{
	static const char digits[] = "0123456789abcdef";

	if (group >= 0x1000)
		*to++ = digits[group >> 12];
	if (group >= 0x100)
		*to++ = digits[group >> 8 & 15];
	if (group >= 0x10)
		*to++ = digits[group >> 4 & 15];
	*to++ = digits[group & 15];
	return to;
}

/* The first of the longest runs of zeros, of at least two. */
static void find_gap(const unsigned int groups[8], int *ret_start, int *ret_length)
{
	int start = -1, length = 1;

	for (int i = 0; i < 8; i++) {
		int run = 0;

		while (i + run < 8 && !groups[i + run])
			run++;
		if (run > length) {
			start = i;
			length = run;
		}
		i += run;
	}
	*ret_start = start;
	*ret_length = start < 0 ? 0 : length;
}

static char *put_ipv6(char *to, const unsigned char bytes[16])
{
	unsigned int groups[8];
	int gap, gap_length;

	for (int i = 0; i < 8; i++)
		groups[i] = (unsigned int)bytes[2 * i] << 8 | bytes[2 * i + 1];
	find_gap(groups, &gap, &gap_length);
	for (int i = 0; i < 8; i++) {
		if (i == gap) {
			*to++ = ':';
			i += gap_length - 1;
			if (i == 7)
				*to++ = ':';
			continue;
		}
		if (i)
			*to++ = ':';
		if (i == 6 && !gap && (gap_length == 6 || (gap_length == 5 && groups[5] == 0xffff)))
			return put_ipv4(to, bytes + 12);
		to = put_group(to, groups[i]);
	}
	return to;
}

char *text__put_ipv4(char *to, const struct elfmap_type *type, const void *bytes)
{
	(void)type;
	return put_ipv4(to, bytes);
}

char *text__put_ipv6(char *to, const struct elfmap_type *type, const void *bytes)
{
	(void)type;
	return put_ipv6(to, bytes);
}

char *text__put_ip(char *to, const struct elfmap_type *type, const void *bytes)
{
	(void)type;
	return is_mapped(bytes) ? put_ipv4(to, (const unsigned char *)bytes + sizeof(mapped)) : put_ipv6(to, bytes);
}

char *text__put_mac(char *to, const struct elfmap_type *type, const void *bytes)
{
	(void)type;
	for (int i = 0; i < 6; i++)
		to = put_char(put_byte(to, ((const unsigned char *)bytes)[i]), ':');
	return to - 1;
}

void text__write_address(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			 struct elfmap_resolver *resolver)
{
	char *at = buffer__reserve(to, SCALAR_ROOM);

	(void)resolver;
	if (at)
		buffer__end_at(to, notation_of(type)->put(at, type, value->bytes));
}

void text__write_prefix(struct elfmap_buffer *to, const struct elfmap_type *type, const struct elfmap_value *value,
			struct elfmap_resolver *resolver)
{
	const struct elfmap_type *data = &type->members[1];
	const unsigned char *bytes = (const unsigned char *)value->bytes + data->offset;
	const struct elfmap_value address = {.bytes = bytes, .copies = 1};
	char *at;
	__u32 length;

	memcpy(&length, value->bytes, sizeof(length));
	if (length > 8 * data->size) { /* not a valid prefix */
		text__write_struct(to, type, value, NULL);
		return;
	}
	if (data->notation == ELFMAP_IP && is_mapped(bytes) && length < 96) { /* shorter than the IPv4 mapping */
		at = buffer__reserve(to, SCALAR_ROOM);
		if (at)
			buffer__end_at(to, put_ipv6(at, bytes));
	} else {
		elfmap_text__write(to, data, &address, resolver);
		length -= data->notation == ELFMAP_IP && is_mapped(bytes) ? 96 : 0;
	}
	buffer__add_char(to, '/');
	buffer__add_u64(to, length);
}

void json__add_address(struct elfmap_json *json, const struct elfmap_type *type, const struct elfmap_value *value)
{
	char *at;

	json__begin(json);
	at = buffer__reserve(json->to, SCALAR_ROOM); /* enough for the longest with its quotes */
	if (at)
		buffer__end_at(json->to, put_char(notation_of(type)->put(put_char(at, '"'), type, value->bytes), '"'));
}
