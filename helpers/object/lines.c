// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines of findings: the object, libbpf and the verifier have their say in them, a terminal shows them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/object/lines.h"

int lines__add(struct lines *lines, const char *format, ...)
{
	char text[LINE_SIZE], **grown;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = *at == '\t' ? ' ' : '?';
	grown = realloc(lines->text, (lines->nr + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	lines->text = grown;
	grown[lines->nr] = strdup(text);
	return grown[lines->nr] ? (lines->nr++, 0) : -ENOMEM;
}

void lines__free(struct lines *lines)
{
	for (size_t i = 0; i < lines->nr; i++)
		free(lines->text[i]);
	free(lines->text);
	*lines = (struct lines){};
}
