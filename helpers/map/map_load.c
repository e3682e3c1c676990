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

int map_load(int argc, char **argv)
{
	struct progress progress = {};
	struct elfmap_fill fill = {.stop = &interrupted,
				   .refused = tell,
				   .note = tell,
				   .begin = begin,
				   .progress = progress__update,
				   .context = &progress};
	struct elfmap_msg msg;
	int err, status;

	fill.request.keep_going = take_word(&argc, argv, "--keep-going");
	argc = take_options(argc, argv, NULL);
	status = take_types(&argc, argv, true, &fill.request.types);
	if (status || argc < 2 || argc > 3)
		return status ?: EXIT_USAGE;
	fill.request.pin = argv[1];
	fill.request.file = argv[2];
	interrupt__catch();
	err = elfmap_fill__run(&fill, &msg);
	progress__end(&progress);
	if (err)
		return complain(fill.culprit, "%s", msg.text);
	status = print_count("written", fill.nr_written);
	return fill.nr_refused ? EXIT_FAILURE : status; /* they have been complained about */
}

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

int map_clear(int argc, char **argv)
{
	struct progress progress;
	struct target target;
	struct elfmap_job job = {
		.map = &target.map, .stop = &interrupted, .progress = progress__update, .context = &progress};
	struct elfmap_msg msg;
	int status, err;

	argc = take_options(argc, argv, NULL);
	if (argc != 2)
		return EXIT_USAGE;
	interrupt__catch();
	status = target__open(&target, argv[1], ELFMAP_READ_WRITE, NULL);
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
