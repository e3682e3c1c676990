// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap apply PIPELINE`: establishes the state that a file describes. Its kinds of lines:
 *
 *   load FILE [sec NAME]                         programs pinned
 *   attach FILE|PIN [sec NAME] dev DEV ...       a program at a hook
 *   detach [FILE|PIN] [sec NAME] dev DEV ...     no such program there
 *   map PIN FILE [types KEY:VALUE] [exact]       entries of a map that does not exist yet; exact: of any map
 *   slot PIN SLOT FILE sec NAME                  a program in a tail-call slot
 *   cgroup set PIN SLOT DIR                      a cgroup in a slot of a CGROUP_ARRAY
 *   cgroup clear PIN SLOT                        an empty slot
 *   netns [NS]                                   the network namespace of the following lines
 *
 * Everything is planned before anything is changed, and all errors are reported. Changes are made in an order in which
 * no packet meets an incomplete pipeline. On failure they are undone.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "pins/bpffs.h"

/* ---- the plan -------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	char sign;
} intents[] = {
	[WILL_KEEP] = {"keep", '='},	 [WILL_ADD] = {"add", '+'},	   [WILL_CHANGE] = {"change", '~'},
	[WILL_REMOVE] = {"remove", '-'}, [HAS_DRIFTED] = {"drifted", '!'},
};

static const struct pipeline_netns *netns_of(const struct pipeline_line *line)
{
	if (line->kind == LINE_ATTACH || line->kind == LINE_DETACH)
		return line->hook->netns;
	return line->kind == LINE_MAP ? line->map->netns : NULL;
}

static bool has_word(const struct pipeline_line *line, const char *wanted)
{
	for (int word = 2; word < line->argc; word++)
		if (!strcmp(line->argv[word], wanted))
			return true;
	return false;
}

static void print_line(const struct pipeline_line *line)
{
	const struct pipeline_netns *netns = netns_of(line);

	putchar(intents[line->intent].sign);
	for (int word = 0; word < line->argc; word++) {
		putchar(' ');
		print_name(stdout, line->argv[word]);
	}
	if (netns && netns->name && !has_word(line, "netns")) {
		fputs(" netns ", stdout);
		print_name(stdout, netns->name);
	}
	if (line->intent == HAS_DRIFTED)
		printf(" (drifted: %zu missing, %zu changed, %zu more than in the file)",
		       line->map->contents.nr_missing, line->map->contents.nr_changed, line->map->contents.nr_extra);
	putchar('\n');
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The lines of a dry run, sorted: the map has no order. */
static void print_differences(struct elfmap_buffer *differences)
{
	char *text = strndup(differences->bytes ?: "", differences->length), *at = text, *line, **lines;
	size_t nr = 0;

	lines = calloc(differences->length / 4 + 1, sizeof(*lines)); /* "  + " */
	while (text && lines && (line = strsep(&at, "\n")))
		if (*line)
			lines[nr++] = line;
	if (nr)
		qsort(lines, nr, sizeof(*lines), compare_texts);
	for (size_t i = 0; i < nr; i++)
		puts(lines[i]);
	free(lines);
	free(text);
}

static void print_plan(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		struct pipeline_line *line = &pipeline->lines[i];

		if (line->kind == LINE_NETNS || line->is_hidden)
			continue;
		print_line(line);
		if (line->kind == LINE_MAP)
			print_differences(&line->map->differences);
	}
}

static void add_map(json_object *row, struct line_map *map)
{
	json_object *entries = json_object_new_object();

	json_object_object_add(entries, "missing", json_object_new_uint64(map->contents.nr_missing));
	json_object_object_add(entries, "changed", json_object_new_uint64(map->contents.nr_changed));
	json_object_object_add(entries, "extra", json_object_new_uint64(map->contents.nr_extra));
	json_object_object_add(row, "entries", entries);
	if (!map->differences.length)
		return;
	elfmap_buffer__add(&map->differences, "", 1);
	if (!map->differences.error)
		json_object_object_add(row, "differences", json_tokener_parse(map->differences.bytes));
}

static json_object *json_line(const struct pipeline_line *line)
{
	const struct pipeline_netns *netns = netns_of(line);
	json_object *row = json_object_new_object(), *words = json_object_new_array();

	for (int word = 0; word < line->argc; word++)
		json_object_array_add(words, json_object_new_string(line->argv[word]));
	json_object_object_add(row, "line", line->noted ? NULL : json_object_new_int64((int64_t)line->number));
	json_object_object_add(row, "words", words);
	if (netns && netns->name)
		json_object_object_add(row, "netns", json_object_new_string(netns->name));
	json_object_object_add(row, "action", json_object_new_string(intents[line->intent].word));
	if (line->kind == LINE_MAP)
		add_map(row, line->map);
	return row;
}

