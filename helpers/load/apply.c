// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap apply PIPELINE`: establishes the state that a file describes. It has four kinds of lines:
 *
 *   load FILE [sec NAME]                         programs pinned
 *   attach FILE|PIN [sec NAME] dev DEV ...       a program at a hook
 *   map PIN FILE [types KEY:VALUE]               entries of a map that does not exist yet
 *   slot PIN SLOT FILE sec NAME                  a program in a tail-call slot
 *
 * Everything is planned before anything is changed. Changes are made in an order in which no packet meets an
 * incomplete pipeline. On failure they are undone.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "pins/bpffs.h"

/* ---- the plan -------------------------------------------------------------------------------------------- */

static const struct {
	const char *word;
	char sign;
} intents[] = {
	[WILL_KEEP] = {"keep", '='},
	[WILL_ADD] = {"add", '+'},
	[WILL_CHANGE] = {"change", '~'},
};

static void print_plan(const struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];

		putchar(intents[line->intent].sign);
		for (int word = 0; word < line->argc; word++) {
			putchar(' ');
			print_name(stdout, line->argv[word]);
		}
		putchar('\n');
	}
}

static void print_json_plan(const struct pipeline *pipeline, bool dry_run)
{
	json_object *root = json_object_new_object(), *rows = json_object_new_array();

	for (size_t i = 0; i < pipeline->nr_lines; i++) {
		const struct pipeline_line *line = &pipeline->lines[i];
		json_object *row = json_object_new_object(), *words = json_object_new_array();

		for (int word = 0; word < line->argc; word++)
			json_object_array_add(words, json_object_new_string(line->argv[word]));
		json_object_object_add(row, "line", json_object_new_int64((int64_t)line->number));
		json_object_object_add(row, "words", words);
		json_object_object_add(row, "action", json_object_new_string(intents[line->intent].word));
		json_object_array_add(rows, row);
	}
	json_object_object_add(root, "dry_run", json_object_new_boolean(dry_run));
	json_object_object_add(root, "plan", rows);
	print_json(root);
}

static int complain_of(const char *file, const struct pipeline *pipeline, const struct elfmap_msg *msg)
{
	if (!pipeline->failed)
		return complain(file, "%s", msg->text);
	return complain(file, "line %zu: %s", pipeline->failed, msg->text);
}

/* Paths in the file are relative to its directory. */
static int go_to(const char *file)
{
	char *copy = strdup(file), *dir = copy ? dirname(copy) : NULL;
	int status = EXIT_SUCCESS;

	if (!copy || chdir(dir))
		status = complain(file, "%s: %s", dir ? dir : "", strerror(errno));
	free(copy);
	return status;
}

struct apply_request {
	const char *file;
	bool dry_run;
};

static int run(const void *words)
{
	const struct apply_request *request = words;
	struct pipeline pipeline = {};
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err, status;

	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain("apply", "%s", msg.text);
	pipeline.tc_dir = tc_dir;
	err = pipeline__read(&pipeline, request->file, &msg);
	status = err ? EXIT_SUCCESS : go_to(request->file);
	if (status)
		goto out;
	err = err ?: pipeline__parse(&pipeline, &msg);
	err = err ?: pipeline__plan(&pipeline, &msg);
	if (!err && !output.json) /* printed first, even if it then fails */
		print_plan(&pipeline);
	fflush(stdout);
	if (!err && !request->dry_run)
		err = pipeline__execute(&pipeline, &msg);
	if (err)
		status = complain_of(request->file, &pipeline, &msg);
	else if (output.json)
		print_json_plan(&pipeline, request->dry_run);
out:
	pipeline__close(&pipeline, !err && !status && !request->dry_run);
	return status;
}

static const struct option_row options[] = {
	{NULL, "FILE", OPTION_REQUIRED, OPTION_TEXT_AT(struct apply_request, file), .completes = COMPLETE_FILE},
	{"--dry-run", NULL, 0, OPTION_FLAG_AT(struct apply_request, dry_run),
	 .help = "print the plan and change nothing"},
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
