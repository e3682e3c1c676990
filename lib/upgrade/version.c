// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Versions in memory and as directories of pins; retired versions, which are kept while a program uses their tables. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/pause.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "pins/pin_change.h"
#include "pins/pins.h"
#include "upgrade/object_dir.h"
#include "upgrade/version.h"

/* ---- in memory ------------------------------------------------------------------------------------------- */

static void drop(struct elfmap_version_pin *pin)
{
	free(pin->name);
	if (pin->fd >= 0)
		close(pin->fd);
}

static int add(struct elfmap_version_pin **pins, size_t *nr, const char *name, int fd)
{
	struct elfmap_version_pin pin = {.name = strdup(name), .fd = fcntl(fd, F_DUPFD_CLOEXEC, 3)};
	int err = pin.fd < 0 ? -errno : -ENOMEM;
	void *grown = elfmap_array__grow(*pins, *nr, sizeof(pin));

	if (grown)
		*pins = grown;
	if (grown && pin.name && pin.fd >= 0) {
		(*pins)[(*nr)++] = pin;
		return 0;
	}
	drop(&pin);
	return err;
}

int elfmap_version__add_entry(struct elfmap_version *version, const char *section, int prog)
{
	return add(&version->entries, &version->nr_entries, section, prog);
}

int elfmap_version__add_hook(struct elfmap_version *version, const char *hook, int prog)
{
	return add(&version->hooks, &version->nr_hooks, hook, prog);
}

int elfmap_version__add_map(struct elfmap_version *version, const char *place, int map)
{
	return add(&version->maps, &version->nr_maps, place, map);
}

void elfmap_version__free(struct elfmap_version *version)
{
	for (size_t i = 0; i < version->nr_entries; i++)
		drop(&version->entries[i]);
	for (size_t i = 0; i < version->nr_hooks; i++)
		drop(&version->hooks[i]);
	for (size_t i = 0; i < version->nr_maps; i++)
		drop(&version->maps[i]);
	free(version->hooks);
	free(version->entries);
	free(version->maps);
	*version = (struct elfmap_version){};
}

static int find(const struct elfmap_version_pin *pins, size_t nr, const char *name)
{
	for (size_t i = 0; i < nr; i++)
		if (!strcmp(pins[i].name, name))
			return pins[i].fd;
	return -1;
}

int elfmap_version__find(const struct elfmap_version *version, const char *section)
{
	return find(version->entries, version->nr_entries, section);
}

int elfmap_version__find_hook(const struct elfmap_version *version, const char *hook)
{
	return find(version->hooks, version->nr_hooks, hook);
}

static bool has(const struct elfmap_version_pin *progs, size_t nr, __u32 id)
{
	for (size_t i = 0; i < nr; i++)
		if (id && elfmap_program__id(progs[i].fd) == id)
			return true;
	return false;
}

bool elfmap_version__has_map(const struct elfmap_version *version, __u32 id)
{
	for (size_t i = 0; i < version->nr_maps; i++)
		if (id && elfmap_map__id(version->maps[i].fd) == id)
			return true;
	return false;
}

bool elfmap_version__has_prog(const struct elfmap_version *version, __u32 id)
{
	return has(version->entries, version->nr_entries, id) || has(version->hooks, version->nr_hooks, id);
}

/* ---- as pins --------------------------------------------------------------------------------------------- */

static int pin(int fd, const char *dir, const char *kind, const char *name, struct elfmap_msg *msg)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s/%s", dir, kind, name) >= (int)sizeof(path))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of a version's pin is too long");
	return elfmap_pin__add(fd, path, msg);
}

int elfmap_version__pin(const struct elfmap_version *version, const char *dir, struct elfmap_msg *msg)
{
	char name[NAME_MAX + 1];
	int err = 0;

	for (size_t i = 0; !err && i < version->nr_maps; i++)
		err = pin(version->maps[i].fd, dir, "maps", version->maps[i].name, msg);
	for (size_t i = 0; !err && i < version->nr_entries; i++) {
		err = elfmap_pin_name__escape(version->entries[i].name, name, sizeof(name));
		err = err ? elfmap_msg__set(msg, err, "section '%s': its name is too long", version->entries[i].name)
			  : pin(version->entries[i].fd, dir, "entries", name, msg);
	}
	for (size_t i = 0; !err && i < version->nr_hooks; i++)
		err = pin(version->hooks[i].fd, dir, "hooks", version->hooks[i].name, msg);
	if (err)
		elfmap_version__remove(dir);
	return err;
}

