// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Notes and removes the directories of PIN_OBJECT_NS of versions. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/pause.h"
#include "hook/map_users.h"
#include "pins/made.h"
#include "pins/pin_change.h"
#include "upgrade/object_dir.h"

#define HASH_LENGTH ELFMAP_SHA1_DIGITS

/* The HASH in "tc/HASH/NAME", the end of PATH; NULL: it is another path. */
static const char *hash_in(const char *path)
{
	const char *name = strrchr(path, '/'), *hash = name ? name - HASH_LENGTH : NULL;

	if (!hash || hash - path < (ptrdiff_t)strlen("tc/") ||
	    strncmp(hash - strlen("tc/"), "tc/", strlen("tc/")) != 0 || !elfmap_made__is_object_dir(hash))
		return NULL;
	return hash;
}

static const char *hash_of_load(const struct elfmap_load *load)
{
	const char *hash = NULL;

	for (size_t i = 0; load && !hash && i < load->nr_maps; i++)
		hash = load->maps[i].pin_path ? hash_in(load->maps[i].pin_path) : NULL;
	return hash;
}

/* The note is an empty directory "hash-HASH" in that of the version. */
#define NOTE "hash-"

static bool read_note(const char *version, char ret_hash[HASH_LENGTH + 1])
{
	DIR *dir = opendir(version);
	const struct dirent *at;
	bool found = false;

	while (!found && dir && (at = readdir(dir)))
		if (!strncmp(at->d_name, NOTE, strlen(NOTE)) && strlen(at->d_name) == strlen(NOTE) + HASH_LENGTH) {
			memcpy(ret_hash, at->d_name + strlen(NOTE), HASH_LENGTH + 1);
			found = true;
		}
	if (dir)
		closedir(dir);
	return found;
}

static int write_note(const char *version, const char *hash, struct elfmap_msg *msg)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" NOTE "%.*s", version, HASH_LENGTH, hash);
	if (!mkdir(path, 0700) || errno == EEXIST)
		return 0;
	return elfmap_msg__set(msg, -errno, "%s: %s", path, strerror(errno));
}

int elfmap_object_dir__note_load(const char *version, const struct elfmap_load *load, struct elfmap_msg *msg)
{
	const char *hash = hash_of_load(load);

	return hash ? write_note(version, hash, msg) : 0;
}

int elfmap_object_dir__copy_note(const char *version, const char *from, struct elfmap_msg *msg)
{
	char hash[HASH_LENGTH + 1];

	return read_note(from, hash) ? write_note(version, hash, msg) : 0;
}

int elfmap_object_dir__note_running(const char *version, const char *current, const struct elfmap_running *running,
				    const struct elfmap_load *load, struct elfmap_msg *msg)
{
	const char *next = hash_of_load(load);
	char hash[HASH_LENGTH + 1];

	if (read_note(current, hash))
		return next && !strncmp(hash, next, HASH_LENGTH) ? 0 : write_note(version, hash, msg);
	for (size_t i = 0; i < running->pins.nr; i++) {
		const struct elfmap_pinned *pin = &running->pins.pins[i];
		const char *there = pin->kind == ELFMAP_PIN_MAP ? hash_in(pin->path) : NULL;

		if (there && elfmap_running__has(running, pin->id) && (!next || strncmp(there, next, HASH_LENGTH) != 0))
			return write_note(version, there, msg);
	}
	return 0;
}

/* ---- removing -------------------------------------------------------------------------------------------------- */

/* The programs of all versions of the object. */
static int read_versions(const char *versions, struct elfmap_running *ret_running)
{
	struct elfmap_running running = {};
	struct elfmap_pins pins = {};
	int err = elfmap_pins__read(versions, &pins);

	for (size_t i = 0; !err && i < pins.nr; i++) {
		if (pins.pins[i].kind == ELFMAP_PIN_PROG)
			err = elfmap_running__add_id(&running, pins.pins[i].id);
		err = err == -ENOENT ? 0 : err; /* removed since */
	}
	elfmap_pins__free(&pins);
	if (err)
		elfmap_running__free(&running);
	else
		*ret_running = running;
	return err;
}

static bool has_pin_elsewhere(const struct elfmap_pins *pins, const struct elfmap_pinned *here, const char *versions)
{
	for (size_t i = 0; i < pins->nr; i++)
		if (elfmap_pinned__is_other(&pins->pins[i], here->id, here->path) &&
		    strncmp(pins->pins[i].path, versions, strlen(versions)) != 0)
			return true;
	return false;
}

/* Is there a program that uses the map of PIN, and is not OURS or uses a map without another pin? */
static bool is_needed(const struct elfmap_pinned *pin, const struct elfmap_pins *pins, const char *versions,
		      const struct elfmap_running *ours)
{
	bool has_other = has_pin_elsewhere(pins, pin, versions), needed;
	struct elfmap_census census = {};

	if (elfmap_census__take_programs(&census))
		return true;
	needed = !census.complete;
	for (size_t i = 0; !needed && i < census.nr_progs; i++)
		needed = elfmap_program__uses(&census.progs[i], pin->id) &&
			 !(has_other && elfmap_running__has_prog(ours, census.progs[i].id));
	elfmap_census__free(&census);
	return needed;
}

static void remove_pins(const char *dir, const char *versions, const struct elfmap_pins *pins,
			const struct elfmap_running *ours)
{
	size_t length = strlen(dir);

	for (size_t i = 0; i < pins->nr; i++) {
		const struct elfmap_pinned *pin = &pins->pins[i];
		int pauses = 0;
		bool needed;

		if (strncmp(pin->path, dir, length) != 0 || pin->path[length] != '/' || pin->kind != ELFMAP_PIN_MAP)
			continue;
		do
			needed = is_needed(pin, pins, versions, ours);
		while (needed && elfmap_pause(&pauses));
		if (!needed)
			elfmap_pin__remove(pin->path, 0);
	}
	rmdir(dir);
}

static const char *wanted; /* by is_noted() */
static size_t nr_noted;

static int count_note(const char *path, const struct stat *file, int type, struct FTW *walk)
{
	(void)file;
	nr_noted += type == FTW_D && !strcmp(path + walk->base, wanted);
	return 0;
}

/* Do several versions note this directory? A rollback leaves two with the same. */
static bool is_noted_again(const char *versions, const char *hash)
{
	char name[sizeof(NOTE) + HASH_LENGTH];

	snprintf(name, sizeof(name), NOTE "%s", hash);
	wanted = name;
	nr_noted = 0;
	nftw(versions, count_note, 16, FTW_PHYS);
	wanted = NULL;
	return nr_noted > 1;
}

void elfmap_object_dir__remove(const char *version, const char *versions, const char *tc_dir)
{
	char hash[HASH_LENGTH + 1], dir[PATH_MAX];
	struct elfmap_running ours = {};
	struct elfmap_pins pins = {};

	if (!read_note(version, hash) || is_noted_again(versions, hash))
		return;
	snprintf(dir, sizeof(dir), "%s/%s", tc_dir, hash);
	if (!elfmap_pins__read(tc_dir, &pins) && !read_versions(versions, &ours))
		remove_pins(dir, versions, &pins, &ours);
	elfmap_running__free(&ours);
	elfmap_pins__free(&pins);
}
