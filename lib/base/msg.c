// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The caller's message, and numbers in words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"

/* ---- what reaches a terminal ------------------------------------------------------------------------------ */

/* The length of the UTF-8 character at TEXT; 0: it is none. Overlong forms of two bytes count as none. */
static size_t character_length(const unsigned char *text)
{
	size_t length = *text < 0x80   ? 1
			: *text < 0xc2 ? 0
			: *text < 0xe0 ? 2
			: *text < 0xf0 ? 3
			: *text < 0xf5 ? 4
				       : 0;

	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* C0, DEL and C1 control a terminal; the others change the direction of the text after them. */
static bool is_refused(const unsigned char *text, size_t length)
{
	if (length == 1)
		return *text < ' ' || *text == 0x7f;
	if (length == 2)
		return (text[0] == 0xc2 && text[1] < 0xa0) || (text[0] == 0xd8 && text[1] == 0x9c); /* U+061C */
	return length == 3 && text[0] == 0xe2 &&
	       ((text[1] == 0x80 && (text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xaa && text[2] <= 0xae))) ||
		(text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9));
}

void elfmap_text__clean(char *text)
{
	unsigned char *at = (unsigned char *)text;

	while (*at) {
		size_t length = character_length(at);

		if (!length || is_refused(at, length))
			memset(at, '?', length ?: 1);
		at += length ?: 1;
	}
}

void elfmap_msg__print(struct elfmap_msg *msg, const char *format, va_list args)
{
	vsnprintf(msg->text, sizeof(msg->text), format, args);
	elfmap_text__clean(msg->text);
}

int elfmap_msg__set(struct elfmap_msg *msg, int err, const char *format, ...)
{
	va_list args;

	if (msg) {
		va_start(args, format);
		elfmap_msg__print(msg, format, args);
		va_end(args);
	}
	return err;
}

size_t elfmap_msg__line(char *ret_line, size_t size, const char *object, const struct elfmap_msg *what)
{
	size_t length;

	snprintf(ret_line, size - 1, "elfmap: %s: %s", *object ? object : "''", what->text);
	elfmap_text__clean(ret_line);
	length = strlen(ret_line);
	ret_line[length++] = '\n';
	return length;
}

/* ---- numbers -------------------------------------------------------------------------------------------- */

#define MAX_DIGITS 80 /* 64 binary ones and a prefix */

int elfmap_number__read_part(const char *text, size_t length, int base, __u64 min, __u64 max, __u64 *ret_number)
{
	char word[MAX_DIGITS];

	if (length >= sizeof(word))
		return -ERANGE;
	memcpy(word, text, length);
	word[length] = '\0';
	return elfmap_number__read(word, base, min, max, ret_number);
}

int elfmap_number__read(const char *word, int base, __u64 min, __u64 max, __u64 *ret_number)
{
	unsigned long long number;
	char *end;

	if (*word < '0' || *word > '9')
		return -EINVAL;
	errno = 0;
	number = strtoull(word, &end, base);
	if (*end)
		return -EINVAL;
	if (errno || number < min || number > max)
		return -ERANGE;
	*ret_number = number;
	return 0;
}
