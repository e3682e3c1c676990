/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of a line, for what reads values: where they begin and end, and refusals. */
#ifndef ELFMAP_SCAN_H
#define ELFMAP_SCAN_H

#include <errno.h>
#include <string.h>

#include "base/msg.h"
#include "text/notation.h"

#define WORD_SHOWN 40 /* characters of a word that messages repeat */

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

/* What ends a word. */
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

/* Takes the word WORD, if that is the next one. */
static inline bool take_word(struct elfmap_text *text, const char *word, size_t length)
{
	if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0 ||
	    !is_word_end(text, text->at + length))
		return false;
	text->at += length;
	return true;
}

/* Takes the bracket C, which needs no blank behind it. */
static inline bool take_bracket(struct elfmap_text *text, char c)
{
	skip_blanks(text);
	if (text->at >= text->end || *text->at != c)
		return false;
	text->at++;
	return true;
}

/* Nothing left in this line? Blanks must have been skipped. */
static inline bool at_line_end(const struct elfmap_text *text)
{
	return text->at >= text->end || *text->at == '\n' || *text->at == '#';
}

/* Sets the message and remembers that the word at WRONG is to blame. Returns -EINVAL. */
int text__refuse(struct elfmap_text *text, const char *wrong, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "expected WHAT, not 'word'", at the next word. */
int text__expected(struct elfmap_text *text, const char *what);
/* The same, of what TYPE's notation expects. */
int text__expected_type(struct elfmap_text *text, const struct elfmap_type *type);
/* What of the word at AT a message shows: for "%.*s". */
int text__shown(const struct elfmap_text *text, const char *at);

/* Both store what was read, or see whether it is there already. */
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

/* Unsigned decimal or 0x..., a word of its own. 0: it is there; -EINVAL: it is not (no message);
 * -ERANGE: it has more than 128 bits. The cursor moves behind it only on success. */
int text__scan_number(struct elfmap_text *text, unsigned __int128 *ret_number);
/* Its two parts: what most numbers are, decimal in 64 bits (false: not one of these), and any. */
bool text__scan_short_number(struct elfmap_text *text, __u64 *ret_number);
int text__scan_long_number(struct elfmap_text *text, unsigned __int128 *ret_number);
bool text__begins_number(const struct elfmap_text *text);
/* The next character of a "quoted" text; -1: its end, past which *AT is then; -2: it is wrong, and refused. */
int text__scan_character(struct elfmap_text *text, const char **at);
/* A name, bare or "quoted as in C", into NAME with a NUL. */
int text__read_quotable(struct elfmap_text *text, const char *what, char *name, size_t size);

/* The value that comes next, in its notation or behind `hex`. */
int text__read_value(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
/* SIZE bytes behind `hex`; behind the last one ENDS_IN may stand instead of the word's end. */
int text__read_hex(struct elfmap_text *text, size_t size, char ends_in, unsigned char *to);

/* "Quoted as in C". */
void text__add_quoted(struct elfmap_buffer *to, const char *bytes, size_t length);

#endif
