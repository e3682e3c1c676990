// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* From text to bytes: how a word is refused, which marks the place, too. */
#include <errno.h>
#include <stdarg.h>

#include "text/text_scan.h"

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
		return text__refuse(text, text->at, "expected %s, and the line ends", what);
	return text__refuse(text, text->at, "expected %s, not '%.*s'", what, text__shown(text, text->at), text->at);
}
