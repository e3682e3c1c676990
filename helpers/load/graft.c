// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap graft PIN SLOT FILE sec NAME`: a program into a slot of a pinned jump table while packets flow
 * through it. The kernel exchanges the old one for the new one in one step; what fails leaves nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/load/report.h"
#include "helpers/load/request.h"
#include "kinds/progs.h"
#include "pins/bpffs.h"

static void add_id(json_object *object, const char *name, int program)
{
	json_object_object_add(object, name, program >= 0 ? json_object_new_int64(elfmap_program__id(program)) : NULL);
}

static void print_graft(const struct elfmap_graft *graft)
{
	json_object *object = json_object_new_object(), *pinned = json_object_new_array();
	const struct elfmap_load *load = graft->load;

	json_object_object_add(object, "pinned", json_object_new_string(graft->path));
	json_object_object_add(object, "map_id", json_object_new_int64(graft->table.info.id));
	json_object_object_add(object, "slot", json_object_new_int64(graft->slot));
	json_object_object_add(object, "slot_name", graft->slot_name ? json_object_new_string(graft->slot_name) : NULL);
	add_id(object, "prog_id",
	       load ? bpf_program__fd(elfmap_load__find_prog(load, graft->request.section)->bpf) : -1);
	add_id(object, "old_prog_id", graft->before);
	for (size_t i = 0; load && i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];

		if (map->pin_path && !map->is_reused)
			json_object_array_add(pinned, json_object_new_string(map->pin_path));
	}
	json_object_object_add(object, "new_pins", pinned);
	print_json(object);
}

static int run(const void *words)
{
	struct elfmap_graft_request request = ((const struct graft_words *)words)->request;
	struct elfmap_graft graft;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err;

	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain(request.pin, "%s", msg.text);
	request.type_name = request.type ? elfmap_prog_kind__of(request.type)->word : NULL;
	request.tc_dir = tc_dir;
	request.warn = warn_of_object;
	err = elfmap_graft__open(&request, &graft, &msg);
	if (!err)
		err = request.file ? elfmap_graft__put(&graft, &msg) : elfmap_graft__empty(&graft, &msg);
	if (err)
		complain(graft.culprit, "%s", msg.text);
	else if (output.json)
		print_graft(&graft);
	elfmap_graft__close(&graft, !err);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct verb graft_verb = {
	.name = "graft",
	.summary = "a program into a slot of a pinned jump table, or out of it",
	.run = run,
	.options = graft_options,
	.request_size = sizeof(struct graft_words),
	.changes = true,
};
