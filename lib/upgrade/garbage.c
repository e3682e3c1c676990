// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds and removes pins that nothing needs: pins are divided into units, which are needed or not as a whole. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "map/map.h"
#include "pins/made.h"
#include "upgrade/garbage.h"
#include "upgrade/needs.h"

/* ---- items ------------------------------------------------------------------------------------------------------- */

static int add_item(struct elfmap_garbage *garbage, struct elfmap_garbage_item item, const char *path)
{
	struct elfmap_garbage_item *grown = elfmap_array__grow(garbage->items, garbage->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	garbage->items = grown;
	item.path = strdup(path);
	if (!item.path)
		return -ENOMEM;
	grown[garbage->nr++] = item;
	return 0;
}

void elfmap_garbage__free(struct elfmap_garbage *garbage)
{
	for (size_t i = 0; i < garbage->nr; i++)
		free(garbage->items[i].path);
	free(garbage->items);
	*garbage = (struct elfmap_garbage){};
}

/* ---- maps -------------------------------------------------------------------------------------------------------- */

struct count {
	__s64 nr;
	size_t size; /* of a value, if only those that are not zero count */
};

static int count_entry(void *context, const void *key, const void *value)
{
	struct count *count = context;
	const char *bytes = value;
	bool is_set = !count->size;

	(void)key;
	for (size_t i = 0; i < count->size && !is_set; i++)
		is_set = bytes[i];
	count->nr += is_set;
	return 0;
}

/* Entries that would be lost; in an array the values that are not zero. -1: they cannot be read. */
static __s64 count_entries(const char *path, __u32 type)
{
	struct elfmap_reader reader = {.fd = -1};
	struct count count = {};

	if (elfmap_map__is_prog_array(type))
		return 0; /* the programs are not needed either */
	if (elfmap_reader__open(path, &reader, NULL))
		return -1;
	if (elfmap_map_kind__of(type)->keeps_slots)
		count.size = elfmap_map__value_size(&reader);
	if (elfmap_reader__each(&reader, count_entry, &count, NULL))
		count.nr = -1;
	elfmap_reader__close(&reader);
	return count.nr;
}

static int add_map(struct elfmap_garbage *garbage, const struct elfmap_needs *needs, const struct elfmap_pinned *pin,
		   const char *why, bool with_maps)
{
	struct elfmap_garbage_item item = {.kind = ELFMAP_GARBAGE_MAP, .id = pin->id};
	const char *other = elfmap_needs__outside_pin(needs, pin->id);
	struct bpf_map_info info;

	if (!other && elfmap_needs__map(needs, pin->id))
		return 0;
	if (other) {
		snprintf(item.reason, sizeof(item.reason), "%s; the map has another pin", why);
	} else {
		item.entries = elfmap_map__describe(pin->id, &info) ? count_entries(pin->path, info.type) : -1;
		item.is_kept = item.entries && !with_maps;
		snprintf(item.reason, sizeof(item.reason), "%s", why);
	}
	return add_item(garbage, item, pin->path);
}

/* ---- pins of each kind ------------------------------------------------------------------------------------------ */

static const char *const reasons[] = {
	[ELFMAP_UNIT_DEPLOYMENT] = "the programs of this deployment are attached nowhere",
	[ELFMAP_UNIT_RETIRED] = "no program uses this retired version",
	[ELFMAP_UNIT_GONE] = "its removal was interrupted",
	[ELFMAP_UNIT_PROGS] = "the programs of this object are attached nowhere",
	[ELFMAP_UNIT_OBJECT] = "no program uses the maps of this object",
	[ELFMAP_UNIT_LINK] = "its device has been removed",
};

static int add_pin(struct elfmap_garbage *garbage, const struct elfmap_needs *needs, size_t index, bool with_maps)
{
	const struct elfmap_pinned *pin = &needs->census.pins.pins[index];
	struct elfmap_garbage_item item = {.kind = ELFMAP_GARBAGE_PROG, .id = pin->id};
	enum elfmap_unit_kind unit = needs->units[index].kind;

	if (!unit || elfmap_needs__unit(needs, index))
		return 0;
	if (pin->kind == ELFMAP_PIN_MAP)
		return add_map(garbage, needs, pin, reasons[unit], with_maps);
	if (pin->kind == ELFMAP_PIN_LINK)
		item.kind = ELFMAP_GARBAGE_LINK;
	else if (pin->kind != ELFMAP_PIN_PROG)
		return 0;
	snprintf(item.reason, sizeof(item.reason), "%s", reasons[unit]);
	return add_item(garbage, item, pin->path);
}

/* ---- empty directories, and notes ----------------------------------------------------------------------------- */

/* Adds DIR if there is no pin below it. *RET_EMPTY: it has been added, or there is no such directory. */
static int add_empty(struct elfmap_garbage *garbage, const char *dir, bool *ret_empty)
{
	struct elfmap_garbage_item item = {.kind = ELFMAP_GARBAGE_DIR, .reason = "it is empty"};
	DIR *directory = opendir(dir);
	const struct dirent *entry;
	bool empty = true, below;
	char path[PATH_MAX];
	int err = 0;

	while (!err && directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.')
			continue;
		below = false;
		if (entry->d_type == DT_DIR && snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) < PATH_MAX)
			err = add_empty(garbage, path, &below);
		empty = empty && below;
	}
	if (directory)
		closedir(directory);
	*ret_empty = empty;
	return err ?: directory && empty ? add_item(garbage, item, dir) : 0;
}

