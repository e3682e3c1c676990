// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads the file of a pipeline into lines and words, and parses them. Does not call the kernel. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "helpers/load/request.h"
#include "pins/bpffs.h"

#define MAX_WORDS 32

/* A line has WORDS words, and then PAIR with a value, which is optional unless LEAST includes it. A line of attach has
 * the options of the verb. */
static const struct {
	const char *name;
	int words;
	int least;
	const char *pair;
	const char *usage;
} kinds[] = {
	[LINE_LOAD] = {"load", 2, 2, "sec", "load FILE [sec NAME]"},
	[LINE_ATTACH] = {"attach", 0, 0, NULL, NULL},
	[LINE_MAP] = {"map", 3, 3, "types", "map PIN FILE [types KEY:VALUE]"},
	[LINE_SLOT] = {"slot", 4, 6, "sec", "slot PIN SLOT FILE sec NAME"},
};
#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

/* ---- words ----------------------------------------------------------------------------------------------- */

/* The next word at *AT, which is cut out of the line; NULL at its end. Quotes protect spaces and '#'. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " \t\r"), *end;

	if (!*word || *word == '#')
		return NULL;
	if (*word == '"') {
		end = strchr(++word, '"');
		if (!end)
			return NULL;
	} else {
		end = word + strcspn(word, " \t\r");
	}
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static int cut_line(char *text, struct pipeline_line *line, struct elfmap_msg *msg)
{
	char *words[MAX_WORDS + 1], *word;
	int nr = 0;

	while ((word = next_word(&text)) && nr < MAX_WORDS)
		words[nr++] = word;
	if (word)
		return elfmap_msg__set(msg, -E2BIG, "more than %d words", MAX_WORDS);
	text += strspn(text, " \t\r");
	if (*text && *text != '#')
		return elfmap_msg__set(msg, -EINVAL, "unterminated quote");
	words[nr] = NULL;
	line->argc = nr;
	line->argv = calloc((size_t)nr + 1, sizeof(*words));
	if (!line->argv)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	memcpy(line->argv, words, (size_t)nr * sizeof(*words));
	return 0;
}

static struct pipeline_line *add_line(struct pipeline *pipeline)
{
	struct pipeline_line *grown;

	grown = elfmap_array__grow(pipeline->lines, pipeline->nr_lines, sizeof(*grown));
	if (!grown)
		return NULL;
	pipeline->lines = grown;
	grown += pipeline->nr_lines++;
	*grown = (struct pipeline_line){.attachment = ELFMAP_NO_ATTACHMENT, .graft = ELFMAP_NO_GRAFT};
	return grown;
}

int pipeline__read(struct pipeline *pipeline, const char *file, struct elfmap_msg *msg)
{
	size_t size, number = 1;
	void *bytes;
	int err = elfmap_file__read(file, &bytes, &size, msg);

	if (err)
		return err;
	pipeline->text = realloc(bytes, size + 1);
	if (!pipeline->text) {
		free(bytes);
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	pipeline->text[size] = '\0';
	if (strlen(pipeline->text) != size)
		return elfmap_msg__set(msg, -EINVAL, "is not a text file");
	for (char *at = pipeline->text, *line; !err && (line = strsep(&at, "\n")); number++) {
		struct pipeline_line *row = add_line(pipeline);

		err = row ? cut_line(line, row, msg) : elfmap_msg__set(msg, -ENOMEM, "no memory");
		if (err)
			pipeline->failed = number;
		else if (!row->argc)
			free(pipeline->lines[--pipeline->nr_lines].argv); /* empty, or a comment */
		else
			row->number = number;
	}
	return err;
}

/* ---- lines ----------------------------------------------------------------------------------------------- */

int pipeline__name_culprit(const char *culprit, int err, struct elfmap_msg *msg)
{
	struct elfmap_msg why = *msg;

	return elfmap_msg__set(msg, err, "%s: %s", culprit, why.text);
}

int pipeline_line__open_graft(const struct pipeline *pipeline, struct pipeline_line *line, const char *path,
			      bool is_locked, struct elfmap_msg *msg)
{
	const struct elfmap_graft_request request = {
		.pin = line->argv[1],
		.path = path,
		.slot = line->argv[2],
		.file = line->argv[3],
		.section = line->value,
		.is_locked = is_locked,
		.tc_dir = pipeline->tc_dir,
		.warn = warn_of_object,
	};

	return elfmap_graft__open(&request, &line->graft, msg);
}

/* Parses a copy, since options__parse() sorts it and the plan prints the line as it was written. */
static int parse_attach_words(const struct pipeline_line *line, struct elfmap_attach_request *ret_request,
			      struct elfmap_msg *msg)
{
	struct attach_words words = {};
	struct options_common common = {};
	char *argv[MAX_WORDS + 1];
	int err;

	memcpy(argv, line->argv, (size_t)(line->argc + 1) * sizeof(*argv));
	err = options__parse(attach_options, line->argc, argv, &words, &common, msg);
	if (!err && (common.json || common.netns))
		err = elfmap_msg__set(msg, -EINVAL,
				      "'-j', '-p' and '-n' are options of 'elfmap apply', not of its lines");
	return err ?: attach_words__finish(&words, ret_request, msg);
}

static int parse_attach(struct pipeline_line *line, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_attach_request request;
	int err = parse_attach_words(line, &request, msg);

	if (err)
		return err;
	err = elfmap_attachment__init(&request, -1, tc_dir, &line->attachment, msg);
	line->attachment.warn = warn_of_object;
	return err ? pipeline__name_culprit(line->attachment.culprit, err, msg) : 0;
}

static int parse_pin(struct pipeline_line *line, struct elfmap_msg *msg)
{
	return elfmap_bpffs__pin_path(line->argv[1], line->path, sizeof(line->path), msg);
}

static bool has_its_words(const struct pipeline_line *line)
{
	int words = kinds[line->kind].words;

	if (line->argc < kinds[line->kind].least)
		return false;
	return line->argc == words || (line->argc == words + 2 && !strcmp(line->argv[words], kinds[line->kind].pair));
}

static int parse_line(struct pipeline_line *line, const char *tc_dir, struct elfmap_msg *msg)
{
	size_t kind = 0;

	while (kind < NR_KINDS && strcmp(line->argv[0], kinds[kind].name) != 0)
		kind++;
	if (kind == NR_KINDS)
		return elfmap_msg__set(msg, -EINVAL, "'%s' is not one of load, attach, map, slot", line->argv[0]);
	line->kind = (enum line_kind)kind;
	if (kind == LINE_ATTACH)
		return parse_attach(line, tc_dir, msg);
	if (!has_its_words(line))
		return elfmap_msg__set(msg, -EINVAL, "expected '%s'", kinds[kind].usage);
	line->value = line->argc > kinds[kind].words ? line->argv[kinds[kind].words + 1] : NULL;
	return kind == LINE_LOAD ? 0 : parse_pin(line, msg);
}

int pipeline__parse(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		int err = parse_line(&pipeline->lines[i], pipeline->tc_dir, msg);

		if (err) {
			pipeline->failed = pipeline->lines[i].number;
			return err;
		}
	}
	return pipeline->nr_lines ? 0 : elfmap_msg__set(msg, -EINVAL, "has no lines");
}
