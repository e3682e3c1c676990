// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap upgrade FILE`: replaces all attached programs of an object with those of another version, without losing a
 * packet; and goes back. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/load/request.h"
#include "helpers/map/map_migrate.h"
#include "pins/bpffs.h"
#include "upgrade/upgrade.h"

static void print_map(const struct elfmap_map_report *map)
{
	bool is_merged = map->fate == ELFMAP_MAP_MERGED;

	printf("map %s %s", map->name, elfmap_map_fate__word(map->fate));
	if (map->fate != ELFMAP_MAP_NEW && map->fate != ELFMAP_MAP_KEPT)
		printf(": %zu %s, %zu late, %zu lost, %zu removed", map->carried,
		       is_merged ? "variables kept" : "entries carried", map->late, map->lost, map->removed);
	if (map->merged)
		printf(", %zu merged", map->merged);
	print_members(";", map->members, map->nr_members);
	puts(map->unnoted ? " (start values not noted)" : "");
}

static size_t count_lost(const struct elfmap_upgrade *upgrade)
{
	size_t lost = 0;

	for (size_t i = 0; i < upgrade->maps.nr; i++)
		lost += upgrade->maps.at[i].lost;
	return lost;
}

static size_t count_late(const struct elfmap_upgrade *upgrade)
{
	size_t late = 0;

	for (size_t i = 0; i < upgrade->maps.nr; i++)
		late += upgrade->maps.at[i].late;
	return late;
}

static size_t count_resized(const struct elfmap_upgrade *upgrade)
{
	size_t resized = 0;

	for (size_t i = 0; i < upgrade->maps.nr; i++)
		resized += upgrade->maps.at[i].fate == ELFMAP_MAP_COPIED;
	return resized;
}

static void print_upgrade(const struct elfmap_upgrade *upgrade)
{
	for (size_t i = 0; i < upgrade->deployment.nr; i++) {
		const struct elfmap_hook *hook = &upgrade->deployment.at[i].hook;

		print_hook(hook, hook->name);
		puts(" replaced");
	}
	for (size_t i = 0; i < upgrade->maps.nr; i++)
		print_map(&upgrade->maps.at[i]);
}

static json_object *json_map(const struct elfmap_map_report *map)
{
	json_object *row = json_object_new_object();

	json_object_object_add(row, "name", json_object_new_string(map->name));
	json_object_object_add(row, "state", json_object_new_string(elfmap_map_fate__word(map->fate)));
	json_object_object_add(row, "carried", json_object_new_int64((int64_t)map->carried));
	json_object_object_add(row, "late", json_object_new_int64((int64_t)map->late));
	json_object_object_add(row, "lost", json_object_new_int64((int64_t)map->lost));
	json_object_object_add(row, "removed", json_object_new_int64((int64_t)map->removed));
	if (map->fate == ELFMAP_MAP_COPIED) {
		json_object_object_add(row, "merged", json_object_new_int64((int64_t)map->merged));
		json_object_object_add(row, "members", json_members(map->members, map->nr_members));
	}
	if (map->fate == ELFMAP_MAP_MERGED)
		json_object_object_add(row, "start_values_known", json_object_new_boolean(!map->unnoted));
	return row;
}

/* A direction, or the parent of a filter of another qdisc, or the mode of XDP. */
static void json_place(json_object *row, const struct elfmap_hook *hook)
{
	char parent[32];

	snprintf(parent, sizeof(parent), "%x:%x", hook->parent >> 16, hook->parent & 0xffff);
	if (hook->direction)
		json_object_object_add(row, "direction", json_object_new_string(elfmap_hook__direction(hook)));
	else if (hook->kind->has & ELFMAP_HOOK_DIRECTION)
		json_object_object_add(row, "parent", json_object_new_string(parent));
	else if (hook->mode)
		json_object_object_add(row, "mode", json_object_new_string(elfmap_xdp__word(hook->mode)));
	if (hook->block)
		json_object_object_add(row, "block", json_object_new_int64(hook->block));
}

static json_object *json_upgrade(const struct elfmap_upgrade *upgrade)
{
	json_object *root = json_object_new_object(), *hooks = json_object_new_array(), *maps = json_object_new_array();

	for (size_t i = 0; i < upgrade->deployment.nr; i++) {
		const struct elfmap_hook *hook = &upgrade->deployment.at[i].hook;
		const char *kind = hook->kind->has & ELFMAP_HOOK_PLACE ? "bpf" : hook->kind->name; /* as in tc */
		json_object *row = json_object_new_object();

		json_object_object_add(row, "dev", json_object_new_string(hook->dev));
		json_place(row, hook);
		json_object_object_add(row, "kind", json_object_new_string(kind));
		json_object_object_add(row, "prio", json_object_new_int64(hook->prio));
		json_object_object_add(row, "handle", json_object_new_int64(hook->handle));
		json_object_object_add(row, "chain", json_object_new_int64(hook->chain));
		json_object_object_add(row, "name", json_object_new_string(hook->name));
		json_object_array_add(hooks, row);
	}
	for (size_t i = 0; i < upgrade->maps.nr; i++)
		json_object_array_add(maps, json_map(&upgrade->maps.at[i]));
	json_object_object_add(root, "replaced", hooks);
	json_object_object_add(root, "maps", maps);
	json_object_object_add(root, "maps_resized", json_object_new_int64((int64_t)count_resized(upgrade)));
	json_object_object_add(root, "entries_late", json_object_new_int64((int64_t)count_late(upgrade)));
	json_object_object_add(root, "entries_lost", json_object_new_int64((int64_t)count_lost(upgrade)));
	json_object_object_add(root, "versions_kept", json_object_new_int64((int64_t)upgrade->kept.nr));
	json_object_object_add(root, "interrupted_before", json_object_new_boolean(upgrade->was_interrupted));
	return root;
}

