// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap map restore --contents`: the entries that `save` wrote, put into the maps that are pinned now. All maps and
 * lines are checked before the first map is changed. The file is read twice, so that one map at a time is in memory.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_replacement.h"
#include "helpers/map/map_restore.h"
#include "kinds/maps.h"
#include "pins/bpffs.h"

static int check_form(const struct restored *map, struct elfmap_msg *msg)
{
	const struct elfmap_form *form = &map->saved->form;
	const struct bpf_map_info *info = &map->map.info;

	if (form->type != info->type || form->key_size != info->key_size || form->value_size != info->value_size)
		return elfmap_msg__set(msg, -EINVAL,
				       "the pinned map has another type or other sizes than the saved one");
	if (elfmap_map_kind__of(info->type)->is_queue)
		return elfmap_msg__set(msg, -EOPNOTSUPP, "the contents of %s cannot be replaced",
				       elfmap_map_kind__of(info->type)->phrase);
	return elfmap_map__check_readable(info, msg) ?: elfmap_map__check_writable(&map->map, msg);
}

/* Opens the running maps, by their first pins. An inner map without a pin has no name that finds it. */
static int open_maps(struct restore *restore, bool dry_run)
{
	struct elfmap_msg msg;
	char path[PATH_MAX];

	for (size_t i = 0; i < restore->file.nr_maps; i++) {
		struct restored *map = &restore->maps[i];
		int err;

		if (!map->saved->nr_pins)
			return complain(map->saved->label,
					"it has no pin, so its contents cannot be restored; nothing was changed");
		err = elfmap_bpffs__pin_path(map->saved->pins->word, path, sizeof(path), &msg);
		err = err
			      ?: elfmap_reader__open_for(path, dry_run ? ELFMAP_READ : ELFMAP_READ_WRITE, NULL,
							 &map->map, &msg);
		err = err ?: check_form(map, &msg);
		if (err)
			return complain(map->saved->label, "%s; nothing was changed", msg.text);
	}
	return EXIT_SUCCESS;
}

/* R borrows the map. */
static int begin(struct restore *restore, struct restored *map, struct replacement *r)
{
	struct elfmap_msg msg;

	*r = (struct replacement){.target = {.pin = map->saved->label, .map = map->map}};
	r->file.name = restore->name;
	r->comparison.map = &r->target.map;
	r->comparison.wanted = &r->file.entries;
	if (elfmap_bpffs__pin_path(map->saved->pins->word, r->target.path, sizeof(r->target.path), &msg) ||
	    elfmap_resolver__new(&r->target.resolver, &msg))
		return complain(map->saved->label, "%s", msg.text);
	if (elfmap_map__is_prog_array(map->map.info.type))
		elfmap_resolver__load_for(r->target.resolver, map->map.fd, r->target.path);
	return restore__read(restore, map, &r->file.entries);
}

static void end(struct replacement *r)
{
	r->target.map = (struct elfmap_reader){.fd = -1};
	replacement__end(r);
}

static int check_map(struct restore *restore, struct restored *map)
{
	struct replacement r;
	int status = begin(restore, map, &r) ?: replacement__check_room(&r);

	end(&r);
	return status;
}

static int print_map(struct restore *restore, struct restored *map, bool is_first)
{
	struct replacement r;
	int status = begin(restore, map, &r);

	if (!status && output.json) {
		char start[] = ",{\"map\":\"";

		output__write(is_first ? "[" : ",", 1);
		output__write(start + 1, strlen(start) - 1);
		output__write(map->saved->label, strlen(map->saved->label)); /* a word without quotes */
		output__write("\",\"differences\":", 16);
	} else if (!status) {
		output__write("map ", 4);
		output__write(map->saved->label, strlen(map->saved->label));
		output__write("\n", 1);
	}
	if (!status && replacement__print(&r))
		status = EXIT_FAILURE;
	if (output.json)
		output__write("}", 1);
	end(&r);
	return status;
}

static int replace_map(struct restore *restore, struct restored *map, json_object *list)
{
	json_object *counts;
	struct replacement r;
	int status = begin(restore, map, &r) ?: replacement__apply(&r);

	if (!status) {
		counts = json_object_new_object();
		json_object_object_add(counts, "map", json_object_new_string(map->saved->label));
		json_object_object_add(counts, "added", json_object_new_uint64(r.nr_added));
		json_object_object_add(counts, "changed", json_object_new_uint64(r.comparison.nr_changed));
		json_object_object_add(counts, "deleted", json_object_new_uint64(r.comparison.nr_leftover));
		json_object_object_add(counts, "equal", json_object_new_uint64(r.comparison.nr_equal));
		json_object_array_add(list, counts);
	}
	end(&r);
	return status;
}

static int print_maps(struct restore *restore)
{
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < restore->file.nr_maps && !status; i++)
		status = print_map(restore, &restore->maps[i], !i);
	if (output.json)
		output__write(restore->file.nr_maps ? "]\n" : "[]\n", restore->file.nr_maps ? 2 : 3);
	return end_output() && !status ? EXIT_FAILURE : status;
}

int restore__contents(struct restore *restore, bool dry_run)
{
	json_object *list;
	size_t done = 0;
	int status = open_maps(restore, dry_run);

	for (size_t i = 0; i < restore->file.nr_maps && !status; i++)
		status = check_map(restore, &restore->maps[i]);
	if (status)
		return restore->nr_refused ? complain(restore->name, "nothing was changed") : status;
	if (dry_run)
		return print_maps(restore);
	list = json_object_new_array();
	while (done < restore->file.nr_maps && !(status = replace_map(restore, &restore->maps[done], list)))
		done++;
	if (status && done)
		complain(restore->name, "the contents of %zu of %zu maps, those before %s, were restored", done,
			 restore->file.nr_maps, restore->maps[done].saved->label);
	if (!status && output.json)
		print_json(list);
	else
		json_object_put(list);
	return status;
}
