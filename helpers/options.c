// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Parses a command line by its table of options: first the options, then the rest as arguments, in order. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/options.h"
#include "kinds/progs.h"
#include "pins/bpffs.h"

struct parse {
	const struct option_row *rows;
	char *request;
	struct options_common *common;
	char **arguments; /* words that are not options */
	int nr_arguments;
	struct elfmap_msg *msg;
};

/* ---- names ------------------------------------------------------------------------------------------ */

/* Is WORD, of LENGTH bytes, one of NAMES ("a|b|c")? */
static bool is_one_of(const char *word, size_t length, const char *names)
{
	while (names) {
		size_t end = strcspn(names, "|");

		if (end == length && !strncmp(names, word, length))
			return true;
		names = names[end] ? names + end + 1 : NULL;
	}
	return false;
}

/* By the first word, or by the value of a row that has no words. */
static bool is_called(const struct option_row *row, const char *name)
{
	const char *own = row->words ?: row->value;

	return own && is_one_of(name, strlen(name), own);
}

static bool is_argument(const struct option_row *row)
{
	return !row->words && row->kind != OPTION_CHOICE;
}

static bool is_given(const struct options_common *common, size_t row)
{
	return common->given >> row & 1;
}

bool options__has(const struct option_row *rows, const struct options_common *common, const char *name)
{
	for (size_t i = 0; rows[i].kind; i++)
		if (is_given(common, i) && is_called(&rows[i], name))
			return true;
	return false;
}

static const struct option_choice *find_choice(const struct option_row *row, const char *word)
{
	for (const struct option_choice *choice = row->choices; choice->word; choice++)
		if (!strcmp(choice->word, word))
			return choice;
	return NULL;
}

/* "-" is standard input, and -5 a number. */
static bool is_dashed(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

/* The row that WORD names, or is a choice of. `--for=tc` is the word `--for` with its value. */
static size_t find_row(const struct option_row *rows, const char *word, unsigned int flags)
{
	size_t length = is_dashed(word) ? strcspn(word, "=") : strlen(word);

	for (size_t i = 0; rows[i].kind; i++) {
		if ((rows[i].flags & OPTION_LAST) != flags)
			continue;
		if (rows[i].words ? is_one_of(word, length, rows[i].words)
				  : rows[i].kind == OPTION_CHOICE && find_choice(&rows[i], word))
			return i;
	}
	return OPTIONS_NO_ROW;
}

size_t options__find(const struct option_row *rows, const char *word)
{
	size_t row = find_row(rows, word, 0);

	return row == OPTIONS_NO_ROW ? find_row(rows, word, OPTION_LAST) : row;
}

/* ---- suggestions ------------------------------------------------------------------------------------ */

void options__find_nearest(const char *word, const char *candidates, struct elfmap_nearest *nearest)
{
	while (candidates) {
		size_t end = strcspn(candidates, "|");

		elfmap_nearest__try(nearest, word, candidates, end);
		candidates = candidates[end] ? candidates + end + 1 : NULL;
	}
}

static int refuse_word(const struct parse *parse, const char *what, const char *word)
{
	struct elfmap_nearest nearest = {.distance = ELFMAP_FAR};

	for (const struct option_row *row = parse->rows; row->kind; row++) {
		if (row->flags & OPTION_HIDDEN)
			continue;
		options__find_nearest(word, row->words, &nearest);
		for (const struct option_choice *choice = row->choices; choice && choice->word && !row->words; choice++)
			options__find_nearest(word, choice->word, &nearest);
	}
	if (!*nearest.word)
		return elfmap_msg__set(parse->msg, -EINVAL, "%s '%s'", what, word);
	return elfmap_msg__set(parse->msg, -EINVAL, "%s '%s'; did you mean '%s'?", what, word, nearest.word);
}

/* ---- values ----------------------------------------------------------------------------------------- */

static int refuse(const struct parse *parse, const char *word, const char *why)
{
	return elfmap_msg__set(parse->msg, -EINVAL, "%s: %s", word, why);
}

static void list_choices(const struct option_row *row, char list[256])
{
	size_t length = 0;

	for (const struct option_choice *choice = row->choices; choice->word && length < 256; choice++)
		if (!choice->is_hidden)
			length +=
				(size_t)snprintf(list + length, 256 - length, "%s%s", length ? ", " : "", choice->word);
}

static int refuse_choice(const struct parse *parse, const struct option_row *row, const char *word, const char *value)
{
	char list[256];

	list_choices(row, list);
	return elfmap_msg__set(parse->msg, -EINVAL, "%s: '%s' is not one of %s", word, value, list);
}

static int store_number(const struct parse *parse, const struct option_row *row, const char *word, const char *value)
{
	__u64 number;

	if (elfmap_number__read(value, 0, (__u64)row->min, (__u64)row->max, &number))
		return elfmap_msg__set(parse->msg, -EINVAL, "%s: '%s' is not a number from %.0f to %.0f", word, value,
				       row->min, row->max);
	*(__u32 *)(parse->request + row->at) = (__u32)number;
	return 0;
}

static int store_read(const struct parse *parse, const struct option_row *row, const char *word, char *value)
{
	struct elfmap_msg why;

	if (!row->read(value, parse->request + row->at, &why))
		return 0;
	return elfmap_msg__set(parse->msg, -EINVAL, "%s: %s", word, why.text);
}

/* WORD is the option as the user wrote it, or the argument's name. */
static int store(const struct parse *parse, const struct option_row *row, const char *word, char *value)
{
	const struct option_choice *choice;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)(parse->request + row->at) = true;
		return 0;
	case OPTION_NUMBER:
		return store_number(parse, row, word, value);
	case OPTION_CHOICE:
		choice = find_choice(row, value);
		if (!choice)
			return refuse_choice(parse, row, word, value);
		*(int *)(parse->request + row->at) = choice->value;
		return 0;
	case OPTION_READ:
		return store_read(parse, row, word, value);
	default:
		*(const char **)(parse->request + row->at) = value;
		return 0;
	}
}

