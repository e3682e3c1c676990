// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap attach FILE|PIN ... dev DEV ingress|egress`: a program at a hook. Saying the same again
 * changes nothing; a newer object takes the older one's place. `elfmap detach` takes it away.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "helpers/command.h"
#include "helpers/load/attaching.h"
#include "pins/bpffs.h"

/* ---- what became of it ------------------------------------------------------------------------------------- */

/* By enum elfmap_attach_result. */
static const char *const attach_results[] = {
	[ELFMAP_ATTACHED] = "attached",
	[ELFMAP_REPLACED] = "replaced",
	[ELFMAP_UNCHANGED] = "unchanged",
};

static void print_filter(const struct attaching *attaching, const struct elfmap_filter *filter, const char *result)
{
	json_object *root;

	if (!output.json) {
		printf("dev %s %s prio %u handle 0x%x chain %u ", attaching->dev, attaching->direction, filter->prio,
		       filter->handle, filter->chain);
		print_name(stdout, filter->name);
		printf(" id %u %s\n", filter->prog, result);
		return;
	}
	root = json_object_new_object();
	json_object_object_add(root, "dev", json_object_new_string(attaching->dev));
	json_object_object_add(root, "direction", json_object_new_string(attaching->direction));
	json_object_object_add(root, "prio", json_object_new_int64(filter->prio));
	json_object_object_add(root, "handle", json_object_new_int64(filter->handle));
	json_object_object_add(root, "chain", json_object_new_int64(filter->chain));
	json_object_object_add(root, "name", json_object_new_string(filter->name));
	json_object_object_add(root, "prog_id", json_object_new_int64(filter->prog));
	json_object_object_add(root, "result", json_object_new_string(result));
	print_json(root);
}

static void print_link(const struct attaching *attaching, const char *path, const char *result)
{
	json_object *root;

	if (!output.json) {
		printf("dev %s %s tcx %s %s\n", attaching->dev, attaching->direction, path, result);
		return;
	}
	root = json_object_new_object();
	json_object_object_add(root, "dev", json_object_new_string(attaching->dev));
	json_object_object_add(root, "direction", json_object_new_string(attaching->direction));
	json_object_object_add(root, "pinned", json_object_new_string(path));
	json_object_object_add(root, "result", json_object_new_string(result));
	print_json(root);
}

/* ---- the verbs ----------------------------------------------------------------------------------------------- */

static void print_attaching(const struct attaching *attaching, const char *result)
{
	if (attaching->tcx)
		print_link(attaching, attaching->link, result);
	else
		print_filter(attaching, &attaching->done.filter, result);
}

/* Another command may pin one of the maps after we have looked: then it is there to be used. */
static int attach(struct attaching *attaching, const char *tc_dir, struct elfmap_msg *msg)
{
	int err = -EAGAIN;

	for (int i = 0; err == -EAGAIN && i < 8; i++) {
		err = attaching__open(attaching, tc_dir, msg);
		err = err ?: attaching__commit(attaching, msg);
		if (err)
			attaching__close(attaching, false);
	}
	return err;
}

static int start(int argc, char **argv, struct attaching *attaching, char tc_dir[PATH_MAX])
{
	struct elfmap_msg msg;
	int status;

	argc = take_options(argc, argv, "--tcx");
	status = argc < 0 ? EXIT_USAGE : attaching__parse(argc, argv, attaching);
	if (status)
		return status;
	/* To take a filter away no bpf file system is needed. */
	if (elfmap_bpffs__tc_dir(tc_dir, PATH_MAX, &msg) && (attaching->tcx || !strcmp(argv[0], "attach")))
		return complain(argv[0], "%s", msg.text);
	return attaching__place(attaching, tc_dir);
}

int verb_attach(int argc, char **argv)
{
	struct attaching attaching = {};
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int status;

	status = start(argc, argv, &attaching, tc_dir);
	if (status)
		return status;
	if (!attaching.what)
		return EXIT_USAGE;
	if (attach(&attaching, tc_dir, &msg))
		return complain(attaching.what, "%s", msg.text);
	if (attaching__attach(&attaching, &msg))
		status = complain(attaching.dev, "%s", msg.text);
	else
		print_attaching(&attaching, attach_results[attaching.done.result]);
	attaching__close(&attaching, status == EXIT_SUCCESS);
	return status;
}

int verb_detach(int argc, char **argv)
{
	struct attaching attaching = {};
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err, status;

	status = start(argc, argv, &attaching, tc_dir);
	if (status)
		return status;
	if (!attaching.what && (!attaching.filter.prio || !attaching.filter.handle))
		return complain(argv[0], "say which: FILE sec NAME, a PIN, or prio and handle"), EXIT_USAGE;
	if (attaching.tcx)
		err = elfmap_attach__detach_tcx(attaching.link, &msg);
	else
		err = elfmap_attach__detach(&attaching.filter, &attaching.done.filter, &msg);
	if (err)
		return complain(attaching.dev, "%s", msg.text);
	print_attaching(&attaching, "detached");
	return EXIT_SUCCESS;
}
