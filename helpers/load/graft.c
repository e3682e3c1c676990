// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap graft PIN SLOT FILE sec NAME`: a program into a slot of a pinned jump table while packets flow
 * through it. The kernel exchanges the old one for the new one in one step; what fails leaves nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/load/grafting.h"
#include "helpers/load/loading.h"
#include "pins/bpffs.h"

/* ---- the command line ------------------------------------------------------------------------------------ */

static int parse(int argc, char **argv, struct grafting *grafting)
{
	bool empty = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--empty"))
			empty = true;
		else if ((!strcmp(argv[i], "sec") || !strcmp(argv[i], "section")) && i + 1 < argc && !grafting->section)
			grafting->section = argv[++i];
		else if (!strcmp(argv[i], "type") && i + 1 < argc && !grafting->type)
			grafting->type = prog_type__parse(argv[++i], argv[0]);
		else if (!grafting->pin)
			grafting->pin = argv[i];
		else if (!grafting->slot_word)
			grafting->slot_word = argv[i];
		else if (!grafting->file)
			grafting->file = argv[i];
		else
			return complain(argv[0], "'%s' is none of its words", argv[i]), -EINVAL;
		if (!strcmp(argv[i - 1], "type") && !grafting->type)
			return -EINVAL;
	}
	if (empty)
		return grafting->slot_word && !grafting->file && !grafting->section && !grafting->type ? 0 : -EINVAL;
	return grafting->section && grafting->file ? 0 : -EINVAL;
}

/* ---- what was done --------------------------------------------------------------------------------------- */

static void add_id(json_object *object, const char *name, int program)
{
	json_object_object_add(object, name, program >= 0 ? json_object_new_int64(program_id(program)) : NULL);
}

static void print_graft(const struct grafting *grafting)
{
	json_object *object = json_object_new_object(), *pinned = json_object_new_array();
	const struct elfmap_load *load = grafting->load;

	json_object_object_add(object, "pinned", json_object_new_string(grafting->path));
	json_object_object_add(object, "map_id", json_object_new_int64(grafting->table.info.id));
	json_object_object_add(object, "slot", json_object_new_int64(grafting->slot));
	json_object_object_add(object, "slot_name",
			       grafting->slot_name ? json_object_new_string(grafting->slot_name) : NULL);
	add_id(object, "prog_id", load ? bpf_program__fd(elfmap_load__find_prog(load, grafting->section)->bpf) : -1);
	add_id(object, "old_prog_id", grafting->before);
	for (size_t i = 0; load && i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];

		if (map->pin_path && !map->is_reused)
			json_object_array_add(pinned, json_object_new_string(map->pin_path));
	}
	json_object_object_add(object, "new_pins", pinned);
	print_json(object);
}

int verb_graft(int argc, char **argv)
{
	struct grafting grafting = NO_GRAFTING;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err;

	argc = take_options(argc, argv, "--empty");
	if (argc < 0 || parse(argc, argv, &grafting))
		return EXIT_USAGE;
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain(grafting.pin, "%s", msg.text);
	err = grafting__open(&grafting, tc_dir, &msg);
	if (!err)
		err = grafting.file ? grafting__put(&grafting, tc_dir, &msg) : grafting__empty(&grafting, &msg);
	if (err)
		complain(grafting.culprit, "%s", msg.text);
	else if (output.json)
		print_graft(&grafting);
	grafting__close(&grafting, !err);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