int options__read_prog_type(char *word, void *to, struct elfmap_msg *msg)
{
	return elfmap_prog_kind__parse(word, to, msg);
}

/* ---- options ---------------------------------------------------------------------------------------- */

static bool is_common(const char *word)
{
	static const char names[] = "-j|--json|-p|--pretty|-jp|-pj|-n|--netns";

	return is_one_of(word, strlen(word), names);
}

int options__take_common(int argc, char **argv, int *at, struct options_common *common)
{
	const char *word = argv[*at];

	if (!is_common(word))
		return 0;
	++*at;
	if (strcmp(word, "-n") != 0 && strcmp(word, "--netns") != 0) {
		common->json = true;
		common->pretty = common->pretty || strchr(word, 'p');
		return 1;
	}
	if (*at == argc)
		return -EINVAL;
	common->netns = argv[(*at)++];
	return 1;
}

/* NAME=VALUE, where NAME begins like a name in C. */
static bool is_setting(const char *word)
{
	return (isalpha((unsigned char)*word) || *word == '_' || *word == '.') && strchr(word, '=');
}

/* `set NAME=VALUE ...`: all words of this form, also of several `set`. */
static int take_settings(struct parse *parse, const struct option_row *row, int argc, char **argv, int *at)
{
	struct elfmap_settings *settings = (void *)(parse->request + row->at);
	const char *word = argv[(*at)++];

	if (*at == argc || !is_setting(argv[*at]))
		return refuse(parse, word, strcmp(row->value, "MAP=N") ? "requires NAME=VALUE" : "requires MAP=N");
	for (; *at < argc && is_setting(argv[*at]); ++*at) {
		if (settings->nr == ELFMAP_MAX_SETTINGS)
			return refuse(parse, word, "too many values");
		settings->at[settings->nr++] = argv[*at];
	}
	return 0;
}

static bool is_place_word(const char *word)
{
	static const char words[] = "ingress|egress|xdp";

	return is_one_of(word, strlen(word), words);
}

static int add_place(struct parse *parse, const struct option_row *row, const char *dev, const char *where)
{
	struct option_places *places = (void *)(parse->request + row->at);

	if (places->nr == OPTION_MAX_PLACES)
		return refuse(parse, dev, "too many hooks");
	places->at[places->nr++] = (struct option_place){dev, where};
	return 0;
}

/* `dev DEV [ingress|egress|xdp] ...`: a place for each of the words behind DEV. */
static int take_places(struct parse *parse, const struct option_row *row, int argc, char **argv, int *at)
{
	const char *word = argv[(*at)++], *dev;
	int err = 0;

	if (*at == argc || is_common(argv[*at]) || is_dashed(argv[*at]))
		return refuse(parse, word, "requires a value");
	dev = argv[(*at)++];
	if (*at == argc || !is_place_word(argv[*at]))
		return add_place(parse, row, dev, NULL);
	for (; !err && *at < argc && is_place_word(argv[*at]); ++*at)
		err = add_place(parse, row, dev, argv[*at]);
	return err;
}

