// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of options as usage line and as help. */
#include <string.h>

#include "helpers/options.h"

#define HELP_COLUMN 24

/* "prio P", "PIN", "ingress|egress", "--tcx". Returns how many columns it takes. */
static int print_row(FILE *to, const struct option_row *row)
{
	int width = 0;

	if (row->words)
		width += fprintf(to, "%.*s%s", (int)strcspn(row->words, "|"), row->words,
				 row->kind == OPTION_FLAG ? "" : " ");
	if (row->value)
		width += fprintf(to, "%s%s", row->value, row->kind == OPTION_WORDS ? " ..." : "");
	for (const struct option_choice *choice = row->value ? NULL : row->choices; choice && choice->word; choice++)
		if (!choice->is_hidden)
			width += fprintf(to, "%s%s", choice == row->choices ? "" : "|", choice->word);
	return width;
}

static bool is_named(const struct option_row *row, const char *name)
{
	return name && row->words && !strncmp(name, row->words, strcspn(row->words, "|"));
}

/* The option that can be given instead of ROW, if no row behind that one says the same of it. */
static const struct option_row *find_instead(const struct option_row *rows, const struct option_row *row)
{
	const struct option_row *instead = NULL;

	if (!(row->flags & OPTION_REQUIRED) || !row->unless)
		return NULL;
	for (const struct option_row *other = rows; other->kind; other++) {
		if (other > row && other->flags & OPTION_REQUIRED && other->unless &&
		    !strcmp(other->unless, row->unless))
			return NULL;
		if (is_named(other, row->unless))
			instead = other;
	}
	return instead;
}

/* Does it stand behind what it can be given instead of? */
static bool is_instead(const struct option_row *rows, const struct option_row *row)
{
	for (; rows->kind; rows++)
		if (rows->flags & OPTION_REQUIRED && is_named(row, rows->unless))
			return true;
	return false;
}

static const struct option_row *next_shown(const struct option_row *rows, const struct option_row *row)
{
	while (row->kind && (row->flags & OPTION_HIDDEN || is_instead(rows, row)))
		row++;
	return row;
}

void options__print_usage(FILE *to, const struct option_row *rows)
{
	const struct option_row *row = next_shown(rows, rows), *next, *instead;
	bool is_open = false;

	for (; row->kind; row = next) {
		bool is_required = row->flags & OPTION_REQUIRED;

		next = next_shown(rows, row + 1);
		fputs(is_open ? "|" : is_required ? " " : " [", to);
		print_row(to, row);
		instead = find_instead(rows, row);
		if (instead) {
			fputc('|', to);
			print_row(to, instead);
		}
		/* Of two options only one can be given: they stand in one pair of brackets. */
		is_open = !is_required && next->kind && !(next->flags & OPTION_REQUIRED) && is_named(row, next->unless);
		if (!is_required && !is_open)
			fputc(']', to);
	}
}

void options__print_help(FILE *to, const struct option_row *rows)
{
	bool is_first = true;

	for (const struct option_row *row = rows; row->kind; row++) {
		int width;

		if (!row->help || row->flags & OPTION_HIDDEN)
			continue;
		fputs(is_first ? "\n  " : "  ", to);
		is_first = false;
		width = print_row(to, row);
		fprintf(to, "%*s %s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 0, "", row->help);
	}
}
