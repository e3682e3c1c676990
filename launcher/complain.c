// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What every command says when it fails. Here, since the launcher is linked without the verbs. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "launcher/complain.h"

static char printable(char c)
{
	return (unsigned char)c < ' ' || c == '\177' ? '?' : c;
}

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

/* In one write: what others say beside it does not come between. */
int complain(const char *object, const char *format, ...)
{
	struct elfmap_msg what;
	char line[PATH_MAX + sizeof(what.text) + 1];
	va_list args;
	size_t end;

	va_start(args, format);
	elfmap_msg__print(&what, format, args);
	va_end(args);
	if (taken && is_complaint(what.text)) {
		if (!has_taken)
			elfmap_msg__set(taken, -EINVAL, "%s: %s", object, what.text);
		has_taken = true;
		return EXIT_FAILURE;
	}
	snprintf(line, sizeof(line) - 1, "elfmap: %s: %s", *object ? object : "''", what.text);
	for (end = 0; line[end]; end++)
		line[end] = printable(line[end]);
	line[end++] = '\n';
	(void)!write(STDERR_FILENO, line, end); /* nobody to tell */
	return EXIT_FAILURE;
}

void print_name(FILE *to, const char *name)
{
	if (!*name)
		name = "''";
	for (; *name; name++)
		fputc(printable(*name), to);
}
