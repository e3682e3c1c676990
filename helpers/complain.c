// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Error messages: prints them, and splits them into their parts for -j. */
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/complain.h"

/* ---- parts ----------------------------------------------------------------------------------------- */

static char first_object[PATH_MAX], first_text[sizeof(((struct elfmap_msg *)0)->text)];

/* The next SIGN ("; ") in TEXT outside of quotes; NULL: there is none. An apostrophe within a word is not a quote. */
static const char *find_sign(const char *text, const char *sign)
{
	bool quoted = false;

	for (const char *at = text; *at; at++) {
		bool opens = at == text || strchr(" (", at[-1]);
		bool closes = !at[1] || strchr(" ,;:.)?", at[1]);

		if (*at == '\'' && (quoted ? closes : opens))
			quoted = !quoted;
		if (!quoted && !strncmp(at, sign, strlen(sign)))
			return at;
	}
	return NULL;
}

/* The command in a clause: "'sudo elfmap map list' shows them". Other quoted words are names. */
static struct complaint_part find_command(const char *clause)
{
	static const char *const programs[] = {"elfmap ", "sudo ", "tc ", "ip ", "bpftool ", "mount ", "make "};

	for (const char *quote = strchr(clause, '\''); quote; quote = strchr(quote + 1, '\''))
		for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
			if (!strncmp(quote + 1, programs[i], strlen(programs[i])))
				return (struct complaint_part){quote + 1, strcspn(quote + 1, "'")};
	return (struct complaint_part){};
}

void complaint__split(const char *text, struct complaint *ret_complaint)
{
	const char *colon = find_sign(text, ": "), *end = text + strlen(text), *semicolon = text;
	struct complaint parts = {};

	while ((semicolon = find_sign(semicolon, "; "))) {
		parts.command = find_command(semicolon + 2);
		if (parts.command.length) {
			end = semicolon;
			break;
		}
		semicolon += 2;
	}
	if (colon && colon < end) {
		parts.what = (struct complaint_part){text, (size_t)(colon - text)};
		text = colon + 2;
	}
	parts.why = (struct complaint_part){text, (size_t)(end - text)};
	*ret_complaint = parts;
}

void complain__first(struct complaint *ret_complaint)
{
	complaint__split(first_text, ret_complaint);
	ret_complaint->object = (struct complaint_part){first_object, strlen(first_object)};
}

static bool is_complaint(const char *text)
{
	return strncmp(text, "note: ", 6) != 0 && strncmp(text, "warning: ", 9) != 0;
}

static void keep_first(const char *object, const char *text)
{
	if (*first_text || !is_complaint(text))
		return;
	snprintf(first_object, sizeof(first_object), "%s", object);
	snprintf(first_text, sizeof(first_text), "%s", text);
}

/* ---------------------------------------------------------------------------------------------------- */

int complain(const char *object, const char *format, ...)
{
	struct elfmap_msg what;
	char line[ELFMAP_LINE_MAX];
	va_list args;

	va_start(args, format);
	elfmap_msg__print(&what, format, args);
	va_end(args);
	keep_first(object, what.text);
	(void)!write(STDERR_FILENO, line,
		     elfmap_msg__line(line, sizeof(line), object, &what)); /* an error here cannot be reported */
	return EXIT_FAILURE;
}

void warn_of_object(const char *object, const char *text)
{
	complain(object, "%s", text);
}

void print_name(FILE *to, const char *name)
{
	char *clean = strdup(*name ? name : "''");

	if (!clean)
		return; /* as if the stream had failed */
	elfmap_text__clean(clean);
	fputs(clean, to);
	free(clean);
}
