// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The steps of loading in their order, with the one loop that begins anew. */
#include <errno.h>
#include <limits.h>

#include "load/load_run.h"

#define MAX_TRIES 8 /* other commands may pin one of the maps at the same time */

int elfmap_load__look_only(void *context, struct elfmap_load *load, struct elfmap_msg *msg)
{
	(void)context;
	(void)load;
	(void)msg;
	return 1;
}

static int commit(struct elfmap_load *load, const struct elfmap_load_goal *goal, struct elfmap_msg *msg)
{
	char dir[PATH_MAX];
	int err = 0;

	if (goal->pins_programs)
		err = elfmap_load__progs_dir(load->opts.tc_dir, load->file, dir, sizeof(dir), msg);
	return err ?: elfmap_load__commit(load, goal->pins_programs ? dir : NULL, msg);
}

static int run_once(const char *file, const struct elfmap_load_opts *opts, const struct elfmap_load_goal *goal,
		    struct elfmap_load **ret_load, struct elfmap_msg *msg)
{
	struct elfmap_load *load = NULL;
	int err;

	err = elfmap_load__open(file, opts, &load, msg);
	err = err ?: elfmap_load__kernel(load, msg);
	if (!err && goal->look)
		err = goal->look(goal->context, load, msg);
	if (!err)
		err = commit(load, goal, msg);
	if (err < 0)
		elfmap_load__free(load);
	else
		*ret_load = load;
	return err < 0 ? err : 0;
}

int elfmap_load__run(const char *file, const struct elfmap_load_opts *opts, const struct elfmap_load_goal *goal,
		     struct elfmap_load **ret_load, struct elfmap_msg *msg)
{
	static const struct elfmap_load_goal commit_alone;
	int err = -EAGAIN;

	for (int i = 0; err == -EAGAIN && i < MAX_TRIES; i++)
		err = run_once(file, opts, goal ?: &commit_alone, ret_load, msg);
	return err;
}

void elfmap_load__end(struct elfmap_load *load, bool keep)
{
	if (load && keep)
		elfmap_load__keep(load);
	else if (load)
		elfmap_load__undo(load);
	elfmap_load__free(load);
}
