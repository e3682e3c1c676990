/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The words of a line, for what reads values (text_read*.c): where they begin and end, and refusals. */
#ifndef ELFMAP_TEXT_SCAN_H
#define ELFMAP_TEXT_SCAN_H

#include <errno.h>
#include <string.h>

#include "base/msg.h"
#include "text/text.h"

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
	return is_blank(c) || c == '\n' || c == '{' || c == '}' || c == '[' || c == ']' || c == '"';
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

/* Says WHY ("%.*s" is for the word at WRONG, if FORMAT has it first) and remembers where. Returns -EINVAL. */
int text__refuse(struct elfmap_text *text, const char *wrong, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "expected WHAT, not 'word'", at the next word. */
int text__expected(struct elfmap_text *text, const char *what);
/* What of the word at AT a message shows: for "%.*s". */
int text__shown(const struct elfmap_text *text, const char *at);

/* All store what was read, or see whether it is there already. */
int text__store(struct elfmap_text *text, const char *word, void *to, const void *from, size_t size);
int text__store_number(struct elfmap_text *text, const char *word, const struct elfmap_type *type, void *to,
		       unsigned __int128 number);

/* One value each, the cursor on its first character; text_read_number.c, text_address.c, text_read_names.c. */
int text__read_number(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
int text__read_address(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
int text__read_prefix(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
int text__read_hex(struct elfmap_text *text, size_t size, unsigned char *to); /* behind the word `hex` */
int text__read_hex_prefix(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
/* Behind the slash: a length of at most MOST bits, to which ADD is added. */
int text__read_length(struct elfmap_text *text, const struct elfmap_type *type, unsigned int add, unsigned int most,
		      unsigned char *to);
int text__read_string(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
int text__read_name(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);

/* Reads what is spelled as usual, and says nothing of anything else. */
bool text__read_fast(struct elfmap_text *text, const struct elfmap_type *type, unsigned char *to);
bool text__read_entry_fast(struct elfmap_text *text, const struct elfmap_format *format, unsigned char *key,
			   unsigned char *value);

/* Unsigned decimal or 0x..., a word of its own. 0: it is there; -EINVAL: it is none (nothing was said);
 * -ERANGE: it has more than 128 bits. The cursor moves behind it only on success. */
int text__scan_number(struct elfmap_text *text, unsigned __int128 *ret_number);
/* A name, bare or "quoted as in C", into NAME with a NUL. */
int text__read_quotable(struct elfmap_text *text, const char *what, char *name, size_t size);
/* How many characters at AT are an address, or 0, and its bytes. */
size_t text__scan_ipv4(const char *at, const char *end, unsigned char to[4]);
size_t text__scan_ipv6(const char *at, const char *end, unsigned char to[16]);
bool text__is_mapped(const unsigned char bytes[16]); /* ::ffff:0:0/96, as ELFMAP_IP has IPv4 */

#endif
