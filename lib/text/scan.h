/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Scanning the words of a line, and refusing them. */
#ifndef ELFMAP_SCAN_H
#define ELFMAP_SCAN_H

#include <errno.h>
#include <string.h>

#include "base/msg.h"
#include "text/notation.h"

#define WORD_SHOWN 40 /* characters of a word that messages show */

/* The value of a hexadecimal digit, or -1. */
static inline int hex_digit(char c)
{
	static const signed char plus_one[256] = {
		['0'] = 1,  ['1'] = 2,	['2'] = 3,  ['3'] = 4,	['4'] = 5,  ['5'] = 6,	['6'] = 7,  ['7'] = 8,
		['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
		['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
	};

	return plus_one[(unsigned char)c] - 1;
}

static inline bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Does C end a word? */
static inline bool is_delimiter(char c)
{
	static const bool delimits[256] = {
		[' '] = true, ['\t'] = true, ['\r'] = true, ['\n'] = true, ['{'] = true,
		['}'] = true, ['['] = true,  [']'] = true,  ['"'] = true,
	};

	return delimits[(unsigned char)c];
}

static inline void skip_blanks(struct elfmap_text *text)
{
	while (text->at < text->end && is_blank(*text->at))
		text->at++;
}

static inline const char *word_end(const struct elfmap_text *text)
{
	const char *at = text->at;

	while (at < text->end && !is_delimiter(*at))
		at++;
	return at;
}

static inline bool is_word_end(const struct elfmap_text *text, const char *at)
{
	return at >= text->end || is_delimiter(*at);
}

/* Skips WORD if it is the next word. */
static inline bool take_word(struct elfmap_text *text, const char *word, size_t length)
{
	if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0 ||
	    !is_word_end(text, text->at + length))
		return false;
	text->at += length;
	return true;
}

/* Skips the bracket C, which requires no blank after it. */
static inline bool take_bracket(struct elfmap_text *text, char c)
{
	skip_blanks(text);
	if (text->at >= text->end || *text->at != c)
		return false;
	text->at++;
	return true;
}

/* Is the rest of the line empty? Blanks must have been skipped. */
static inline bool at_line_end(const struct elfmap_text *text)
{
	return text->at >= text->end || *text->at == '\n' || *text->at == '#';
}

/* Sets the message and TEXT->wrong. Returns -EINVAL. */
int text__refuse(struct elfmap_text *text, const char *wrong, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "expected WHAT, not 'word'", at the next word. */
int text__expected(struct elfmap_text *text, const char *what);
/* The same for what the notation of TYPE expects. */
int text__expected_type(struct elfmap_text *text, const struct elfmap_type *type);
/* The length of the word at AT in a message: for "%.*s". */
int text__shown(const struct elfmap_text *text, const char *at);

/* Both store what was read, or compare it with what is stored. */
static inline int text__store(struct elfmap_text *text, const char *word, void *to, const void *from, size_t size)
{
	if (__builtin_expect(text->compare, false))
		return !memcmp(to, from, size)
			       ? 0
			       : text__refuse(text, word, "contradicts another field, which has the same bytes");
	memcpy(to, from, size);
	return 0;
}
int text__store_number(struct elfmap_text *text, const char *word, const struct elfmap_type *type, void *to,
		       unsigned __int128 number);

/* Reads a word that is an unsigned number, decimal or 0x... -EINVAL: not a number (no message); -ERANGE: more than 128
 * bits. The cursor moves past it only on success. */
int text__scan_number(struct elfmap_text *text, unsigned __int128 *ret_number);
/* Its two parts: the common case, decimal in 64 bits (false: not this case), and any number. */
bool text__scan_short_number(struct elfmap_text *text, __u64 *ret_number);
int text__scan_long_number(struct elfmap_text *text, unsigned __int128 *ret_number);
bool text__begins_number(const struct elfmap_text *text);
/* The next character of a "quoted" text; -1: its end, *AT is past it; -2: an error, refused. */
int text__scan_character(struct elfmap_text *text, const char **at);
/* Reads a name, bare or "quoted as in C", into NAME with a NUL. */
int text__read_quotable(struct elfmap_text *text, const char *what, char *name, size_t size);

/* Reads the next value, in its notation or as `hex` bytes. */
int text__read_value(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
/* Reads SIZE bytes after `hex`; the last one may be followed by ENDS_IN. */
int text__read_hex(struct elfmap_text *text, size_t size, char ends_in, unsigned char *to);

/* "Quoted as in C". */
void text__add_quoted(struct elfmap_buffer *to, const char *bytes, size_t length);

#endif
