// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map load` and `clear`: a file's lines into a map, and everything out of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "map_file.h"
#include "map_names.h"
#include "map_target.h"
#include "map_verbs.h"
#include "map_write.h"
#include "progress.h"

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

/* Writes what was read. Returns an exit status. */
static int write_entries(struct target *target, const struct map_file *file)
{
	const struct elfmap_entries *entries = &file->entries;
	struct progress progress;
	struct elfmap_job job = {
		.map = &target->map, .stop = &interrupted, .progress = progress__update, .context = &progress};
	struct name_keeper keeper;
	struct elfmap_msg msg;
	int err;

	name_keeper__begin(&keeper, target, &job);
	progress__begin(&progress, entries->count);
	err = elfmap_job__update(&job, entries->key_size ? entries->keys : NULL, entries->values, entries->count, &msg);
	progress__end(&progress);
	name_keeper__end(&keeper, target);
	if (job.done)
		elfmap_resolver__keep(target->resolver);
	if (err)
		return map_file__complain(file, target, &job, err, &msg);
	return print_count("written", job.done);
}

int map_load(int argc, char **argv)
{
	struct map_file file = {};
	struct elfmap_type_words words;
	struct target target;
	struct elfmap_msg msg;
	bool keep_going;
	int status;

	keep_going = take_word(&argc, argv, "--keep-going");
	argc = take_options(argc, argv, NULL);
	status = take_types(&argc, argv, true, &words);
	if (status || argc < 2 || argc > 3)
		return status ?: EXIT_USAGE;
	interrupt__catch();
	status = target__open(&target, argv[1], ELFMAP_READ_WRITE, &words);
	if (!status && elfmap_map__check_writable(&target.map, &msg))
		status = complain(argv[1], "%s", msg.text);
	if (!status)
		status = map_file__read(&file, &target, argv[2], keep_going);
	if (!status)
		status = map_file__open_objects(&file, &target);
	if (!status)
		status = write_entries(&target, &file);
	if (!status && file.nr_refused)
		status = EXIT_FAILURE; /* they have been complained about */
	map_file__close(&file);
	target__close(&target);
	return status;
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
