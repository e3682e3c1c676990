// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the judges of an old tc have to say, line by line. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "object/internal.h"
#include "object/old_tc_judge.h"

static void add_line(struct judge *judge, char ***lines, size_t *nr_lines, const char *format, va_list args)
{
	struct elfmap_msg msg;
	char **grown;

	if (*nr_lines >= JUDGE_MAX_LINES || judge->err)
		return;
	elfmap_msg__print(&msg, format, args);
	grown = realloc(*lines, (*nr_lines + 1) * sizeof(*grown));
	if (grown) {
		*lines = grown;
		grown[*nr_lines] = strdup(msg.text);
	}
	if (!grown || !grown[*nr_lines])
		judge->err = -ENOMEM;
	else
		++*nr_lines;
}

void judge__reason(struct judge *judge, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(judge, &judge->verdict.reasons, &judge->verdict.nr_reasons, format, args);
	va_end(args);
}

void judge__warn(struct judge *judge, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(judge, &judge->verdict.warnings, &judge->verdict.nr_warnings, format, args);
	va_end(args);
}