struct upgrade_request {
	struct option_words files;
	const char *resets;
	struct elfmap_settings settings, maxima;
	int merge;
	struct option_places places;
	bool rollback, forget;
};

static void set_places(const struct option_places *words, struct elfmap_place *places)
{
	for (size_t i = 0; i < words->nr; i++) {
		const char *where = words->at[i].where ?: "";

		places[i] = (struct elfmap_place){
			.dev = words->at[i].dev,
			.direction = !strcmp(where, "ingress")	? ELFMAP_INGRESS
				     : !strcmp(where, "egress") ? ELFMAP_EGRESS
								: ELFMAP_NO_DIRECTION,
			.is_xdp = !strcmp(where, "xdp"),
		};
	}
}

static void report_one(const char *file, const struct elfmap_upgrade *upgrade)
{
	size_t lost = count_lost(upgrade);

	if (upgrade->was_interrupted)
		complain(file, "note: an interrupted upgrade was repaired first");
	if (lost)
		complain(file,
			 "warning: both versions wrote %zu entries meanwhile; the values of the old version are lost",
			 lost);
	if (upgrade->kept.nr)
		complain(file,
			 "note: %zu older versions stay pinned, since program %u %s still jumps through their tables; "
			 "when it has been removed: elfmap upgrade %s --forget",
			 upgrade->kept.nr, upgrade->kept.prog, upgrade->kept.name, file);
	if (!output.json)
		print_upgrade(upgrade);
}

static void report(const struct option_words *files, struct elfmap_upgrade *upgrades)
{
	json_object *all = json_object_new_array();

	for (int i = 0; i < files->nr; i++) {
		report_one(files->words[i], &upgrades[i]);
		if (output.json)
			json_object_array_add(all, json_upgrade(&upgrades[i]));
	}
	if (output.json && files->nr == 1)
		print_json(json_object_get(json_object_array_get_idx(all, 0)));
	else if (output.json)
		print_json(json_object_get(all));
	json_object_put(all);
}

static int forget_all(const struct option_words *files, const struct elfmap_upgrade_opts *opts,
		      struct elfmap_upgrade *upgrades, const char **culprit, struct elfmap_msg *msg)
{
	int err = 0;

	for (int i = 0; !err && i < files->nr; i++) {
		*culprit = files->words[i];
		err = elfmap_upgrade__forget(*culprit, opts, &upgrades[i], msg);
	}
	return err;
}

static int run(const void *words)
{
	const struct upgrade_request *request = words;
	const struct option_words *files = &request->files;
	const char *const *names = (const char *const *)files->words;
	struct elfmap_upgrade_opts opts = {.warn = warn_of_object};
	struct elfmap_place places[OPTION_MAX_PLACES];
	struct elfmap_upgrade *upgrades;
	const char *culprit = *names;
	struct elfmap_msg msg;
	char tc_dir[PATH_MAX];
	int err;

	if (request->places.nr && files->nr > 1) {
		complain("upgrade", "dev: requires one FILE alone");
		return EXIT_USAGE;
	}
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg))
		return complain("upgrade", "%s", msg.text);
	upgrades = calloc((size_t)files->nr, sizeof(*upgrades));
	if (!upgrades)
		return complain("upgrade", "no memory");
	set_places(&request->places, places);
	opts.places = places;
	opts.nr_places = request->places.nr;
	opts.tc_dir = tc_dir;
	opts.resets = request->resets;
	opts.settings = &request->settings;
	opts.maxima = &request->maxima;
	opts.merge = (enum elfmap_merge)request->merge;
	if (request->forget)
		err = forget_all(files, &opts, upgrades, &culprit, &msg);
	else if (request->rollback)
		err = elfmap_upgrades__roll_back(names, (size_t)files->nr, &opts, upgrades, &culprit, &msg);
	else
		err = elfmap_upgrades__run(names, (size_t)files->nr, &opts, upgrades, &culprit, &msg);
	if (err)
		complain(culprit, "%s", msg.text);
	else
		report(files, upgrades);
	for (int i = 0; !err && i < files->nr; i++)
		elfmap_upgrade__free(&upgrades[i]);
	free(upgrades);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct option_row options[] = {
	{NULL, "FILE", OPTION_REQUIRED, OPTION_WORDS_AT(struct upgrade_request, files), .completes = COMPLETE_FILE},
	{"dev", "DEV [ingress|egress|xdp]", 0, OPTION_PLACES_AT(struct upgrade_request, places),
	 .completes = COMPLETE_DEV, .help = "only at these hooks"},
	{"--rollback", NULL, 0, OPTION_FLAG_AT(struct upgrade_request, rollback),
	 .help = "go back to the previous version"},
	{"--forget", NULL, 0, OPTION_FLAG_AT(struct upgrade_request, forget), .unless = "--rollback",
	 .help = "remove older versions that stayed pinned"},
	{"set", "NAME=VALUE", 0, OPTION_SETTINGS_AT(struct upgrade_request, settings), .unless = "--rollback",
	 .help = SET_HELP},
	{"max", "MAP=N", 0, OPTION_SETTINGS_AT(struct upgrade_request, maxima), .unless = "--rollback",
	 .help = "max_entries of these maps, in place of those in FILE"},
	{"--reset", "MAP", 0, OPTION_TEXT_AT(struct upgrade_request, resets), .unless = "--rollback",
	 .help = "maps, or sections such as .data, that start anew, separated by commas"},
	MERGE_ROW(struct upgrade_request),
	{},
};

const struct verb upgrade_verb = {
	.name = "upgrade",
	.summary = "replace what is attached with another version, without loss",
	.run = run,
	.options = options,
	.request_size = sizeof(struct upgrade_request),
	.changes = true,
};
