// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap load FILE ...`: objects into the kernel, maps pinned as the contract says, programs pinned
 * where any tc can attach them (`bpf da object-pinned PIN`).
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/load/report.h"
#include "helpers/load/request.h"
#include "load/load_run.h"
#include "pins/bpffs.h"

/* ---- what was loaded --------------------------------------------------------------------------------------- */

static void print_load(const struct elfmap_load *load, const char *dir)
{
	for (size_t i = 0; i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];

		if (!prog->is_wanted)
			continue;
		printf("%s/%s ", dir, prog->name);
		print_name(stdout, prog->section);
		printf(" %s id %u\n", elfmap_prog_type_name(prog->type) ?: "?",
		       elfmap_program__id(bpf_program__fd(prog->bpf)));
	}
}

static json_object *json_load(const struct elfmap_load *load, const char *dir)
{
	json_object *object = json_object_new_object(), *progs = json_object_new_array(),
		    *maps = json_object_new_array();

	for (size_t i = 0; i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];
		json_object *row = prog->is_wanted ? json_object_new_object() : NULL;
		char pin[PATH_MAX + 64];

		if (!row)
			continue;
		snprintf(pin, sizeof(pin), "%s/%s", dir, prog->name);
		json_object_object_add(row, "id",
				       json_object_new_int64(elfmap_program__id(bpf_program__fd(prog->bpf))));
		json_object_object_add(row, "type", json_object_new_string(elfmap_prog_type_name(prog->type) ?: "?"));
		json_object_object_add(row, "name", json_object_new_string(prog->name));
		json_object_object_add(row, "section", json_object_new_string(prog->section));
		json_object_object_add(row, "pinned", json_object_new_string(pin));
		json_object_array_add(progs, row);
	}
	for (size_t i = 0; i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];
		json_object *row = map->pin_path ? json_object_new_object() : NULL;

		if (!row)
			continue;
		json_object_object_add(row, "name", json_object_new_string(map->map.name));
		json_object_object_add(row, "pinned", json_object_new_string(map->pin_path));
		json_object_object_add(row, "reused", json_object_new_boolean(map->is_reused));
		json_object_array_add(maps, row);
	}
	json_object_object_add(object, "file", json_object_new_string(load->file));
	json_object_object_add(object, "progs", progs);
	json_object_object_add(object, "maps", maps);
	return object;
}

static void print_loads(struct elfmap_load *const *loads, size_t nr)
{
	json_object *root = output.json ? json_object_new_array() : NULL;
	char dir[PATH_MAX];

	for (size_t i = 0; i < nr && loads[i]; i++) {
		elfmap_load__progs_dir(loads[i]->opts.tc_dir, loads[i]->file, dir, sizeof(dir), NULL);
		if (output.json)
			json_object_array_add(root, json_load(loads[i], dir));
		else
			print_load(loads[i], dir);
	}
	if (output.json)
		print_json(root);
}

/* ---- load -------------------------------------------------------------------------------------------------- */

/* Two files whose programs would have the same pins: the second would take the place of the first. */
static int check_names(const struct load_request *request, const char *tc_dir)
{
	char dirs[2][PATH_MAX];
	struct elfmap_msg msg;

	for (size_t i = 0; i < request->nr_files; i++)
		for (size_t first = 0; first < i; first++) {
			if (elfmap_load__progs_dir(tc_dir, request->files[first], dirs[0], sizeof(dirs[0]), &msg) ||
			    elfmap_load__progs_dir(tc_dir, request->files[i], dirs[1], sizeof(dirs[1]), &msg))
				return complain(request->files[i], "%s", msg.text);
			if (!strcmp(dirs[0], dirs[1]))
				return complain(request->files[i],
						"its programs would be pinned in %s, as those of %s; give one of them "
						"another name",
						dirs[1], request->files[first]);
		}
	return EXIT_SUCCESS;
}

int verb_load(int argc, char **argv)
{
	const struct elfmap_load_goal goal = {.pins_programs = true};
	struct elfmap_load_opts opts = {.warn = warn_of_object};
	struct elfmap_load *loads[LOAD_MAX_FILES] = {};
	struct load_request request = {};
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	size_t nr = 0;
	int status;

	argc = take_options(argc, argv, NULL);
	if (argc < 0)
		return EXIT_USAGE;
	if (load_request__parse(argc, argv, &request, &msg))
		return complain_of_usage(&msg);
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain(argv[0], "%s", msg.text);
	status = check_names(&request, tc_dir);
	opts.tc_dir = tc_dir;
	opts.section = request.section;
	opts.type = request.type;
	for (; nr < request.nr_files && status == EXIT_SUCCESS; nr++)
		if (elfmap_load__run(request.files[nr], &opts, &goal, &loads[nr], &msg))
			status = complain(request.files[nr], "%s", msg.text);
	if (status == EXIT_SUCCESS)
		print_loads(loads, nr);
	while (nr--)
		elfmap_load__end(loads[nr], status == EXIT_SUCCESS);
	return status;
}