static int read_pin(struct elfmap_version *version, const char *dir, const char *path)
{
	const char *below = path + strlen(dir) + 1;
	int err = 0, fd = bpf_obj_get(path);
	char name[NAME_MAX + 1];

	if (fd < 0)
		return fd;
	if (!strncmp(below, "maps/", strlen("maps/"))) {
		err = elfmap_version__add_map(version, below + strlen("maps/"), fd);
	} else if (!strncmp(below, "hooks/", strlen("hooks/"))) {
		err = elfmap_version__add_hook(version, below + strlen("hooks/"), fd);
	} else if (!strncmp(below, "entries/", strlen("entries/"))) {
		snprintf(name, sizeof(name), "%s", below + strlen("entries/"));
		elfmap_pin_name__unescape(name);
		err = elfmap_version__add_entry(version, name, fd);
	}
	close(fd);
	return err;
}

int elfmap_version__read(const char *dir, struct elfmap_version *ret_gen, struct elfmap_msg *msg)
{
	struct elfmap_version version = {};
	struct elfmap_pins pins = {};
	int err = 0;

	if (access(dir, F_OK))
		return elfmap_msg__set(msg, -ENOENT, "%s: there is no such version", dir);
	if (elfmap_pins__read(dir, &pins))
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; !err && i < pins.nr; i++) {
		err = read_pin(&version, dir, pins.pins[i].path);
		if (err)
			elfmap_msg__set(msg, err, "%s: %s", pins.pins[i].path, strerror(-err));
	}
	elfmap_pins__free(&pins);
	if (err)
		elfmap_version__free(&version);
	else
		*ret_gen = version;
	return err;
}

/* Renamed first: if the command is killed, no incomplete version stays under its name. */
void elfmap_version__remove(const char *dir)
{
	char gone[PATH_MAX + 32];

	snprintf(gone, sizeof(gone), "%s~gone", dir);
	elfmap_pin__remove_directory(gone);
	if (!rename(dir, gone))
		elfmap_pin__remove_directory(gone);
}

/* ---- retiring ---------------------------------------------------------------------------------------------- */

static void drop_entries(const char *dir)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/entries", dir);
	elfmap_version__remove(path);
	snprintf(path, sizeof(path), "%s/hooks", dir);
	elfmap_version__remove(path);
}

int elfmap_version__retire(const char *dir, const char *retired, struct elfmap_msg *msg)
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
		return elfmap_msg__set(msg, -errno, "%s: cannot be renamed to %s: %s", dir, to, strerror(errno));
	drop_entries(to);
	return 0;
}

/* An update of a map of maps waits in this way, since programs may still use the former inner map. */
void elfmap_version__wait(void)
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

/* ---- users of a version -------------------------------------------------------------------------------------- */

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

/* Keeps only the tables of VERSION that have no pin outside of DIR. */
static void keep_last_tables(struct elfmap_version *version, const struct elfmap_pins *pins, const char *dir)
{
	size_t kept = 0;

	for (size_t i = 0; i < version->nr_maps; i++) {
		struct bpf_map_info info;

		if (!describe(version->maps[i].fd, &info) ||
		    (elfmap_map__is_prog_array(info.type) && !has_other_pin(pins, dir, info.id))) {
			version->maps[kept++] = version->maps[i];
			continue;
		}
		drop(&version->maps[i]);
	}
	version->nr_maps = kept;
}

/* The programs in the slots of a version's tables. */
struct stages {
	struct stage {
		__u32 prog;
		size_t map; /* its index in the version */
	} * at;
	size_t nr, map;
};

static int add_stage(void *context, const void *key, __u32 held)
{
	struct stages *stages = context;
	struct stage *grown = elfmap_array__grow(stages->at, stages->nr, sizeof(*grown));

	(void)key;
	if (!grown)
		return -ENOMEM;
	stages->at = grown;
	grown[stages->nr++] = (struct stage){.prog = held, .map = stages->map};
	return 0;
}