/* Empty directories below DIR; not in a needed deployment, where they tell that an upgrade was interrupted. */
static int add_empty_below(struct elfmap_garbage *garbage, const struct elfmap_needs *needs, const char *dir)
{
	DIR *directory = opendir(dir);
	const struct dirent *entry;
	char path[PATH_MAX];
	bool empty;
	int err = 0;

	while (!err && directory && (entry = readdir(directory))) {
		if (entry->d_name[0] == '.' || entry->d_type != DT_DIR ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= PATH_MAX)
			continue;
		if (!elfmap_needs__has_pins(needs, path))
			err = add_empty(garbage, path, &empty);
		else if (!elfmap_needs__deployment(needs, path))
			err = add_empty_below(garbage, needs, path);
	}
	if (directory)
		closedir(directory);
	return err;
}

static int add_directories(struct elfmap_garbage *garbage, const struct elfmap_needs *needs, const char *tc_dir)
{
	static const char *const names[] = {"generations", "progs"};
	char dir[PATH_MAX + 16];
	bool empty;
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(names) / sizeof(*names); i++) {
		snprintf(dir, sizeof(dir), "%s/%s", tc_dir, names[i]);
		err = elfmap_needs__has_pins(needs, dir) ? add_empty_below(garbage, needs, dir)
							 : add_empty(garbage, dir, &empty);
	}
	return err;
}

static int add_notes(struct elfmap_garbage *garbage, const char *tc_dir)
{
	struct elfmap_garbage_item item = {.kind = ELFMAP_GARBAGE_NOTE, .reason = "the pin that it is about is gone"};
	char pin[2 * PATH_MAX], note[2 * PATH_MAX];
	DIR *directory = opendir(tc_dir);
	const struct dirent *entry;
	int err = 0;

	while (!err && directory && (entry = readdir(directory))) {
		if (!elfmap_made__pin_path(tc_dir, entry->d_name, pin, sizeof(pin)))
			continue;
		snprintf(note, sizeof(note), "%s/%s", tc_dir, entry->d_name);
		if (access(pin, F_OK) && errno == ENOENT)
			err = add_item(garbage, item, note);
	}
	if (directory)
		closedir(directory);
	return err;
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

int elfmap_garbage__find(const char *tc_dir, bool with_maps, struct elfmap_garbage *ret_garbage, struct elfmap_msg *msg)
{
	struct elfmap_garbage garbage = {};
	struct elfmap_needs needs = {};
	int err;

	err = elfmap_needs__read(&needs, tc_dir, msg);
	if (err)
		return err;
	garbage.is_blind = needs.is_blind;
	for (size_t i = 0; !err && i < needs.census.pins.nr; i++)
		err = add_pin(&garbage, &needs, i, with_maps);
	err = err ?: add_directories(&garbage, &needs, tc_dir);
	err = err ?: add_notes(&garbage, tc_dir);
	elfmap_needs__free(&needs);
	if (err) {
		elfmap_garbage__free(&garbage);
		return elfmap_msg__set(msg, err, "no memory");
	}
	*ret_garbage = garbage;
	return 0;
}

/* Removes directories above PATH, up to TC_DIR, that are empty now. */
static void remove_parents(const char *path, const char *tc_dir)
{
	char dir[PATH_MAX];
	char *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	while ((slash = strrchr(dir, '/')) && (size_t)(slash - dir) > strlen(tc_dir)) {
		*slash = '\0';
		if (rmdir(dir))
			return;
	}
}

int elfmap_garbage__remove(struct elfmap_garbage *garbage, const char *tc_dir, struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t i = 0; i < garbage->nr; i++) {
		struct elfmap_garbage_item *item = &garbage->items[i];

		if (item->is_kept)
			continue;
		if ((item->kind == ELFMAP_GARBAGE_DIR ? rmdir(item->path) : unlink(item->path)) && errno != ENOENT) {
			err = err ?: elfmap_msg__set(msg, -errno, "%s: %s", item->path, strerror(errno));
			continue;
		}
		item->is_removed = true;
		elfmap_made__forget(tc_dir, item->path);
		remove_parents(item->path, tc_dir);
	}
	return err;
}
