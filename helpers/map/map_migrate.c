// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map migrate`: gives a pin a map of the form that an object declares, with the entries converted member by
 * member. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/msg.h"
#include "base/path.h"
#include "helpers/map/map_migrate.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "load/form.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"

/* ---- shared ------------------------------------------------------------------------------------------------------ */

const struct option_choice merge_choices[] = {
	{"first", ELFMAP_MERGE_FIRST, false}, {"last", ELFMAP_MERGE_LAST, false}, {}};

void print_members(const char *first, const struct elfmap_member_change *members, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		printf("%s %s %s", i ? "," : first, elfmap_member_fate__word(members[i].fate), members[i].name);
}

json_object *json_members(const struct elfmap_member_change *members, size_t nr)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < nr; i++) {
		json_object *row = json_object_new_object();

		json_object_object_add(row, "member", json_object_new_string(members[i].name));
		json_object_object_add(row, "change",
				       json_object_new_string(elfmap_member_fate__word(members[i].fate)));
		json_object_array_add(array, row);
	}
	return array;
}

/* ---- the new form ------------------------------------------------------------------------------------------------ */

struct migrating {
	const char *pin;
	const char *path;
	const char *file;
	const char *tc_dir;
	struct elfmap_reader old;
	struct elfmap_reader new;
	struct elfmap_load *load;
	const struct elfmap_load_map *map; /* of LOAD */
	struct elfmap_migration migration;
	size_t count;
	bool is_same;
	struct elfmap_msg *msg;
};

/* The map that the object pins at the path, or that has the name of the pin. */
static const struct elfmap_load_map *find_map(const struct migrating *migrating)
{
	const struct elfmap_load *load = migrating->load;
	const char *name = elfmap_path__name(migrating->path);

	for (size_t i = 0; i < load->nr_maps; i++)
		if (load->maps[i].pin_path && !strcmp(load->maps[i].pin_path, migrating->path))
			return &load->maps[i];
	for (size_t i = 0; i < load->nr_maps; i++)
		if (!load->maps[i].is_internal && !strcmp(load->maps[i].map.name, name))
			return &load->maps[i];
	return NULL;
}

static int check_form(struct migrating *migrating)
{
	struct elfmap_load_map map = *migrating->map;
	const struct bpf_map_info *info = &migrating->old.info;
	bool is_smaller = map.map.def.max_elem < info->max_entries;
	struct elfmap_msg why, what;

	if (is_smaller)
		map.map.def.max_elem = info->max_entries; /* fewer entries may fit */
	switch (elfmap_load_map__compare(migrating->load, &map, info, &what)) {
	case ELFMAP_FORM_SAME:
		migrating->is_same = !is_smaller;
		return 0;
	case ELFMAP_FORM_CONVERTED:
		return 0;
	case ELFMAP_FORM_OTHER:
		break;
	}
	if (!elfmap_pin__compare(&migrating->map->map, info, &why))
		why.text[0] = '\0';
	return elfmap_msg__set(migrating->msg, -EINVAL, "%s%s%s; its entries cannot be converted", why.text,
			       *why.text && *what.text ? "; " : "",
			       *what.text ? what.text : "sizes without BTF in both forms");
}

static int open_object(struct migrating *migrating)
{
	const struct elfmap_load_opts opts = {.tc_dir = migrating->tc_dir, .is_locked = true};
	struct elfmap_msg why;
	int err = elfmap_load__open(migrating->file, &opts, &migrating->load, &why);

	if (err)
		return elfmap_msg__set(migrating->msg, err, "%s: %s", migrating->file, why.text);
	migrating->map = find_map(migrating);
	if (!migrating->map)
		return elfmap_msg__set(migrating->msg, -ENOENT, "%s has no map '%s'; 'elfmap show %s' lists its maps",
				       migrating->file, elfmap_path__name(migrating->path), migrating->file);
	return check_form(migrating);
}

/* Makes only the one map, without programs. */
static int make_map(struct migrating *migrating)
{
	const struct elfmap_load *load = migrating->load;
	int err = 0;

	for (size_t i = 0; !err && i < load->nr_maps; i++)
		err = bpf_map__set_autocreate(load->maps[i].bpf, &load->maps[i] == migrating->map);
	for (size_t i = 0; !err && i < load->nr_progs; i++)
		err = bpf_program__set_autoload(load->progs[i].bpf, false);
	elfmap_load__listen();
	err = err ?: bpf_object__load(load->bpf);
	elfmap_load__stop_listening();
	if (err)
		return elfmap_msg__set(migrating->msg, err, "the new map cannot be made: %s",
				       *elfmap_load__said() ? elfmap_load__said() : strerror(-err));
	return elfmap_reader__open_fd(elfmap_pair__fd(migrating->map->bpf), elfmap_path__name(migrating->path), NULL,
				      &migrating->new, migrating->msg);
}

