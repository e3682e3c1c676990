// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Usage and help, as text and as JSON, from the tables of verbs and options. */
#include <stdlib.h>
#include <string.h>

#include "helpers/help.h"

#define SUMMARY_COLUMN 52 /* of the table that help prints */

/* ---- text ------------------------------------------------------------------------------------------ */

/* "FILE [sec NAME] ...", "VERB ..."; NULL: no memory. free() it. */
static char *make_arguments(const struct verb *verb)
{
	char *text = NULL;
	size_t size = 0;
	FILE *line = open_memstream(&text, &size);

	if (!line)
		return NULL;
	if (verb->options)
		options__print_usage(line, verb->options);
	else if (verb->below)
		fputs(" VERB ...", line);
	else if (*verb->arguments)
		fprintf(line, " %s", verb->arguments);
	fclose(line);
	return text;
}

static int print_synopsis(FILE *to, const char *verb_prefix, const struct verb *verb)
{
	char *arguments = make_arguments(verb);
	int width = fprintf(to, "%s%s%s", verb_prefix, verb->name, arguments ?: "");

	free(arguments);
	return width;
}

void help__print_table(FILE *to, const struct verb *const *table, const char *prefix)
{
	const char *above = strchr(prefix, ' ');

	fprintf(to, "usage: %s [-j|-p] [-n NS] VERB ...\n\n", prefix);
	for (; *table; table++) {
		int width = print_synopsis(to, "  ", *table);

		if (width > SUMMARY_COLUMN)
			width = fprintf(to, "\n") - 1;
		fprintf(to, "%*s %s\n", SUMMARY_COLUMN - width, "", (*table)->summary);
	}
	fputs("\n  -j, -p                 print JSON, in one line or indented\n"
	      "  -n NS                  use the devices of network namespace NS\n",
	      to);
	fprintf(to, "\n'%s VERB --help' describes a verb, 'man elfmap%s%s' all of them.\n", prefix, above ? "-" : "",
		above ? above + 1 : "");
}

void help__print_usage(FILE *to, const char *prefix, const struct verb *verb)
{
	fprintf(to, "usage: %s ", prefix);
	print_synopsis(to, "", verb);
	fputc('\n', to);
}

/* ---- JSON ------------------------------------------------------------------------------------------ */

static json_object *json_verb(const char *prefix, const struct verb *verb)
{
	json_object *root = json_object_new_object();
	char *arguments = make_arguments(verb), *usage = NULL;

	json_object_object_add(root, "name", json_object_new_string(verb->name));
	if (asprintf(&usage, "%s %s%s", prefix, verb->name, arguments ?: "") >= 0)
		json_object_object_add(root, "usage", json_object_new_string(usage));
	json_object_object_add(root, "summary", json_object_new_string(verb->summary));
	json_object_object_add(root, "changes", json_object_new_boolean(verb->changes));
	free(usage);
	free(arguments);
	return root;
}

static void add_words(json_object *array, const char *words)
{
	while (words) {
		size_t end = strcspn(words, "|");

		json_object_array_add(array, json_object_new_string_len(words, (int)end));
		words = words[end] ? words + end + 1 : NULL;
	}
}

static json_object *json_row(const struct option_row *row)
{
	json_object *root = json_object_new_object(), *words = json_object_new_array();

	add_words(words, row->words);
	for (const struct option_choice *choice = row->words ? NULL : row->choices; choice && choice->word; choice++)
		if (!choice->is_hidden)
			json_object_array_add(words, json_object_new_string(choice->word));
	json_object_object_add(root, "words", words);
	json_object_object_add(root, "value", row->value ? json_object_new_string(row->value) : NULL);
	json_object_object_add(root, "required", json_object_new_boolean(row->flags & OPTION_REQUIRED));
	json_object_object_add(root, "help", row->help ? json_object_new_string(row->help) : NULL);
	return root;
}

/* [{"words": ["prio", "pref"], "value": "P", "required": false, "help": "priority"}] */
static json_object *json_options(const struct option_row *rows)
{
	json_object *root = json_object_new_array();

	for (; rows->kind; rows++)
		if (!(rows->flags & OPTION_HIDDEN))
			json_object_array_add(root, json_row(rows));
	return root;
}

/* ---- what help prints ---------------------------------------------------------------------------------- */

int help__print_verbs(const struct verb *const *table, const char *prefix)
{
	json_object *root, *verbs;

	if (!output.json) {
		help__print_table(stdout, table, prefix);
		return end_output();
	}
	root = json_object_new_object();
	verbs = json_object_new_array();
	for (; *table; table++)
		json_object_array_add(verbs, json_verb(prefix, *table));
	json_object_object_add(root, "verbs", verbs);
	print_json(root);
	return end_output();
}

int help__print_verb(const char *prefix, const struct verb *verb)
{
	json_object *root;

	if (!output.json) {
		help__print_usage(stdout, prefix, verb);
		if (verb->options)
			options__print_help(stdout, verb->options);
		return end_output();
	}
	root = json_verb(prefix, verb);
	if (verb->options)
		json_object_object_add(root, "options", json_options(verb->options));
	print_json(root);
	return end_output();
}
