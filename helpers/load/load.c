// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap load FILE ...`: loads objects, pins their maps as defined by the objects, and pins their programs where any
 * tc can attach them (`bpf da object-pinned PIN`). `elfmap unload FILE ... [--maps]` removes the pins of the programs.
 * The maps hold data and stay pinned, unless --maps is given and no program uses them.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "helpers/command.h"
#include "helpers/load/request.h"
#include "helpers/map/map_pin.h"
#include "hook/hook.h"
#include "load/load.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"
#include "pins/pins.h"
#include "upgrade/identity.h"
#include "upgrade/version.h"

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

struct load_request {
	struct option_words files;
	const char *section;
	enum bpf_prog_type type; /* BPF_PROG_TYPE_UNSPEC: from the sections' names */
	struct elfmap_settings settings;
};

/* ---- load -------------------------------------------------------------------------------------------------- */

/* Two files whose programs have the same pins: the second would replace the first. */
static int check_names(const struct load_request *request, const char *tc_dir)
{
	char dirs[2][PATH_MAX];
	struct elfmap_msg msg;

	for (size_t i = 0; i < (size_t)request->files.nr; i++)
		for (size_t first = 0; first < i; first++) {
			if (elfmap_load__progs_dir(tc_dir, request->files.words[first], dirs[0], sizeof(dirs[0]),
						   &msg) ||
			    elfmap_load__progs_dir(tc_dir, request->files.words[i], dirs[1], sizeof(dirs[1]), &msg))
				return complain(request->files.words[i], "%s", msg.text);
			if (!strcmp(dirs[0], dirs[1]))
				return complain(request->files.words[i],
						"its programs would be pinned in %s, as those of %s; give one of them "
						"another name",
						dirs[1], request->files.words[first]);
		}
	return EXIT_SUCCESS;
}

/* Programs are pinned by the file's base name: those of another file that shares it are left alone. A name without a
 * file means whatever is pinned. */
static int check_owner(const char *file, const char *dir, const char *tc_dir)
{
	struct elfmap_candidate *candidates;
	struct elfmap_pins pins = {};
	struct elfmap_msg msg;
	size_t nr = 0;
	int status = EXIT_SUCCESS;

	if (access(file, F_OK) || elfmap_pins__read(dir, &pins) || !pins.nr) {
		elfmap_pins__free(&pins);
		return EXIT_SUCCESS;
	}
	candidates = calloc(pins.nr, sizeof(*candidates));
	for (size_t i = 0; candidates && i < pins.nr; i++) {
		int fd = pins.pins[i].kind == ELFMAP_PIN_PROG ? bpf_obj_get(pins.pins[i].path) : -1;

		if (fd >= 0)
			candidates[nr++] = (struct elfmap_candidate){.prog = fd, .label = pins.pins[i].path};
	}
	if (nr && elfmap_identity__choose(candidates, nr, file, tc_dir, &msg))
		status = complain(file,
				  "%s has programs of another object of this name, %s; 'elfmap unload %s' removes them",
				  dir, candidates->file && *candidates->file ? candidates->file : "which is not known",
				  candidates->file && *candidates->file ? candidates->file : elfmap_path__name(dir));
	for (size_t i = 0; i < nr; i++)
		close(candidates[i].prog);
	if (candidates)
		elfmap_candidates__free(candidates, nr);
	elfmap_pins__free(&pins);
	return status;
}

static int check_owners(const struct load_request *request, const char *tc_dir)
{
	int status = EXIT_SUCCESS;
	char dir[PATH_MAX];

	for (int i = 0; i < request->files.nr && !status; i++)
		if (!elfmap_load__progs_dir(tc_dir, request->files.words[i], dir, sizeof(dir), NULL))
			status = check_owner(request->files.words[i], dir, tc_dir);
	return status;
}

/* The links of tc in the bpf file system, which ip and tc follow to the pins of their programs. Only they need them. */
static void make_links(const char *tc_dir)
{
	char root[PATH_MAX];
	int bpffs;

	snprintf(root, sizeof(root), "%.*s", (int)(strrchr(tc_dir, '/') - tc_dir), tc_dir);
	bpffs = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bpffs < 0)
		return;
	elfmap_bpffs__make_links(bpffs);
	close(bpffs);
}

static int run_load(const void *words)
{
	const struct load_request *request = words;
	const struct elfmap_load_goal goal = {.pins_programs = true};
	struct elfmap_load_opts opts = {.section = request->section,
					.type = request->type,
					.settings = &request->settings,
					.warn = warn_of_object};
	struct elfmap_load **loads = calloc((size_t)request->files.nr, sizeof(struct elfmap_load *));
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int status = EXIT_SUCCESS, nr = 0;

	if (!loads)
		return complain("load", "no memory");
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		status = complain("load", "%s", msg.text);
	opts.tc_dir = tc_dir;
	status = status ?: check_names(request, tc_dir);
	status = status ?: check_owners(request, tc_dir);
	for (; nr < request->files.nr && status == EXIT_SUCCESS; nr++)
		if (elfmap_load__run(request->files.words[nr], &opts, &goal, &loads[nr], &msg))
			status = complain(request->files.words[nr], "%s", msg.text);
	if (status == EXIT_SUCCESS)
		make_links(tc_dir);
	if (status == EXIT_SUCCESS)
		print_loads(loads, (size_t)nr);
	while (nr--)
		elfmap_load__end(loads[nr], status == EXIT_SUCCESS);
	free(loads);
	return status;
}