/* The option in row NTH, named by argv[*AT]. */
static int take_row(struct parse *parse, size_t nth, int argc, char **argv, int *at)
{
	const struct option_row *row = &parse->rows[nth];
	char *word, *value;
	bool needs_value;

	if (row->kind == OPTION_SETTINGS) {
		parse->common->given |= (__u64)1 << nth;
		return take_settings(parse, row, argc, argv, at);
	}
	if (row->kind == OPTION_PLACES) {
		parse->common->given |= (__u64)1 << nth;
		return take_places(parse, row, argc, argv, at);
	}
	word = argv[(*at)++];
	value = is_dashed(word) ? strchr(word, '=') : NULL;
	needs_value = row->words && row->kind != OPTION_FLAG;
	if (is_given(parse->common, nth))
		return refuse(parse, word, "given twice");
	if (value && !needs_value)
		return refuse(parse, word, "takes no value");
	if (value)
		*value++ = '\0';
	else if (!needs_value)
		value = word;
	else if (*at < argc && !is_common(argv[*at]) &&
		 (!is_dashed(argv[*at]) || find_row(parse->rows, argv[*at], 0) == OPTIONS_NO_ROW))
		value = argv[(*at)++];
	if (!value)
		return refuse(parse, word, "requires a value");
	parse->common->given |= (__u64)1 << nth;
	return store(parse, row, row->words ? word : row->choices[0].word, value);
}

static int take_named(struct parse *parse, int argc, char **argv)
{
	bool has_first = parse->rows->flags & OPTION_FIRST;
	int err = 0, at = 1;

	while (at < argc && !err) {
		size_t row;

		if (!strcmp(argv[at], "--")) {
			while (++at < argc)
				parse->arguments[parse->nr_arguments++] = argv[at];
			break;
		}
		err = options__take_common(argc, argv, &at, parse->common);
		if (err) {
			err = err < 0 ? refuse(parse, argv[argc - 1], "requires a value") : 0;
			continue;
		}
		row = has_first && !parse->nr_arguments && !is_dashed(argv[at]) ? OPTIONS_NO_ROW
										: find_row(parse->rows, argv[at], 0);
		if (row != OPTIONS_NO_ROW)
			err = take_row(parse, row, argc, argv, &at);
		else if (is_dashed(argv[at]))
			err = refuse_word(parse, "unknown option", argv[at]);
		else
			parse->arguments[parse->nr_arguments++] = argv[at++];
	}
	return err;
}

/* `KEY ... sum`: if any word can be an argument, options are recognized only at the end. */
static int take_last(struct parse *parse)
{
	int err = 0;

	for (int length = 1; length <= 2 && !err; length++) {
		int at = parse->nr_arguments - length, first = at;
		size_t nth = at > 0 ? find_row(parse->rows, parse->arguments[at], OPTION_LAST) : OPTIONS_NO_ROW;
		const struct option_row *row = nth == OPTIONS_NO_ROW ? NULL : &parse->rows[nth];

		if (!row || at < row->min || (row->words && row->kind != OPTION_FLAG) != (length == 2))
			continue;
		err = take_row(parse, nth, parse->nr_arguments, parse->arguments, &at);
		parse->nr_arguments = first;
		length = 0; /* another one may stand before it */
	}
	return err;
}

/* ---- arguments -------------------------------------------------------------------------------------- */

static bool is_open(const struct parse *parse, const struct option_row *row)
{
	return !row->unless || !options__has(parse->rows, parse->common, row->unless);
}

/* bpftool writes `dump pinned /sys/fs/...` for `dump PIN`. */
static void skip_pinned(struct parse *parse)
{
	if (parse->rows->completes != COMPLETE_PIN || !(parse->rows->flags & OPTION_FIRST) || parse->nr_arguments < 2 ||
	    strcmp(parse->arguments[0], "pinned") != 0 || *parse->arguments[1] != '/')
		return;
	parse->arguments++;
	parse->nr_arguments--;
}

/* `id N` and `name NAME` are one word for a map that may have no pin. A pin of that name goes first. */
static int join_map_word(struct parse *parse)
{
	bool is_id, is_name;
	char path[PATH_MAX];
	char *word;

	if (parse->rows->completes != COMPLETE_PIN || !(parse->rows->flags & OPTION_FIRST) || parse->nr_arguments < 2)
		return 0;
	is_id = !strcmp(parse->arguments[0], "id");
	is_name = !strcmp(parse->arguments[0], "name");
	if ((!is_id && !is_name) ||
	    (!elfmap_bpffs__pin_path(parse->arguments[0], path, sizeof(path), NULL) && !access(path, F_OK)))
		return 0;
	if (asprintf(&word, "%s %s", parse->arguments[0], parse->arguments[1]) < 0)
		return elfmap_msg__set(parse->msg, -ENOMEM, "no memory");
	*++parse->arguments = word; /* as long as the request, until the end */
	parse->nr_arguments--;
	return 0;
}

