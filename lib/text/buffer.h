/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A growing text with inline functions to add to it, since a map may have millions of values; and a JSON writer. */
#ifndef ELFMAP_BUFFER_H
#define ELFMAP_BUFFER_H

#include <byteswap.h>
#include <string.h>

#include "elfmap.h"

/* Starts zeroed. Once memory is refused, `error` stays -ENOMEM and nothing is added. */
struct elfmap_buffer {
	char *bytes; /* LENGTH of them, no NUL */
	size_t length;
	size_t room;
	int error;
};

void elfmap_buffer__free(struct elfmap_buffer *buffer);
void elfmap_buffer__add(struct elfmap_buffer *buffer, const char *bytes, size_t length);

/* ---- within lib/text: reserving room ------------------------------------------------------------- */

#define SCALAR_ROOM 64 /* for any number of 64 bits, and any address */

bool buffer__grow(struct elfmap_buffer *buffer, size_t more);

/* Returns room for SIZE more bytes, which may be 0, and one more; NULL: no memory. */
static inline char *buffer__reserve(struct elfmap_buffer *buffer, size_t size)
{
	if (__builtin_expect(buffer->room - buffer->length <= size, 0) && !buffer__grow(buffer, size + 1))
		return NULL;
	return buffer->bytes + buffer->length;
}

/* Ends at END what was written after buffer__reserve(). */
static inline void buffer__end_at(struct elfmap_buffer *buffer, const char *end)
{
	buffer->length = (size_t)(end - buffer->bytes);
}

/* ---- put_...(): write where there is room, return the end ----------------------- */

static inline char *put_char(char *to, char c)
{
	*to = c;
	return to + 1;
}

/* The eight digits of NUMBER, below 10^8, as bytes, the first one lowest: splits into halves, then pairs, then digits.
 * This avoids a division and a mispredicted branch for each digit. */
static inline __u64 split_digits(__u64 number)
{
	__u64 fours = number / 10000 | number % 10000 << 32;
	__u64 hundreds = (fours * 10486 >> 20) & 0x0000007f0000007f;
	__u64 pairs = hundreds | (fours - hundreds * 100) << 16;
	__u64 tens = (pairs * 103 >> 10) & 0x000f000f000f000f;

	return tens | (pairs - tens * 10) << 8;
}

static inline char *put_digits(char *to, __u64 digits, unsigned int skipped)
{
	digits = (digits | 0x3030303030303030) >> 8 * skipped;
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		digits = bswap_64(digits);
	memcpy(to, &digits, sizeof(digits));
	return to + 8 - skipped;
}

/* Without the zeros in front. */
static inline char *put_first_digits(char *to, __u64 number)
{
	__u64 digits = split_digits(number);

	return put_digits(to, digits, (unsigned int)__builtin_ctzll(digits | 1ull << 56) / 8);
}

/* Writes up to 8 bytes past the end. */
static inline char *put_u64(char *to, __u64 number)
{
	__u64 high = number / 100000000;

	if (!high)
		return put_first_digits(to, number);
	if (high < 100000000) {
		to = put_first_digits(to, high);
	} else {
		to = put_first_digits(to, high / 100000000);
		to = put_digits(to, split_digits(high % 100000000), 0);
	}
	return put_digits(to, split_digits(number % 100000000), 0);
}

/* Two hexadecimal digits. */
static inline char *put_byte(char *to, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	to[0] = digits[byte >> 4];
	to[1] = digits[byte & 15];
	return to + 2;
}

/* ---- buffer__add...() ---------------------------------------------------------------------------------------- */

static inline void buffer__add(struct elfmap_buffer *buffer, const char *bytes, size_t length)
{
	char *to = buffer__reserve(buffer, length);

	if (!to)
		return;
	memcpy(to, bytes, length);
	buffer->length += length;
}

static inline void buffer__add_char(struct elfmap_buffer *buffer, char c)
{
	char *to = buffer__reserve(buffer, 1);

	if (to)
		buffer__end_at(buffer, put_char(to, c));
}

static inline void buffer__add_text(struct elfmap_buffer *buffer, const char *text)
{
	buffer__add(buffer, text, strlen(text));
}

static inline void buffer__add_u64(struct elfmap_buffer *buffer, __u64 number)
{
	char *to = buffer__reserve(buffer, SCALAR_ROOM);

	if (to)
		buffer__end_at(buffer, put_u64(to, number));
}

/* NUMBER in decimal; IS_UNSIGNED: an unsigned 128-bit number. */
void buffer__add_number(struct elfmap_buffer *buffer, __int128 number, bool is_unsigned);

/* ---- JSON --------------------------------------------------------------------------------------------------- */

/*
 * JSON that is written as it comes, since the entries of a map do not fit in memory as objects. The layout is
 * that of json-c, which prints the rest of the output: compact, or two blanks for each level.
 *
 *   elfmap_json__open(&json, '{');
 *   elfmap_json__name(&json, "id");
 *   elfmap_json__number(&json, 7);
 *   elfmap_json__close(&json, '}');
 *
 * Commas and line ends are added here; the caller writes a value for each name and closes each bracket. TO may be
 * emptied between any two calls.
 */

/* Set the first block, zero the rest. */
struct elfmap_json {
	struct elfmap_buffer *to;
	bool pretty;

	unsigned int depth; /* private: brackets that are open */
	bool has_one;	    /* the innermost has a member */
	bool has_name;	    /* a name without its value yet */
};

void elfmap_json__open(struct elfmap_json *json, char bracket);
void elfmap_json__close(struct elfmap_json *json, char bracket);
void elfmap_json__name(struct elfmap_json *json, const char *name);

void elfmap_json__string(struct elfmap_json *json, const char *text);
void elfmap_json__number(struct elfmap_json *json, __s64 number);
/* WORD unquoted: true, null, or a number in decimal. */
void elfmap_json__word(struct elfmap_json *json, const char *word);

/* ---- within lib/text ------------------------------------------------------------------------------------------ */

/* Adds the comma and the line break before the next value or name. */
void json__separate(struct elfmap_json *json);

/* Call before writing a value directly into TO. */
static inline void json__begin(struct elfmap_json *json)
{
	if (json->has_name)
		json->has_name = false;
	else if (json->depth)
		json__separate(json);
}

/* LENGTH bytes of valid UTF-8. */
void json__add_string(struct elfmap_json *json, const char *text, size_t length);

#endif
