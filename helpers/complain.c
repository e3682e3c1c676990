// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What every verb says when it fails. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/complain.h"

int complain(const char *object, const char *format, ...)
{
	struct elfmap_msg what;
	char line[ELFMAP_LINE_MAX];
	va_list args;

	va_start(args, format);
	elfmap_msg__print(&what, format, args);
	va_end(args);
	(void)!write(STDERR_FILENO, line,
		     elfmap_msg__line(line, sizeof(line), object, &what)); /* nowhere to report it */
	return EXIT_FAILURE;
}

void print_name(FILE *to, const char *name)
{
	if (!*name)
		name = "''";
	for (; *name; name++)
		fputc(elfmap_msg__printable(*name), to);
}
