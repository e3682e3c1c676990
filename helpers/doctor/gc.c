// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap gc`: removes pins that elfmap has made and that nothing needs any more. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/command.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"
#include "upgrade/garbage.h"

struct gc_request {
	bool dry_run, maps;
};

static const char *const kinds[] = {
	[ELFMAP_GARBAGE_MAP] = "map",	    [ELFMAP_GARBAGE_PROG] = "program", [ELFMAP_GARBAGE_LINK] = "link",
	[ELFMAP_GARBAGE_DIR] = "directory", [ELFMAP_GARBAGE_NOTE] = "note",
};

static void print_item(const struct elfmap_garbage_item *item, bool dry_run)
{
	fputs(item->is_kept	 ? "kept "
	      : dry_run		 ? "would remove "
	      : item->is_removed ? "removed "
				 : "not removed ",
	      stdout);
	print_name(stdout, item->path);
	printf(": %s", item->reason);
	if (item->entries > 0)
		printf("; %s %lld entries", item->is_kept ? "it has" : "it had", (long long)item->entries);
	if (item->entries < 0)
		fputs("; its entries cannot be counted", stdout);
	puts(item->is_kept ? "; 'elfmap gc --maps' removes it" : "");
}

static void print_garbage(const struct elfmap_garbage *garbage, bool dry_run)
{
	for (size_t i = 0; i < garbage->nr; i++)
		print_item(&garbage->items[i], dry_run);
	if (!garbage->nr)
		puts("nothing to remove");
}

static void print_json_garbage(const struct elfmap_garbage *garbage)
{
	json_object *rows = json_object_new_array();

	for (size_t i = 0; i < garbage->nr; i++) {
		const struct elfmap_garbage_item *item = &garbage->items[i];
		json_object *row = json_object_new_object();

		json_object_object_add(row, "path", json_object_new_string(item->path));
		json_object_object_add(row, "kind", json_object_new_string(kinds[item->kind]));
		if (item->id)
			json_object_object_add(row, "id", json_object_new_int64(item->id));
		if (item->kind == ELFMAP_GARBAGE_MAP)
			json_object_object_add(row, "entries",
					       item->entries < 0 ? NULL : json_object_new_int64(item->entries));
		json_object_object_add(row, "reason", json_object_new_string(item->reason));
		json_object_object_add(row, "kept", json_object_new_boolean(item->is_kept));
		json_object_object_add(row, "removed", json_object_new_boolean(item->is_removed));
		json_object_array_add(rows, row);
	}
	print_json(rows);
}

static int collect(const char *tc_dir, const struct gc_request *request, struct elfmap_garbage *garbage,
		   struct elfmap_msg *msg)
{
	char inside[PATH_MAX + 2];
	int lock = -1, err = 0;

	snprintf(inside, sizeof(inside), "%s/", tc_dir);
	if (access(tc_dir, F_OK) && errno == ENOENT)
		return 0; /* nothing was ever pinned */
	if (!request->dry_run)
		err = elfmap_pin__lock(inside, &lock, msg);
	err = err ?: elfmap_garbage__find(tc_dir, request->maps, garbage, msg);
	if (!err && !request->dry_run)
		err = elfmap_garbage__remove(garbage, tc_dir, msg);
	if (lock >= 0)
		close(lock);
	return err;
}

static int run(const void *words)
{
	const struct gc_request *request = words;
	struct elfmap_garbage garbage = {};
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int status = EXIT_SUCCESS;

	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain("gc", "%s", msg.text);
	if (collect(tc_dir, request, &garbage, &msg))
		status = complain("gc", "%s", msg.text);
	if (status == EXIT_SUCCESS || garbage.nr) {
		if (garbage.is_blind)
			complain("gc", "note: the kernel does not tell where programs are attached: pinned programs "
				       "and their maps are kept");
		if (output.json)
			print_json_garbage(&garbage);
		else
			print_garbage(&garbage, request->dry_run);
	}
	elfmap_garbage__free(&garbage);
	return status;
}

static const struct option_row options[] = {
	{"--dry-run", NULL, 0, OPTION_FLAG_AT(struct gc_request, dry_run), .help = "only print what would be removed"},
	{"--maps", NULL, 0, OPTION_FLAG_AT(struct gc_request, maps), .help = "also remove maps that have entries"},
	{},
};

const struct verb gc_verb = {
	.name = "gc",
	.summary = "remove pins that elfmap has made and nothing needs any more",
	.run = run,
	.options = options,
	.request_size = sizeof(struct gc_request),
	.changes = true,
};