/* How many arguments the rows from NTH on need at least. */
static int count_required(const struct parse *parse, size_t nth)
{
	int required = 0;

	for (const struct option_row *row = &parse->rows[nth]; row->kind; row++)
		required += is_argument(row) && row->flags & OPTION_REQUIRED && is_open(parse, row);
	return required;
}

static int take_arguments(struct parse *parse)
{
	char **word = parse->arguments;
	int left = parse->nr_arguments, err = 0;

	for (size_t i = 0; parse->rows[i].kind && left && !err; i++) {
		const struct option_row *row = &parse->rows[i];
		int behind = count_required(parse, i + 1);
		bool is_required = row->flags & OPTION_REQUIRED;

		if (!is_argument(row) || !is_open(parse, row) || (!is_required && left <= behind))
			continue;
		parse->common->given |= (__u64)1 << i;
		if (row->kind == OPTION_WORDS) {
			int nr = left > behind ? left - behind : 1;

			*(struct option_words *)(parse->request + row->at) = (struct option_words){word, nr};
			word += nr;
			left -= nr;
			continue;
		}
		err = store(parse, row, row->value, *word++);
		left--;
	}
	if (!err && left)
		err = refuse_word(parse, "unexpected argument", *word);
	return err;
}

/* ---- parse ------------------------------------------------------------------------------------------ */

static int check_row(const struct parse *parse, size_t nth)
{
	const struct option_row *row = &parse->rows[nth];
	const char *name = row->words ?: row->value ?: row->choices->word;
	int length = row->words ? (int)strcspn(name, "|") : (int)strlen(name);
	char list[256];

	if (is_given(parse->common, nth)) {
		if (!is_open(parse, row))
			return elfmap_msg__set(parse->msg, -EINVAL, "%.*s: cannot be given with '%s'", length, name,
					       row->unless);
		if (row->needs && !options__has(parse->rows, parse->common, row->needs))
			return elfmap_msg__set(parse->msg, -EINVAL, "%.*s: requires '%s'", length, name, row->needs);
		return 0;
	}
	if (!(row->flags & OPTION_REQUIRED) || !is_open(parse, row))
		return 0;
	if (!row->words && row->choices) {
		list_choices(row, list);
		return elfmap_msg__set(parse->msg, -EINVAL, "requires one of %s", list);
	}
	if (is_argument(row))
		return elfmap_msg__set(parse->msg, -EINVAL, "requires %s", name);
	return elfmap_msg__set(parse->msg, -EINVAL, "requires '%.*s %s'", length, name, row->value);
}

int options__parse(const struct option_row *rows, int argc, char **argv, void *request, struct options_common *common,
		   struct elfmap_msg *msg)
{
	struct parse parse = {.rows = rows, .request = request, .common = common, .arguments = argv + 1, .msg = msg};
	int err;

	err = take_named(&parse, argc, argv);
	err = err ?: join_map_word(&parse);
	err = err ?: take_last(&parse);
	if (err)
		return err;
	skip_pinned(&parse);
	err = take_arguments(&parse);
	for (size_t i = 0; rows[i].kind && !err; i++)
		err = check_row(&parse, i);
	return err;
}

/* ---- usage and help ------------------------------------------------------------------------------- */

#define HELP_COLUMN 24

/* "prio P", "PIN", "ingress|egress", "--tcx". Returns how many columns it takes. */
static int print_row(FILE *to, const struct option_row *row)
{
	int width = 0;

	if (row->words)
		width += fprintf(to, "%.*s%s", (int)strcspn(row->words, "|"), row->words,
				 row->kind == OPTION_FLAG ? "" : " ");
	if (row->value)
		width += fprintf(to, "%s%s", row->value,
				 row->kind == OPTION_WORDS || row->kind == OPTION_SETTINGS || row->kind == OPTION_PLACES
					 ? " ..."
					 : "");
	for (const struct option_choice *choice = row->value ? NULL : row->choices; choice && choice->word; choice++)
		if (!choice->is_hidden)
			width += fprintf(to, "%s%s", choice == row->choices ? "" : "|", choice->word);
	return width;
}

static bool is_named(const struct option_row *row, const char *name)
{
	return name && row->words && !strncmp(name, row->words, strcspn(row->words, "|"));
}

/* The option that can be given instead of ROW, if ROW is the last that it replaces. */
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

/* Is it printed after the row that it replaces? */
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
		/* Two options that exclude each other share a pair of brackets. */
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
