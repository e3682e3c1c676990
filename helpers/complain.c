// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What every verb says when it fails. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/complain.h"

static struct elfmap_msg *taken; /* NULL: stderr */
static bool has_taken;

void complain_to(struct elfmap_msg *msg)
{
	taken = msg;
	has_taken = false;
}

static bool is_complaint(const char *text)
{
	return strncmp(text, "note: ", 6) != 0 && strncmp(text, "warning: ", 9) != 0;
}

int complain(const char *object, const char *format, ...)
{
	struct elfmap_msg what;
	char line[ELFMAP_LINE_MAX];
	va_list args;

	va_start(args, format);
	elfmap_msg__print(&what, format, args);
	va_end(args);
	if (taken && is_complaint(what.text)) {
		if (!has_taken)
			elfmap_msg__set(taken, -EINVAL, "%s: %s", object, what.text);
		has_taken = true;
		return EXIT_FAILURE;
	}
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
