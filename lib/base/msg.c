// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The caller's message, and numbers in words. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"

void elfmap_msg__print(struct elfmap_msg *msg, const char *format, va_list args)
{
	vsnprintf(msg->text, sizeof(msg->text), format, args);
	for (char *at = msg->text; *at; at++)
		*at = elfmap_msg__printable(*at);
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
	size_t length = 0;

	snprintf(ret_line, size - 1, "elfmap: %s: %s", *object ? object : "''", what->text);
	for (; ret_line[length]; length++)
		ret_line[length] = elfmap_msg__printable(ret_line[length]);
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
