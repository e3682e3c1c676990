// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap check FILE`: would this machine's kernel take the object, and what would become of its pins?
 * Nothing is attached or pinned, and nothing that is in use is touched.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/object/check.h"
#include "pins/bpffs.h"

/* ---- the command line --------------------------------------------------------------------------------- */

static int parse(int argc, char **argv, struct check *check)
{
	int err = 0;

	for (int i = 1; i < argc && !err; i++) {
		if (!strcmp(argv[i], "--old-tc"))
			check->old_tc = true;
		else if (!check->file)
			check->file = argv[i];
		else if ((!strcmp(argv[i], "sec") || !strcmp(argv[i], "section")) && i + 1 < argc && !check->section)
			check->section = argv[++i];
		else if (!strcmp(argv[i], "type") && i + 1 < argc && !check->type)
			err = (check->type = prog_type__parse(argv[++i], argv[0])) ? 0 : -EINVAL;
		else
			err = -EINVAL;
	}
	return err ?: check->file ? 0 : -EINVAL;
}

/* ---- the steps ------------------------------------------------------------------------------------------ */

/* No bpffs is no fault: tc mounts one, in which no pin is yet. */
static int find_bpffs(struct check *check)
{
	char tc_dir[PATH_MAX];
	struct elfmap_msg msg;
	int err = elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg);

	if (err == -ENODEV && !getenv("TC_BPF_MNT"))
		return 0;
	if (err)
		return lines__add(&check->problems, "%s", msg.text);
	check->tc_dir = strdup(tc_dir);
	return check->tc_dir ? 0 : -ENOMEM;
}

/* A tail-call section's name says nothing of its type, which is that of whoever calls it. */
static enum bpf_prog_type find_common_type(const struct check *check)
{
	for (size_t i = 0; i < check->nr_progs; i++) {
		const struct check_prog *prog = &check->progs[i];

		if (prog->is_chosen && prog->legacy && prog->legacy->type_hint && prog->legacy->slot_map < 0)
			return prog->legacy->type_hint;
	}
	return BPF_PROG_TYPE_SCHED_CLS;
}

static int choose_programs(struct check *check)
{
	enum bpf_prog_type common = find_common_type(check);
	bool found = !check->section;

	for (size_t i = 0; i < check->nr_progs; i++) {
		struct check_prog *prog = &check->progs[i];

		found = found || !strcmp(prog->section, check->section);
		if (check->type)
			prog->type = check->type->type;
		else if (prog->legacy && prog->legacy->slot_map >= 0)
			prog->type = common;
		else if (prog->legacy && prog->legacy->type_hint)
			prog->type = prog->legacy->type_hint;
		else
			prog->type = BPF_PROG_TYPE_SCHED_CLS;
	}
	if (!found)
		return lines__add(&check->problems, "section '%s': there is no such program; 'elfmap show' lists them",
				  check->section);
	if (!check->nr_progs)
		return lines__add(&check->problems, "there is no program in it");
	return 0;
}

static int run_steps(struct check *check)
{
	int err = 0;

	for (size_t i = 0; !err && i < check->object->nr_problems; i++)
		err = lines__add(&check->problems, "%s", check->object->problems[i]);
	err = err ?: find_bpffs(check);
	if (err || check->problems.nr)
		return err;
	err = check__list(check);
	if (err || check->problems.nr)
		return err;
	err = choose_programs(check);
	err = err ?: check__pins(check);
	return err ?: check__load(check);
}

static void free_findings(struct check *check)
{
	for (size_t i = 0; i < check->nr_maps; i++) {
		free(check->maps[i].name);
		free(check->maps[i].why);
		free(check->maps[i].pin_path);
		free(check->maps[i].pin_why);
	}
	for (size_t i = 0; i < check->nr_progs; i++) {
		free(check->progs[i].name);
		free(check->progs[i].section);
		free(check->progs[i].why);
		lines__free(&check->progs[i].log);
	}
	free(check->maps);
	free(check->progs);
	free(check->tc_dir);
	lines__free(&check->problems);
	lines__free(&check->warnings);
}

static int run(struct check *check, const void *bytes, size_t size)
{
	void *transcoded = NULL;
	struct elfmap_msg msg;
	int status, err = 0;

	elfmap_sha1(bytes, size, check->sha1);
	check->bytes = bytes;
	check->size = size;
	if (check->object->needs_help && !check->object->nr_problems) {
		if (elfmap_object__transcode(check->object, NULL, &transcoded, &check->size, &msg))
			err = lines__add(&check->problems, "%s", msg.text);
		check->bytes = transcoded;
	}
	if (!err && !check->problems.nr)
		err = run_steps(check);
	if (err) {
		status = complain(check->file, "the check itself failed: %s", strerror(-err));
	} else {
		check__print(check);
		status = check__is_fine(check) ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	free(transcoded);
	return status;
}

int verb_check(int argc, char **argv)
{
	struct elfmap_object *object = NULL;
	struct check check = {};
	struct elfmap_msg msg;
	int status = EXIT_FAILURE;
	void *bytes = NULL;
	size_t size = 0;

	argc = take_options(argc, argv, "--old-tc");
	if (argc < 0 || parse(argc, argv, &check))
		return EXIT_USAGE;

	if (elfmap_file__read(check.file, &bytes, &size, &msg) || elfmap_object__read(bytes, size, &object, &msg)) {
		complain(check.file, "%s", msg.text);
		goto out;
	}
	check.object = object;
	status = check.old_tc ? check__old_tc(&check) : run(&check, bytes, size);
out:
	free_findings(&check);
	elfmap_object__free(object);
	free(bytes);
	return status;
}