static const struct option_row load_options[] = {
	{NULL, "FILE", OPTION_REQUIRED, OPTION_WORDS_AT(struct load_request, files), .completes = COMPLETE_FILE},
	{"sec|section", "NAME", 0, OPTION_TEXT_AT(struct load_request, section), .completes = COMPLETE_SECTION,
	 .help = "only the program of this section"},
	OPTION_PROG_TYPE_ROW(struct load_request, type),
	{"set", "NAME=VALUE", 0, OPTION_SETTINGS_AT(struct load_request, settings), .help = SET_HELP},
	{},
};

const struct verb load_verb = {
	.name = "load",
	.summary = "load objects, and pin their maps and programs",
	.run = run_load,
	.options = load_options,
	.request_size = sizeof(struct load_request),
	.changes = true,
};

/* ---- unload ------------------------------------------------------------------------------------------------- */

/* The object's maps that are pinned at their paths; a map of another definition there is not the object's. */
static int collect(const struct elfmap_load *load, struct elfmap_version *pinned)
{
	int err = 0;

	for (size_t i = 0; !err && i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];
		struct bpf_map_info info;
		int fd;

		if (!map->pin_path || elfmap_map__open(map->pin_path, &fd, &info, NULL))
			continue;
		if (!elfmap_pin__compare(&map->map, &info, NULL))
			err = elfmap_version__add_map(pinned, map->pin_path, fd);
		close(fd);
	}
	return err;
}

/* The companion, which explains the map's entries, is removed with it. */
static int remove_map(const struct elfmap_version_pin *map, struct elfmap_msg *msg)
{
	char companion[PATH_MAX];
	bool has_companion = map_companion_path(map->name, map->fd, companion);
	int err = elfmap_pin__remove(map->name, 1);

	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", map->name, strerror(-err));
	if (has_companion)
		elfmap_pin__remove(companion, 1);
	return 0;
}

static int remove_unused(const char *file, const struct elfmap_version *pinned, size_t *removed, struct elfmap_msg *msg)
{
	bool *used = calloc(pinned->nr_maps + 1, sizeof(*used));
	struct elfmap_kept kept = {};
	int err = 0;

	if (!used)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	elfmap_version__find_used(pinned, used, &kept);
	for (size_t i = 0; !err && i < pinned->nr_maps; i++) {
		kept.nr += used[i];
		err = used[i] ? 0 : remove_map(&pinned->maps[i], msg);
		*removed += !err && !used[i];
	}
	if (!err && kept.nr)
		complain(file,
			 "note: %zu of its maps stay pinned: program %u %s uses them; 'elfmap map list' shows all",
			 kept.nr, kept.prog, kept.name);
	free(used);
	return err;
}

static int remove_maps(const char *file, const char *tc_dir, size_t *removed, struct elfmap_msg *msg)
{
	const struct elfmap_load_opts opts = {.tc_dir = tc_dir, .is_locked = true};
	struct elfmap_version pinned = {};
	struct elfmap_load *load = NULL;
	char inside[PATH_MAX + 2];
	int err, lock = -1;

	snprintf(inside, sizeof(inside), "%s/", tc_dir);
	err = elfmap_pin__lock(inside, &lock, msg);
	err = err ?: elfmap_load__read(file, &opts, &load, msg);
	err = err ?: elfmap_load__list(load, msg); /* also of an object whose programs cannot all be loaded */
	if (!err) {
		err = collect(load, &pinned);
		err = err ? elfmap_msg__set(msg, err, "%s", strerror(-err))
			  : remove_unused(file, &pinned, removed, msg);
	}
	elfmap_version__free(&pinned);
	elfmap_load__free(load);
	if (lock >= 0)
		close(lock);
	return err;
}

static int unload(const char *file, const char *tc_dir, bool maps)
{
	struct elfmap_msg msg, why;
	char dir[PATH_MAX];
	size_t removed = 0;
	int err, maps_err = 0;

	err = elfmap_load__progs_dir(tc_dir, file, dir, sizeof(dir), &msg);
	if (!err && check_owner(file, dir, tc_dir))
		return EXIT_FAILURE;
	err = err ?: elfmap_load__remove_progs(dir, &msg);
	if (maps && (!err || err == -ENOENT))
		maps_err = remove_maps(file, tc_dir, &removed, &why);
	if (maps_err)
		return complain(file, "%s", why.text);
	return err && !removed ? complain(file, "%s", msg.text) : EXIT_SUCCESS;
}

struct unload_request {
	struct option_words files;
	bool maps;
};

static int run_unload(const void *words)
{
	const struct unload_request *request = words;
	int status = EXIT_SUCCESS;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];

	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain("unload", "%s", msg.text);
	for (int i = 0; i < request->files.nr; i++)
		if (unload(request->files.words[i], tc_dir, request->maps))
			status = EXIT_FAILURE;
	return status;
}

static const struct option_row unload_options[] = {
	{NULL, "FILE", OPTION_REQUIRED, OPTION_WORDS_AT(struct unload_request, files), .completes = COMPLETE_FILE},
	{"--maps", NULL, 0, OPTION_FLAG_AT(struct unload_request, maps),
	 .help = "also remove the pins of maps that no program uses"},
	{},
};

const struct verb unload_verb = {
	.name = "unload",
	.summary = "remove the program pins that 'load' made",
	.run = run_unload,
	.options = unload_options,
	.request_size = sizeof(struct unload_request),
	.changes = true,
};