/* -ENOMEM; free() its array. */
static int read_stages(const struct elfmap_version *version, struct stages *ret_stages)
{
	struct bpf_map_info info;
	int err = 0;

	for (size_t i = 0; !err && i < version->nr_maps; i++) {
		if (!describe(version->maps[i].fd, &info) || !elfmap_map__is_prog_array(info.type))
			continue;
		ret_stages->map = i;
		err = elfmap_slots__each(version->maps[i].fd, &info, add_stage, ret_stages);
	}
	return err;
}

/* Is PROG a stage in a slot of an unused table? Then it is loaded only because of that slot. */
static bool is_in_slot(const struct stages *stages, const bool *used, __u32 prog)
{
	for (size_t i = 0; i < stages->nr; i++)
		if (stages->at[i].prog == prog && !used[stages->at[i].map])
			return true;
	return false;
}

/* Marks the maps that PROG uses. True: one was not marked before. */
static bool mark_maps(const struct elfmap_version *version, const struct elfmap_program *prog, bool *used)
{
	bool news = false;

	for (size_t i = 0; i < version->nr_maps; i++) {
		struct bpf_map_info info;

		if (used[i] || (describe(version->maps[i].fd, &info) && !elfmap_program__uses(prog, info.id)))
			continue;
		used[i] = news = true;
	}
	return news;
}

/* Is any map used? Without permission to list all programs: all are. */
static bool mark_used(const struct elfmap_version *version, bool *used, struct elfmap_kept *kept)
{
	struct elfmap_census census = {};
	struct stages stages = {};
	bool news = true, any,
	     all = read_stages(version, &stages) || elfmap_census__take_programs(&census) || !census.complete;

	any = all;
	for (size_t i = 0; i < version->nr_maps; i++)
		used[i] = all;
	while (news && !all) { /* stages of a used table count as users */
		news = false;
		for (size_t i = 0; i < census.nr_progs; i++) {
			if (is_in_slot(&stages, used, census.progs[i].id) ||
			    !mark_maps(version, &census.progs[i], used))
				continue;
			kept->prog = census.progs[i].id;
			memcpy(kept->name, census.progs[i].name, sizeof(kept->name));
			news = any = true;
		}
	}
	elfmap_census__free(&census);
	free(stages.at);
	return any;
}

bool elfmap_version__find_used(const struct elfmap_version *version, bool *used, struct elfmap_kept *kept)
{
	int pauses = 0;
	bool any;

	do
		any = mark_used(version, used, kept);
	while (any && elfmap_pause(&pauses));
	return any;
}

/* ---- sweeping ---------------------------------------------------------------------------------------------- */

static bool is_used(const char *dir, const char *tc_dir, struct elfmap_kept *kept)
{
	struct elfmap_version version = {};
	struct elfmap_pins pins = {};
	bool used = true, *marks = NULL;

	if (!elfmap_pins__read(tc_dir, &pins) && !elfmap_version__read(dir, &version, NULL)) {
		keep_last_tables(&version, &pins, dir);
		marks = calloc(version.nr_maps + 1, sizeof(*marks));
		used = !marks || (version.nr_maps && elfmap_version__find_used(&version, marks, kept));
	}
	free(marks);
	elfmap_version__free(&version);
	elfmap_pins__free(&pins);
	return used;
}

/* VERSIONS is the directory above that of the retired ones. */
static void sweep_one(const char *dir, const char *versions, const char *tc_dir, struct elfmap_kept *kept)
{
	struct elfmap_kept found = *kept;

	drop_entries(dir); /* left by a command that was killed */
	if (!is_used(dir, tc_dir, &found)) {
		elfmap_object_dir__remove(dir, versions, tc_dir);
		elfmap_version__remove(dir);
		return;
	}
	*kept = found;
	kept->nr++;
}

void elfmap_retired__sweep(const char *retired, const char *tc_dir, struct elfmap_kept *ret_kept)
{
	DIR *directory = opendir(retired);
	const struct dirent *at;
	char dir[PATH_MAX], versions[PATH_MAX];

	snprintf(versions, sizeof(versions), "%s", retired);
	*strrchr(versions, '/') = '\0';
	*ret_kept = (struct elfmap_kept){};
	while (directory && (at = readdir(directory)))
		if (at->d_name[0] != '.' && snprintf(dir, sizeof(dir), "%s/%s", retired, at->d_name) < PATH_MAX)
			sweep_one(dir, versions, tc_dir, ret_kept);
	if (directory)
		closedir(directory);
	rmdir(retired); /* fails while a version is left */
}
