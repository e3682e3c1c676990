// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map load` and `clear`: a file's lines into a map, and everything out of it. */
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "helpers/map/progress.h"
#include "map/map_write.h"

static int print_count(const char *name, size_t count)
{
	json_object *root;

	if (!output.json)
		return EXIT_SUCCESS;
	root = json_object_new_object();
	json_object_object_add(root, name, json_object_new_uint64(count));
	print_json(root);
	return end_output();
}

/* ---- load --------------------------------------------------------------------------------------- */

static void begin(void *progress, size_t total)
{
	progress__begin(progress, total);
}

/* The line that shows the progress comes again. */
static void tell(void *progress, const char *object, const char *text)
{
	progress__end(progress);
	complain(object, "%s", text);
}

struct load_request {
	const char *pin, *file;
	struct elfmap_type_words words;
	bool keep_going;
};

static int run_load(const void *words)
{
	const struct load_request *request = words;
	struct progress progress = {};
	struct elfmap_fill fill = {.request = {.pin = request->pin,
					       .file = request->file,
					       .types = request->words,
					       .keep_going = request->keep_going},
				   .stop = &interrupted,
				   .refused = tell,
				   .note = tell,
				   .begin = begin,
				   .progress = progress__update,
				   .context = &progress};
	struct elfmap_msg msg;
	int err, status;

	interrupt__catch();
	err = elfmap_fill__run(&fill, &msg);
	progress__end(&progress);
	if (err)
		return complain(fill.culprit, "%s", msg.text);
	status = print_count("written", fill.nr_written);
	return fill.nr_refused ? EXIT_FAILURE : status; /* they have been complained about */
}

static const struct option_row load_options[] = {
	PIN_ROW(struct load_request),
	{NULL, "FILE|-", 0, OPTION_TEXT_AT(struct load_request, file), .completes = COMPLETE_FILE},
	TYPES_ROW(struct load_request),
	KEY_TYPE_ROW(struct load_request),
	VALUE_TYPE_ROW(struct load_request),
	{"--keep-going", NULL, 0, OPTION_FLAG_AT(struct load_request, keep_going),
	 .help = "write the lines that are right, also if others are refused"},
	{},
};

const struct verb map_load_verb = {
	.name = "load",
	.summary = "add or overwrite entries from lines KEY VALUE",
	.run = run_load,
	.options = load_options,
	.request_size = sizeof(struct load_request),
	.changes = true,
};

/* ---- clear -------------------------------------------------------------------------------------- */

static int complain_about_clear(const struct target *target, const struct elfmap_job *job, const struct elfmap_msg *msg)
{
	char last[256] = "";

	if (!job->done)
		return complain(target->pin, "%s; nothing was changed", msg->text);
	if (job->last_key && target->map.info.key_size)
		target__describe_key(target, job->last_key, last, sizeof(last));
	return complain(target->pin, "%s; %zu entries were cleared%s%s; the same command again finishes it", msg->text,
			job->done, *last ? ", the last with key " : "", last);
}

static int run_clear(const void *words)
{
	const struct load_request *request = words;
	struct progress progress;
	struct target target;
	struct elfmap_job job = {
		.map = &target.map, .stop = &interrupted, .progress = progress__update, .context = &progress};
	struct elfmap_msg msg;
	int status, err;

	interrupt__catch();
	status = target__open(&target, request->pin, ELFMAP_READ_WRITE, NULL);
	if (status)
		return status;
	job.last_key = malloc(target.map.info.key_size);
	progress__begin(&progress, 0);
	err = elfmap_job__clear(&job, &msg);
	progress__end(&progress);
	status = err ? complain_about_clear(&target, &job, &msg) : print_count("cleared", job.done);
	free(job.last_key);
	target__close(&target);
	return status;
}

static const struct option_row clear_options[] = {PIN_ROW(struct load_request), {}};

const struct verb map_clear_verb = {
	.name = "clear",
	.summary = "delete all entries, or set them to zero",
	.run = run_clear,
	.options = clear_options,
	.request_size = sizeof(struct load_request),
	.changes = true,
};