/* ---- the change -------------------------------------------------------------------------------------------------- */

static int count_batch(void *context, const void *keys, const void *values, size_t count)
{
	(void)keys;
	(void)values;
	*(size_t *)context += count;
	return 0;
}

static int fill(struct migrating *migrating, enum elfmap_merge merge)
{
	int err = elfmap_migration__plan(&migrating->old, &migrating->new, &migrating->migration, migrating->msg);

	migrating->migration.merge = merge;
	err = err ?: elfmap_migration__run(&migrating->migration, migrating->msg);
	err = err ?: elfmap_reader__each_batch(&migrating->new, count_batch, &migrating->count, migrating->msg);
	if (!err && elfmap_map__is_frozen(migrating->old.fd)) {
		err = bpf_map_freeze(migrating->new.fd);
		if (err)
			elfmap_msg__set(migrating->msg, err, "the new map cannot be frozen: %s", strerror(-err));
	}
	return err;
}

static int migrate(struct migrating *migrating, enum elfmap_merge merge)
{
	struct elfmap_msg *msg = migrating->msg;
	int err = elfmap_reader__open_for(migrating->path, ELFMAP_READ, NULL, &migrating->old, msg);

	err = err ?: elfmap_map__check_copyable(&migrating->old.info, msg);
	err = err ?: open_object(migrating);
	if (err || migrating->is_same)
		return err;
	err = map_check_unused(migrating->old.info.id, migrating->path, msg);
	err = err ?: make_map(migrating);
	err = err ?: fill(migrating, merge);
	return err ?: elfmap_pin__replace(migrating->new.fd, migrating->path, msg);
}

static void print(const struct migrating *migrating)
{
	const struct elfmap_migration *migration = &migrating->migration;

	if (output.json) {
		output__add("changed", json_object_new_boolean(!migrating->is_same));
		output__add("carried", json_object_new_int64((int64_t)migrating->count));
		output__add("merged", json_object_new_int64((int64_t)migration->merged));
		output__add("key_members", json_members(migration->key.changes, migration->key.nr_changes));
		output__add("value_members", json_members(migration->value.changes, migration->value.nr_changes));
		return;
	}
	if (migrating->is_same) {
		printf("map %s unchanged\n", migrating->pin);
		return;
	}
	printf("map %s migrated: %zu entries carried, %zu merged", migrating->pin, migrating->count, migration->merged);
	print_members(";", migration->key.changes, migration->key.nr_changes);
	print_members(migration->key.nr_changes ? "," : ";", migration->value.changes, migration->value.nr_changes);
	putchar('\n');
}

static void release(struct migrating *migrating)
{
	elfmap_migration__free(&migrating->migration);
	elfmap_reader__close(&migrating->old);
	elfmap_reader__close(&migrating->new);
	elfmap_load__free(migrating->load);
}

struct migrate_request {
	const char *pin;
	const char *file;
	int merge;
};

static int run(const void *words)
{
	const struct migrate_request *request = words;
	char path[PATH_MAX], tc_dir[PATH_MAX];
	struct elfmap_msg msg;
	struct migrating migrating = {.pin = request->pin,
				      .path = path,
				      .file = request->file,
				      .tc_dir = tc_dir,
				      .old.fd = -1,
				      .new.fd = -1,
				      .msg = &msg};
	int lock = -1, status = EXIT_SUCCESS;

	if (elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg) ||
	    elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), &msg) || elfmap_pin__lock(path, &lock, &msg) ||
	    migrate(&migrating, (enum elfmap_merge)request->merge))
		status = complain(request->pin, "%s", msg.text);
	else
		print(&migrating);
	release(&migrating);
	if (lock >= 0)
		close(lock);
	return status ?: end_output();
}

static const struct option_row options[] = {
	PIN_ROW(struct migrate_request),
	{NULL, "FILE", OPTION_REQUIRED, OPTION_TEXT_AT(struct migrate_request, file), .completes = COMPLETE_FILE},
	MERGE_ROW(struct migrate_request),
	{},
};

const struct verb map_migrate_verb = {
	.name = "migrate",
	.summary = "convert the entries to the form that an object declares",
	.run = run,
	.options = options,
	.request_size = sizeof(struct migrate_request),
	.changes = true,
};
