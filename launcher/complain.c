// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What every command says when it fails. Here, since the launcher is linked without the verbs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "complain.h"
#include "msg.h"

int complain(const char *object, const char *format, ...)
{
	struct elfmap_msg what;
	va_list args;

	va_start(args, format);
	elfmap_msg__print(&what, format, args);
	va_end(args);
	fputs("elfmap: ", stderr);
	print_name(stderr, object);
	fprintf(stderr, ": %s\n", what.text);
	return EXIT_FAILURE;
}

void print_name(FILE *to, const char *name)
{
	if (!*name)
		name = "''";
	for (; *name; name++)
		fputc((unsigned char)*name < ' ' || *name == '\177' ? '?' : *name, to);
}
