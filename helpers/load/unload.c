// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap unload FILE ... [--maps]`: the pins of its programs go. Those of its maps are what it has gathered, and
 * stay unless that is said; and also then those that a program uses, whoever's it is.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_companion.h"
#include "load/load.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"
#include "upgrade/version.h"

/* The maps that are pinned where the object has them, and are the same: others are not its own. */
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

/* What explains its numbers goes with a map. */
static int remove_map(const struct elfmap_version_map *map, struct elfmap_msg *msg)
{
	char companion[PATH_MAX];
	bool has_companion = map_companion_path(map->place, map->map, companion);
	int err = elfmap_pin__remove(map->place, 1);

	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", map->place, strerror(-err));
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
	err = err ?: elfmap_load__open(file, &opts, &load, msg);
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

static int run(const void *words)
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

static const struct option_row options[] = {
	{NULL, "FILE", OPTION_REQUIRED, OPTION_WORDS_AT(struct unload_request, files), .completes = COMPLETE_FILE},
	{"--maps", NULL, 0, OPTION_FLAG_AT(struct unload_request, maps),
	 .help = "also the pins of maps that no program uses"},
	{},
};

const struct verb unload_verb = {
	.name = "unload",
	.summary = "remove the pins of programs that load made",
	.run = run,
	.options = options,
	.request_size = sizeof(struct unload_request),
	.changes = true,
};
