// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map load` and `clear`: a file's lines into a map, and everything out of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/map_names.h"
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

static int write_from(struct elfmap_job *job, const struct map_file *file, size_t first, struct elfmap_msg *msg)
{
	const struct elfmap_entries *entries = &file->entries;

	return elfmap_job__update(job, entries->key_size ? entries->keys + first * entries->key_size : NULL,
				  entries->values + first * entries->value_size, entries->count - first, msg);
}

/* Would the kernel say the same of any other entry? */
static bool is_for_all(int err)
{
	return err == -EINTR || err == -EPERM || err == -EOPNOTSUPP || err == -ENOMEM;
}

/* Writes all entries, or, if KEEP_GOING, all that the kernel takes. Afterwards JOB says where it ended. */
static int write_all(struct elfmap_job *job, struct map_file *file, bool keep_going, struct elfmap_msg *msg)
{
	size_t first = 0;
	int err = write_from(job, file, first, msg);

	while (err && keep_going && !is_for_all(err)) {
		progress__end(job->context); /* it comes again */
		map_file__refuse_entry(file, first + job->refused, msg);
		first += job->refused + 1;
		if (first == file->entries.count) {
			job->done = 0;
			err = 0;
			break;
		}
		job->max_threads = 1; /* where one is refused many are, and each time it begins anew */
		err = write_from(job, file, first, msg);
	}
	job->done += first;
	job->refused += first;
	return err;
}

/* Writes what was read. Returns an exit status. */
static int write_entries(struct target *target, struct map_file *file, bool keep_going)
{
	struct progress progress;
	struct elfmap_job job = {
		.map = &target->map, .stop = &interrupted, .progress = progress__update, .context = &progress};
	struct name_keeper keeper;
	struct elfmap_msg msg;
	int err;

	name_keeper__begin(&keeper, target, &job);
	progress__begin(&progress, file->entries.count);
	err = write_all(&job, file, keep_going, &msg);
	progress__end(&progress);
	name_keeper__end(&keeper, target);
	if (job.done)
		elfmap_resolver__keep(target->resolver);
	map_file__end_refusals(file);
	if (err)
		return map_file__complain(file, target, &job, err, &msg);
	return print_count("written", job.done - file->nr_unwritten);
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
		status = map_file__read(&file, &target, argv[2], keep_going ? MAP_FILE_KEEP_GOING : MAP_FILE_STRICT);
	if (!status)
		status = map_file__open_objects(&file, &target);
	if (!status)
		status = write_entries(&target, &file, keep_going);
	if (!status && (file.nr_refused || file.nr_unwritten))
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
