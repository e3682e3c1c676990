// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Scanning numbers and quoted characters; refusing and storing words. */
#include <stdarg.h>

#include "text/scan.h"

#define SAFE_DIGITS 19 /* a number with so many fits in 64 bits */

/* ---- refusals -------------------------------------------------------------------------------------------------- */

int text__refuse(struct elfmap_text *text, const char *wrong, const char *format, ...)
{
	va_list args;

	text->wrong = wrong;
	if (!text->msg)
		return -EINVAL;
	va_start(args, format);
	elfmap_msg__print(text->msg, format, args);
	va_end(args);
	return -EINVAL;
}

int text__shown(const struct elfmap_text *text, const char *at)
{
	int length = 0;

	if (at < text->end && is_delimiter(*at))
		return *at != '\n';
	while (at + length < text->end && length < WORD_SHOWN && !is_delimiter(at[length]))
		length++;
	return length;
}

int text__expected(struct elfmap_text *text, const char *what)
{
	skip_blanks(text);
	if (at_line_end(text))
		return text__refuse(text, text->at, "expected %s, but the line ends", what);
	return text__refuse(text, text->at, "expected %s, not '%.*s'", what, text__shown(text, text->at), text->at);
}

int text__expected_type(struct elfmap_text *text, const struct elfmap_type *type)
{
	return text__expected(text, notation_of(type)->expected);
}

/* ---- numbers --------------------------------------------------------------------------------------------------- */

bool text__begins_number(const struct elfmap_text *text)
{
	const char *at = text->at;

	at += at < text->end && *at == '-';
	return at < text->end && *at >= '0' && *at <= '9';
}

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

int text__scan_long_number(struct elfmap_text *text, unsigned __int128 *ret_number)
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

static inline __u64 load8(const char *at)
{
	__u64 word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* The value of eight decimal digits at once: pairs, then fours, then all. */
static inline __u64 eight_digits(__u64 digits)
{
	digits = (digits * 10 + (digits >> 8)) & 0x00ff00ff00ff00ff;
	digits = (digits * 100 + (digits >> 16)) & 0x0000ffff0000ffff;
	return (digits * 10000 + (digits >> 32)) & 0xffffffff;
}

/* The number of leading digits in eight characters; *RET_NUMBER is their value. */
static __always_inline unsigned int scan_eight(const char *at, __u64 *ret_number)
{
	__u64 digits = load8(at) ^ 0x3030303030303030;
	__u64 others = ((digits + 0x7676767676767676) | digits) & 0x8080808080808080;
	unsigned int count = others ? (unsigned int)__builtin_ctzll(others) / 8 : 8;

	*ret_number = count ? eight_digits(digits << (64 - 8 * count)) : 0;
	return count;
}

/* Reads decimal digits where 24 bytes are readable; all of them unless they are more than SAFE_DIGITS. */
static __always_inline const char *scan_eights(const char *at, __u64 *ret_number)
{
	static const __u64 tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	unsigned int count = scan_eight(at, ret_number);
	const char *start = at;
	__u64 more;

	for (at += count; count == 8 && at - start <= 16; at += count) {
		count = scan_eight(at, &more);
		*ret_number = *ret_number * tens[count] + more;
	}
	return at;
}

bool text__scan_short_number(struct elfmap_text *text, __u64 *ret_number)
{
	const char *at = text->at, *end = text->end;
	__u64 number = 0;

	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && end - at >= 24)
		at = scan_eights(at, &number);
	else
		while (at < end && (unsigned int)(*at - '0') < 10)
			number = number * 10 + (unsigned int)(*at++ - '0');
	if (at == text->at || at - text->at > SAFE_DIGITS || (*text->at == '0' && at - text->at > 1) ||
	    !is_word_end(text, at))
		return false;
	text->at = at;
	*ret_number = number;
	return true;
}

int text__scan_number(struct elfmap_text *text, unsigned __int128 *ret_number)
{
	__u64 number;

	if (!text__scan_short_number(text, &number))
		return text__scan_long_number(text, ret_number);
	*ret_number = number;
	return 0;
}

/* ---- quoted text ----------------------------------------------------------------------------------------------- */

/* The character of the escape at *AT (after the backslash); -1: not an escape. */
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

int text__scan_character(struct elfmap_text *text, const char **at)
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
		text__refuse(text, backslash, "unknown escape sequence");
		return -2;
	}
	return value & 0xff;
}

int text__read_quotable(struct elfmap_text *text, const char *what, char *name, size_t size)
{
	const char *word = text->at, *at = word + 1, *end = word_end(text);
	size_t length = 0;
	int character;

	if (word < text->end && *word == '"') {
		while ((character = text__scan_character(text, &at)) > 0 && length + 1 < size)
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

void text__add_quoted(struct elfmap_buffer *to, const char *bytes, size_t length)
{
	char *at = length < (size_t)-1 / 8 ? buffer__reserve(to, 4 * length + 2) : NULL;
	const char *start = at;

	if (!at)
		return;
	*at++ = '"';
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c >= ' ' && c < 0x7f) {
			if (c == '"' || c == '\\')
				*at++ = '\\';
			*at++ = (char)c;
			continue;
		}
		*at++ = '\\'; /* always three digits, so that a following digit is not part of it */
		*at++ = (char)('0' + (c >> 6));
		*at++ = (char)('0' + (c >> 3 & 7));
		*at++ = (char)('0' + (c & 7));
	}
	*at++ = '"';
	to->length += (size_t)(at - start);
}
