// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Addresses, by hand: inet_pton() wants a NUL behind each, and inet_ntop() prints through sprintf(). What
 * they write is the same. */
#include <stdio.h>

#include "text/text_put.h"
#include "text/text_scan.h"

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

bool text__is_mapped(const unsigned char bytes[16])
{
	return !memcmp(bytes, mapped, sizeof(mapped));
}

/* ---- reading ------------------------------------------------------------------------------------------- */

size_t text__scan_ipv4(const char *at, const char *end, unsigned char to[4])
{
	const char *start = at;

	for (int i = 0; i < 4; i++) {
		unsigned int byte = 0;
		const char *digit = at;

		for (; at < end && (unsigned int)(*at - '0') < 10 && at - digit < 3; at++)
			byte = byte * 10 + (unsigned int)(*at - '0');
		if (at == digit || byte > 255 || (*digit == '0' && at - digit > 1))
			return 0;
		to[i] = (unsigned char)byte;
		if (i < 3 && (at >= end || *at++ != '.'))
			return 0;
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

size_t text__scan_ipv6(const char *at, const char *end, unsigned char to[16])
{
	const char *start = at;
	size_t filled = 0, gap = 17; /* behind how many bytes `::` stands; 17: nowhere */

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
		return 0; /* nothing is left out */
	}
	return filled == 16 ? (size_t)(at - start) : 0;
}

static size_t scan_mac(const char *at, const char *end, unsigned char to[6])
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

/* One of NOTATION: its bytes, and how many characters it has; 0: it is none. */
static size_t scan_address(enum elfmap_notation notation, const char *at, const char *end, unsigned char to[16])
{
	size_t length;

	switch (notation) {
	case ELFMAP_IPV4:
		return text__scan_ipv4(at, end, to);
	case ELFMAP_IPV6:
		return text__scan_ipv6(at, end, to);
	case ELFMAP_IP:
		length = text__scan_ipv4(at, end, to + sizeof(mapped));
		if (length)
			memcpy(to, mapped, sizeof(mapped));
		return length ?: text__scan_ipv6(at, end, to);
	case ELFMAP_MAC:
		return scan_mac(at, end, to);
	default:
		return 0;
	}
}

static const char *name_of(enum elfmap_notation notation)
{
	switch (notation) {
	case ELFMAP_IPV4:
		return "an IPv4 address";
	case ELFMAP_IPV6:
		return "an IPv6 address";
	case ELFMAP_IP:
		return "an IPv4 or IPv6 address";
	case ELFMAP_MAC:
		return "an address like 02:00:00:00:00:01";
	default:
		return "'hex' and bytes";
	}
}

int text__read_address(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const char *word = text->at;
	unsigned char bytes[16];
	size_t length = scan_address(type->notation, word, text->end, bytes);

	if (!length || !is_word_end(text, word + length))
		return text__expected(text, name_of(type->notation));
	text->at += length;
	return text__store(text, word, to, bytes, type->size);
}

/* ---- prefixes ------------------------------------------------------------------------------------------- */

int text__read_prefix(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to)
{
	const struct elfmap_type *prefix = &type->members[0], *data = &type->members[1];
	const char *word = text->at;
	unsigned int bits = 8 * (unsigned int)data->size, add = 0;
	unsigned char bytes[16];
	size_t length = scan_address(data->notation, word, text->end, bytes);
	int err;

	if (!length || !(is_word_end(text, word + length) || word[length] == '/'))
		return text__expected(text, data->notation == ELFMAP_HEX ? "a prefix, 'hex', bytes and /LENGTH"
									 : "a prefix, ADDRESS/LENGTH");
	/* Written as IPv4, its length is counted as IPv4's. */
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
	return text__read_length(text, prefix, add, bits, to);
}

/* ---- writing --------------------------------------------------------------------------------------------- */

#define TEN(tens)                                                                                               \
	{tens "0."}, {tens "1."}, {tens "2."}, {tens "3."}, {tens "4."}, {tens "5."}, {tens "6."}, {tens "7."}, \
		{tens "8."},                                                                                    \
	{                                                                                                       \
		tens "9."                                                                                       \
	}

char *text__put_ipv4(char *to, const unsigned char bytes[4])
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

/* The first of the longest runs of zeros; shorter than two are none. */
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

char *text__put_ipv6(char *to, const unsigned char bytes[16])
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
			return text__put_ipv4(to, bytes + 12);
		to = put_group(to, groups[i]);
	}
	return to;
}

char *text__put_ip(char *to, const unsigned char bytes[16])
{
	return text__is_mapped(bytes) ? text__put_ipv4(to, bytes + sizeof(mapped)) : text__put_ipv6(to, bytes);
}

char *text__put_mac(char *to, const unsigned char bytes[6])
{
	static const char digits[] = "0123456789abcdef";

	for (int i = 0; i < 6; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
		*to++ = ':';
	}
	return to - 1;
}
