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
		width += fprintf(to, "%s%s", choice == row->choices ? "" : "|", choice->word);
	return width;
}

/* Options of which only one can be given stand in one pair of brackets. */
static bool is_alternative(const struct option_row *row, const struct option_row *next)
{
	return next->kind && !(row->flags & OPTION_REQUIRED) && !(next->flags & OPTION_REQUIRED) && next->unless &&
	       row->words && !strncmp(next->unless, row->words, strcspn(row->words, "|"));
}

void options__print_usage(FILE *to, const struct option_row *rows)
{
	bool is_open = false;

	for (const struct option_row *row = rows; row->kind; row++) {
		bool is_required = row->flags & OPTION_REQUIRED;

		if (row->flags & OPTION_HIDDEN)
			continue;
		fputs(is_open ? "|" : is_required ? " " : " [", to);
		print_row(to, row);
		is_open = is_alternative(row, row + 1);
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
