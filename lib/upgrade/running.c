// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the maps of a version that runs. Its pins may mean another version's by now, upgraded elsewhere. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "hook/map_users.h"
#include "map/map.h"
#include "pins/pins.h"
#include "upgrade/running.h"

static int add_program(struct elfmap_running *running, int prog);

static int add_stages(struct elfmap_running *running, __u32 table)
{
	int err = 0, fd = bpf_map_get_fd_by_id(table);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), id;

	if (fd < 0)
		return 0; /* gone since */
	if (bpf_obj_get_info_by_fd(fd, &info, &size) || info.type != BPF_MAP_TYPE_PROG_ARRAY)
		info.max_entries = 0;
	for (__u32 slot = 0; !err && slot < info.max_entries; slot++) {
		int prog = bpf_map_lookup_elem(fd, &slot, &id) ? -1 : bpf_prog_get_fd_by_id(id);

		if (prog < 0)
			continue;
		err = add_program(running, prog);
		close(prog);
	}
	close(fd);
	return err;
}

static int add_map(struct elfmap_running *running, __u32 id)
{
	__u32 *grown;

	for (size_t i = 0; i < running->nr; i++)
		if (running->maps[i] == id)
			return 0;
	grown = reallocarray(running->maps, running->nr + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	running->maps = grown;
	grown[running->nr++] = id;
	return add_stages(running, id);
}

static int add_program(struct elfmap_running *running, int prog)
{
	struct elfmap_program program = {};
	int err = elfmap_program__describe(prog, &program);

	for (__u32 i = 0; !err && i < program.nr_maps; i++)
		err = add_map(running, program.maps[i]);
	free(program.maps);
	return err;
}

int elfmap_running__read(const struct elfmap_hooks *hooks, struct elfmap_running *ret_running)
{
	struct elfmap_running running = {};
	int err = 0;

	for (size_t i = 0; !err && i < hooks->nr; i++)
		err = add_program(&running, hooks->at[i].before);
	if (err)
		free(running.maps);
	else
		*ret_running = running;
	return err;
}

int elfmap_running__find(const struct elfmap_running *running, const char *name, __u32 type, __u32 preferred)
{
	struct bpf_map_info info;
	__u32 found = 0;
	int fd;

	for (size_t i = 0; i < running->nr; i++)
		if ((!found || running->maps[i] == preferred) && elfmap_map__describe(running->maps[i], &info) &&
		    info.type == type && !strncmp(info.name, name, sizeof(info.name) - 1))
			found = info.id;
	fd = found ? bpf_map_get_fd_by_id(found) : -ENOENT;
	return fd;
}

static void warn(const struct elfmap_load *load, const struct elfmap_load_map *map, __u32 running, __u32 pinned)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "warning: map '%s': the version before used map %u here, and not the pinned one, map %u; its entries "
		 "are not carried over",
		 map->map.name, running, pinned);
	load->opts.warn(load->file, text);
}

void elfmap_running__warn_of_split(const struct elfmap_running *running, const struct elfmap_load *load)
{
	for (size_t i = 0; load->opts.warn && i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];
		struct bpf_map_info pinned = {}, info = {};
		__u32 size = sizeof(info);
		int old;

		if (!map->pin_path || map->has_grown || map->map.def.type == BPF_MAP_TYPE_PROG_ARRAY ||
		    bpf_obj_get_info_by_fd(bpf_map__fd(map->bpf), &pinned, &size))
			continue;
		old = elfmap_running__find(running, map->map.name, pinned.type, pinned.id);
		if (old < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(old, &info, &size) && info.id != pinned.id)
			warn(load, map, info.id, pinned.id);
		close(old);
	}
}

static bool is_pinned(const struct elfmap_pins *pins, __u32 map)
{
	for (size_t i = 0; i < pins->nr; i++)
		if (pins->pins[i].kind == ELFMAP_PIN_MAP && pins->pins[i].id == map)
			return true;
	return false;
}

static int check_tables(const struct elfmap_running *would_run, const struct elfmap_pins *pins, struct elfmap_msg *msg)
{
	struct bpf_map_info info;

	for (size_t i = 0; i < would_run->nr; i++)
		if (elfmap_map__describe(would_run->maps[i], &info) && info.type == BPF_MAP_TYPE_PROG_ARRAY &&
		    !is_pinned(pins, info.id))
			return elfmap_msg__set(msg, -ENOENT,
					       "its PROG_ARRAY '%s' has lost its pin, and with it what was in its "
					       "slots; 'elfmap upgrade' with the older object makes it anew",
					       info.name);
	return 0;
}

int elfmap_running__check_tables(const struct elfmap_generation *gen, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_running would_run = {};
	struct elfmap_pins pins = {};
	int err = 0;

	for (size_t i = 0; !err && i < gen->nr_entries; i++)
		err = add_program(&would_run, gen->entries[i].prog);
	err = err ?: elfmap_pins__read(tc_dir, &pins);
	err = err ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : check_tables(&would_run, &pins, msg);
	free(would_run.maps);
	elfmap_pins__free(&pins);
	return err;
}
