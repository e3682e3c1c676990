// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Drops generations, or keeps their tables pinned where a program somewhere still jumps through them. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "upgrade/generation.h"
#include "upgrade/retired.h"

#define TRIES 50 /* a program that is let go of is gone some milliseconds later */
#define PAUSE_NS 4000000

/* ---- retiring ---------------------------------------------------------------------------------------------- */

static void drop_entries(const char *dir)
{
	char entries[PATH_MAX + 16];

	snprintf(entries, sizeof(entries), "%s/entries", dir);
	elfmap_generation__remove(entries);
}

int elfmap_generation__retire(const char *dir, const char *retired, struct elfmap_msg *msg)
{
	unsigned int nr = 0;
	char to[PATH_MAX];

	if (access(dir, F_OK))
		return 0;
	if (mkdir(retired, 0700) && errno != EEXIST)
		return elfmap_msg__set(msg, -errno, "%s: %s", retired, strerror(errno));
	do
		snprintf(to, sizeof(to), "%s/%u", retired, nr++);
	while (!access(to, F_OK));
	if (rename(dir, to))
		return elfmap_msg__set(msg, -errno, "%s: cannot become %s: %s", dir, to, strerror(errno));
	drop_entries(to);
	return 0;
}

/* The kernel waits so after each change to a map of maps, for the sake of programs that are using the inner map that
 * was there. */
void elfmap_generation__wait(void)
{
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, sizeof(__u32), sizeof(__u32), 1, NULL), outer;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (__u32)inner);
	const __u32 key = 0;

	outer = inner < 0 ? -1 : bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, NULL, sizeof(key), sizeof(inner), 1, &opts);
	if (outer >= 0) {
		bpf_map_update_elem(outer, &key, &inner, BPF_ANY);
		close(outer);
	}
	if (inner >= 0)
		close(inner);
}

/* ---- is anybody in it -------------------------------------------------------------------------------------- */

static bool describe(int map, struct bpf_map_info *info)
{
	__u32 size = sizeof(*info);

	*info = (struct bpf_map_info){};
	return !bpf_obj_get_info_by_fd(map, info, &size);
}

static bool has_other_pin(const struct elfmap_pins *pins, const char *dir, __u32 id)
{
	size_t length = strlen(dir);

	for (size_t i = 0; i < pins->nr; i++) {
		const struct elfmap_pinned *pin = &pins->pins[i];

		if (pin->kind == ELFMAP_PIN_MAP && pin->id == id && !pin->is_link &&
		    (strncmp(pin->path, dir, length) != 0 || pin->path[length] != '/'))
			return true;
	}
	return false;
}

/* The tables of GEN that go with the pins below DIR; others are of no concern. */
static void keep_last_tables(struct elfmap_generation *gen, const struct elfmap_pins *pins, const char *dir)
{
	size_t kept = 0;

	for (size_t i = 0; i < gen->nr_maps; i++) {
		struct bpf_map_info info;

		if (!describe(gen->maps[i].map, &info) ||
		    (elfmap_map__is_prog_array(info.type) && !has_other_pin(pins, dir, info.id))) {
			gen->maps[kept++] = gen->maps[i];
			continue;
		}
		free(gen->maps[i].place);
		close(gen->maps[i].map);
	}
	gen->nr_maps = kept;
}

/* A stage is there because it is in a slot of a table that may go, and says nothing of who comes by. */
static bool is_in_slot(const struct elfmap_generation *gen, const bool *used, __u32 prog)
{
	for (size_t i = 0; i < gen->nr_maps; i++) {
		struct bpf_map_info info;
		__u32 id;

		if (used[i] || !describe(gen->maps[i].map, &info) || !elfmap_map__is_prog_array(info.type))
			continue;
		for (__u32 slot = 0; slot < info.max_entries; slot++)
			if (!bpf_map_lookup_elem(gen->maps[i].map, &slot, &id) && id == prog)
				return true;
	}
	return false;
}

/* Marks what PROG uses. Is any of it news? */
static bool mark_maps(const struct elfmap_generation *gen, const struct elfmap_program *prog, bool *used)
{
	bool news = false;

	for (size_t i = 0; i < gen->nr_maps; i++) {
		struct bpf_map_info info;

		if (used[i] || (describe(gen->maps[i].map, &info) && !elfmap_program__uses(prog, info.id)))
			continue;
		used[i] = news = true;
	}
	return news;
}

/* Returns whether any is used. Whoever may not look at all programs cannot tell that none is. */
static bool mark_used(const struct elfmap_generation *gen, bool *used, struct elfmap_kept *kept)
{
	struct elfmap_census census = {};
	bool news = true, all = elfmap_census__take_programs(&census) || !census.complete, any = all;

	for (size_t i = 0; i < gen->nr_maps; i++)
		used[i] = all;
	while (news && !all) { /* the stages of a table that stays are users like others */
		news = false;
		for (size_t i = 0; i < census.nr_progs; i++) {
			if (is_in_slot(gen, used, census.progs[i].id) || !mark_maps(gen, &census.progs[i], used))
				continue;
			kept->prog = census.progs[i].id;
			memcpy(kept->name, census.progs[i].name, sizeof(kept->name));
			news = any = true;
		}
	}
	elfmap_census__free(&census);
	return any;
}

bool elfmap_generation__find_used(const struct elfmap_generation *gen, bool *used, struct elfmap_kept *kept)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (int i = 0; mark_used(gen, used, kept); i++) {
		if (i == TRIES)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* ---- sweeping ---------------------------------------------------------------------------------------------- */

static bool is_used(const char *dir, const char *tc_dir, struct elfmap_kept *kept)
{
	struct elfmap_generation gen = {};
	struct elfmap_pins pins = {};
	bool used = true, *marks = NULL;

	if (!elfmap_pins__read(tc_dir, &pins) && !elfmap_generation__read(dir, &gen, NULL)) {
		keep_last_tables(&gen, &pins, dir);
		marks = calloc(gen.nr_maps + 1, sizeof(*marks));
		used = !marks || (gen.nr_maps && elfmap_generation__find_used(&gen, marks, kept));
	}
	free(marks);
	elfmap_generation__free(&gen);
	elfmap_pins__free(&pins);
	return used;
}

static void sweep_one(const char *dir, const char *tc_dir, struct elfmap_kept *kept)
{
	struct elfmap_kept found = *kept;

	drop_entries(dir); /* of one that was killed */
	if (!is_used(dir, tc_dir, &found)) {
		elfmap_generation__remove(dir);
		return;
	}
	*kept = found;
	kept->nr++;
}

void elfmap_retired__sweep(const char *retired, const char *tc_dir, struct elfmap_kept *ret_kept)
{
	DIR *directory = opendir(retired);
	const struct dirent *at;
	char dir[PATH_MAX];

	*ret_kept = (struct elfmap_kept){};
	while (directory && (at = readdir(directory)))
		if (at->d_name[0] != '.' && snprintf(dir, sizeof(dir), "%s/%s", retired, at->d_name) < PATH_MAX)
			sweep_one(dir, tc_dir, ret_kept);
	if (directory)
		closedir(directory);
	rmdir(retired); /* fails where one stays */
}