static void print_json_plan(const struct pipeline *pipeline)
{
	json_object *root = json_object_new_object(), *rows = json_object_new_array();

	for (size_t i = 0; i < pipeline->nr_lines; i++)
		if (pipeline->lines[i].kind != LINE_NETNS && !pipeline->lines[i].is_hidden)
			json_object_array_add(rows, json_line(&pipeline->lines[i]));
	json_object_object_add(root, "dry_run", json_object_new_boolean(pipeline->dry_run));
	json_object_object_add(root, "plan", rows);
	print_json(root);
}

/* ---- errors ---------------------------------------------------------------------------------------------- */

/* All errors, in the order of the lines. Returns an exit status. */
static int complain_of(struct pipeline *pipeline)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		char *at = pipeline->lines[i].error, *text;

		while ((text = strsep(&at, "\n")))
			status = pipeline->lines[i].noted
					 ? complain(pipeline->file, "--prune: %s", text)
					 : complain(pipeline->file, "line %zu: %s", pipeline->lines[i].number, text);
		free(pipeline->lines[i].error);
		pipeline->lines[i].error = NULL;
	}
	return status;
}

/* ---- apply ----------------------------------------------------------------------------------------------- */

/* Paths in the file are relative to its directory; those of standard input to the working directory. */
static int go_to(const char *file)
{
	char *copy = strdup(file), *dir = copy ? dirname(copy) : NULL;
	int status = EXIT_SUCCESS;

	if (!copy || (strcmp(file, "-") != 0 && chdir(dir)))
		status = complain(file, "%s: %s", dir ? dir : "", strerror(errno));
	free(copy);
	return status;
}

/* Many objects need many descriptors. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

struct apply_request {
	const char *file;
	bool dry_run, prune;
};

static int apply(struct pipeline *pipeline)
{
	struct elfmap_msg msg;
	int err, status;

	if (pipeline__read(pipeline, pipeline->file, &msg))
		return complain(pipeline->file, "%s", msg.text);
	status = go_to(pipeline->file);
	if (status)
		return status;
	if (pipeline__parse(pipeline, &msg))
		return complain(pipeline->file, "%s", msg.text);
	pipeline__plan(pipeline);
	status = complain_of(pipeline);
	if (status)
		return status;
	err = pipeline_record__read(pipeline, &msg);
	if (!err && pipeline->prune)
		err = pipeline_record__prune(pipeline, &msg);
	if (err)
		return complain_of(pipeline) ?: complain(pipeline->file, "%s", msg.text);
	if (!output.json) /* printed first, even if it then fails */
		print_plan(pipeline);
	fflush(stdout);
	err = pipeline->dry_run ? 0 : pipeline__execute(pipeline, &msg);
	if (err)
		return complain_of(pipeline) ?: complain(pipeline->file, "%s", msg.text);
	if (output.json)
		print_json_plan(pipeline);
	return EXIT_SUCCESS;
}

static int run(const void *words)
{
	const struct apply_request *request = words;
	struct pipeline pipeline = {.file = request->file, .dry_run = request->dry_run, .prune = request->prune};
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int status;

	if (request->prune && !strcmp(request->file, "-"))
		return complain("-", "--prune: requires a file: what standard input has made is not noted");
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain("apply", "%s", msg.text);
	raise_limit();
	pipeline.tc_dir = tc_dir;
	status = apply(&pipeline);
	pipeline__free(&pipeline);
	return status;
}

static const struct option_row options[] = {
	{NULL, "FILE|-", OPTION_REQUIRED, OPTION_TEXT_AT(struct apply_request, file), .completes = COMPLETE_FILE},
	{"--dry-run", NULL, 0, OPTION_FLAG_AT(struct apply_request, dry_run),
	 .help = "print the plan and change nothing"},
	{"--prune", NULL, 0, OPTION_FLAG_AT(struct apply_request, prune),
	 .help = "remove what an earlier form of the file has made and this one does not name"},
	{},
};

const struct verb apply_verb = {
	.name = "apply",
	.summary = "apply a file that describes objects, hooks, maps and slots",
	.run = run,
	.options = options,
	.request_size = sizeof(struct apply_request),
	.changes = true,
};
