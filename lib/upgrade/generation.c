// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Generations in memory and as directories of pins. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "pins/pin_change.h"
#include "pins/pin_name.h"
#include "pins/pins.h"
#include "upgrade/generation.h"

/* ---- in memory ------------------------------------------------------------------------------------------- */

int elfmap_generation__add_entry(struct elfmap_generation *gen, const char *section, int prog)
{
	struct elfmap_gen_entry entry = {.section = strdup(section), .prog = fcntl(prog, F_DUPFD_CLOEXEC, 3)};
	void *grown = reallocarray(gen->entries, gen->nr_entries + 1, sizeof(entry));

	if (grown)
		gen->entries = grown;
	if (grown && entry.section && entry.prog >= 0) {
		gen->entries[gen->nr_entries++] = entry;
		return 0;
	}
	free(entry.section);
	if (entry.prog < 0)
		return -errno;
	close(entry.prog);
	return -ENOMEM;
}

int elfmap_generation__add_map(struct elfmap_generation *gen, const char *place, int map)
{
	struct elfmap_gen_map row = {.place = strdup(place), .map = fcntl(map, F_DUPFD_CLOEXEC, 3)};
	void *grown = reallocarray(gen->maps, gen->nr_maps + 1, sizeof(row));

	if (grown)
		gen->maps = grown;
	if (grown && row.place && row.map >= 0) {
		gen->maps[gen->nr_maps++] = row;
		return 0;
	}
	free(row.place);
	if (row.map < 0)
		return -errno;
	close(row.map);
	return -ENOMEM;
}

void elfmap_generation__free(struct elfmap_generation *gen)
{
	for (size_t i = 0; i < gen->nr_entries; i++) {
		free(gen->entries[i].section);
		close(gen->entries[i].prog);
	}
	for (size_t i = 0; i < gen->nr_maps; i++) {
		free(gen->maps[i].place);
		close(gen->maps[i].map);
	}
	free(gen->entries);
	free(gen->maps);
	*gen = (struct elfmap_generation){};
}

int elfmap_generation__find(const struct elfmap_generation *gen, const char *section)
{
	for (size_t i = 0; i < gen->nr_entries; i++)
		if (!strcmp(gen->entries[i].section, section))
			return gen->entries[i].prog;
	return -1;
}

bool elfmap_generation__has_prog(const struct elfmap_generation *gen, __u32 id)
{
	for (size_t i = 0; i < gen->nr_entries; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (!bpf_obj_get_info_by_fd(gen->entries[i].prog, &info, &size) && info.id == id)
			return true;
	}
	return false;
}

/* ---- as pins --------------------------------------------------------------------------------------------- */

static int pin(int fd, const char *dir, const char *kind, const char *name, struct elfmap_msg *msg)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s/%s", dir, kind, name) >= (int)sizeof(path))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of a generation's pin is too long");
	return elfmap_pin__add(fd, path, msg);
}

int elfmap_generation__pin(const struct elfmap_generation *gen, const char *dir, struct elfmap_msg *msg)
{
	char name[NAME_MAX + 1];
	int err = 0;

	for (size_t i = 0; !err && i < gen->nr_maps; i++)
		err = pin(gen->maps[i].map, dir, "maps", gen->maps[i].place, msg);
	for (size_t i = 0; !err && i < gen->nr_entries; i++) {
		err = elfmap_pin_name__escape(gen->entries[i].section, name, sizeof(name));
		err = err ? elfmap_msg__set(msg, err, "section '%s': its name is too long", gen->entries[i].section)
			  : pin(gen->entries[i].prog, dir, "entries", name, msg);
	}
	if (err)
		elfmap_generation__remove(dir);
	return err;
}

static int read_pin(struct elfmap_generation *gen, const char *dir, const char *path)
{
	const char *below = path + strlen(dir) + 1;
	int err = 0, fd = bpf_obj_get(path);
	char name[NAME_MAX + 1];

	if (fd < 0)
		return fd;
	if (!strncmp(below, "maps/", strlen("maps/"))) {
		err = elfmap_generation__add_map(gen, below + strlen("maps/"), fd);
	} else if (!strncmp(below, "entries/", strlen("entries/"))) {
		snprintf(name, sizeof(name), "%s", below + strlen("entries/"));
		elfmap_pin_name__unescape(name);
		err = elfmap_generation__add_entry(gen, name, fd);
	}
	close(fd);
	return err;
}

int elfmap_generation__read(const char *dir, struct elfmap_generation *ret_gen, struct elfmap_msg *msg)
{
	struct elfmap_generation gen = {};
	struct elfmap_pins pins = {};
	int err = 0;

	if (access(dir, F_OK))
		return elfmap_msg__set(msg, -ENOENT, "%s: there is no such generation", dir);
	if (elfmap_pins__read(dir, &pins))
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; !err && i < pins.nr; i++) {
		err = read_pin(&gen, dir, pins.pins[i].path);
		if (err)
			elfmap_msg__set(msg, err, "%s: %s", pins.pins[i].path, strerror(-err));
	}
	elfmap_pins__free(&pins);
	if (err)
		elfmap_generation__free(&gen);
	else
		*ret_gen = gen;
	return err;
}

/* Killed half-way it must not leave half a generation, which somebody might go back to. */
void elfmap_generation__remove(const char *dir)
{
	char gone[PATH_MAX + 8];

	snprintf(gone, sizeof(gone), "%s~gone", dir);
	elfmap_pin__remove_directory(gone);
	if (!rename(dir, gone))
		elfmap_pin__remove_directory(gone);
}
