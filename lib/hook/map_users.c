// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Takes a census of programs, of the contents of tables, and of pins; finds the users of a map. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "pins/map_id.h"

/* ---- programs ------------------------------------------------------------------------------------- */

/* Two calls, since a program may use any number of maps: the first returns their number. */
int elfmap_program__describe(int fd, struct elfmap_program *ret_prog)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info), count;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return 0;
	count = info.nr_map_ids;
	ret_prog->id = info.id;
	ret_prog->type = info.type;
	memcpy(ret_prog->name, info.name, sizeof(ret_prog->name));
	if (!count)
		return 0;
	ret_prog->maps = calloc(count, sizeof(*ret_prog->maps));
	if (!ret_prog->maps)
		return -ENOMEM;
	info = (struct bpf_prog_info){.nr_map_ids = count, .map_ids = (__u64)(uintptr_t)ret_prog->maps};
	size = sizeof(info);
	if (!bpf_obj_get_info_by_fd(fd, &info, &size))
		ret_prog->nr_maps = info.nr_map_ids < count ? info.nr_map_ids : count;
	return 0;
}

static int add_program(struct elfmap_census *census, int fd)
{
	struct elfmap_program *grown;

	grown = elfmap_array__grow(census->progs, census->nr_progs, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	census->progs = grown;
	grown[census->nr_progs] = (struct elfmap_program){};
	return elfmap_program__describe(fd, &grown[census->nr_progs++]);
}

static int read_programs(struct elfmap_census *census)
{
	__u32 id = 0;
	int err = 0;

	while (!err) {
		int fd;

		err = bpf_prog_get_next_id(id, &id);
		if (err)
			break;
		fd = bpf_prog_get_fd_by_id(id);
		if (fd == -ENOENT)
			continue; /* gone since */
		if (fd < 0)
			return 0; /* not permitted */
		err = add_program(census, fd);
		close(fd);
	}
	census->complete = err == -ENOENT; /* the end of the list */
	return err == -ENOMEM ? err : 0;
}

/* ---- contents of tables and maps of maps ------------------------------------------------------------------- */

static int add_holding(struct elfmap_census *census, __u32 outer, __u32 inner)
{
	struct elfmap_holding *grown;

	grown = elfmap_array__grow(census->holdings, census->nr_holdings, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	census->holdings = grown;
	grown[census->nr_holdings++] = (struct elfmap_holding){.outer = outer, .inner = inner};
	return 0;
}

static int add_slot(struct elfmap_census *census, __u32 table, __u32 key, __u32 prog)
{
	struct elfmap_slot *grown;

	grown = elfmap_array__grow(census->slots, census->nr_slots, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	census->slots = grown;
	grown[census->nr_slots++] = (struct elfmap_slot){.table = table, .key = key, .prog = prog};
	return 0;
}

struct table {
	struct elfmap_census *census;
	const struct bpf_map_info *info;
};

static int add_held(void *context, const void *key, __u32 held)
{
	const struct table *table = context;
	__u32 slot;

	if (!elfmap_map__is_prog_array(table->info->type))
		return add_holding(table->census, table->info->id, held);
	memcpy(&slot, key, sizeof(slot));
	return add_slot(table->census, table->info->id, slot, held);
}

/* The keys of an array are known, so that one call a slot is enough. */
static int walk_array(int fd, const struct bpf_map_info *info, int (*each)(void *context, const void *key, __u32 held),
		      void *context)
{
	__u32 held;
	int err = 0;

	for (__u32 slot = 0; !err && slot < info->max_entries; slot++)
		if (!bpf_map_lookup_elem(fd, &slot, &held))
			err = each(context, &slot, held);
	return err;
}

/* A concurrent change may restart the walk; the number of steps is limited. */
static int walk_hash(int fd, const struct bpf_map_info *info, int (*each)(void *context, const void *key, __u32 held),
		     void *context)
{
	char *here = calloc(1, info->key_size), *next = calloc(1, info->key_size);
	int err = here && next ? 0 : -ENOMEM;
	bool first = true;
	__u32 held;

	for (__u32 i = 0; !err && i < info->max_entries && !bpf_map_get_next_key(fd, first ? NULL : here, next); i++) {
		if (!bpf_map_lookup_elem(fd, next, &held))
			err = each(context, next, held);
		memcpy(here, next, info->key_size);
		first = false;
	}
	free(here);
	free(next);
	return err;
}

int elfmap_slots__each(int fd, const struct bpf_map_info *info, int (*each)(void *context, const void *key, __u32 held),
		       void *context)
{
	if (elfmap_map_kind__of(info->type)->has_slots && info->key_size == sizeof(__u32))
		return walk_array(fd, info, each, context);
	return walk_hash(fd, info, each, context);
}

static int read_holder(struct elfmap_census *census, __u32 id)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = elfmap_map__open_id(id), err = 0;

	if (fd < 0)
		return 0;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && info.value_size == 4 && info.key_size &&
	    (elfmap_map__is_prog_array(info.type) || elfmap_map__is_map_in_map(info.type)))
		err = elfmap_slots__each(fd, &info, add_held, &(struct table){census, &info});
	close(fd);
	return err;
}

struct ids {
	__u32 *at;
	size_t nr;
};

static int add_id(struct ids *ids, __u32 id)
{
	__u32 *grown = elfmap_array__grow(ids->at, ids->nr, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	ids->at = grown;
	grown[ids->nr++] = id;
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	__u32 left = *(const __u32 *)a, right = *(const __u32 *)b;

	return (left > right) - (left < right);
}

/* Only maps that a program uses or a pin keeps: to open a map by its id costs more than that (pins/map_id.c). */
static int read_holders(struct elfmap_census *census)
{
	struct ids ids = {};
	int err = 0;

	for (size_t i = 0; !err && i < census->nr_progs; i++)
		for (__u32 map = 0; !err && map < census->progs[i].nr_maps; map++)
			err = add_id(&ids, census->progs[i].maps[map]);
	for (size_t i = 0; !err && i < census->pins.nr; i++)
		if (census->pins.pins[i].kind == ELFMAP_PIN_MAP)
			err = add_id(&ids, census->pins.pins[i].id);
	if (ids.nr)
		qsort(ids.at, ids.nr, sizeof(*ids.at), compare_ids);
	for (size_t i = 0; !err && i < ids.nr; i++)
		if (!i || ids.at[i] != ids.at[i - 1])
			err = read_holder(census, ids.at[i]);
	free(ids.at);
	return err;
}

/* ---- the census ---------------------------------------------------------------------------------- */

int elfmap_census__take(struct elfmap_census *ret_census, struct elfmap_msg *msg)
{
	struct elfmap_census census = {};
	int err;

	err = read_programs(&census);
	err = err ?: elfmap_pins__read_all(&census.pins);
	err = err ?: read_holders(&census);
	if (census.nr_progs && !err) /* hooks that cannot be listed are left out */
		err = elfmap_hooks__list(-1, NULL, NULL, &census.hooks, NULL) == -ENOMEM ? -ENOMEM : 0;
	if (err) {
		elfmap_census__free(&census);
		return elfmap_msg__set(msg, err, "no memory");
	}
	*ret_census = census;
	return 0;
}

int elfmap_census__take_programs(struct elfmap_census *ret_census)
{
	struct elfmap_census census = {};
	int err = read_programs(&census);

	if (err)
		elfmap_census__free(&census);
	else
		*ret_census = census;
	return err;
}

void elfmap_census__free(struct elfmap_census *census)
{
	for (size_t i = 0; i < census->nr_progs; i++)
		free(census->progs[i].maps);
	free(census->progs);
	free(census->hooks.at);
	free(census->slots);
	free(census->holdings);
	elfmap_pins__free(&census->pins);
	*census = (struct elfmap_census){};
}

bool elfmap_program__uses(const struct elfmap_program *prog, __u32 map)
{
	for (__u32 i = 0; i < prog->nr_maps; i++)
		if (prog->maps[i] == map)
			return true;
	return false;
}

bool elfmap_pinned__is_other(const struct elfmap_pinned *pin, __u32 id, const char *path)
{
	struct stat file;

	if (pin->kind != ELFMAP_PIN_MAP || pin->id != id || pin->is_link)
		return false;
	return stat(path, &file) || file.st_dev != pin->dev || file.st_ino != pin->ino;
}

enum elfmap_survival elfmap_census__survival(const struct elfmap_census *census, const struct bpf_map_info *info,
					     const char *path)
{
	for (size_t i = 0; i < census->pins.nr; i++)
		if (elfmap_pinned__is_other(&census->pins.pins[i], info->id, path))
			return ELFMAP_KEPT;
	if (elfmap_map__is_prog_array(info->type))
		return ELFMAP_LOST;
	for (size_t i = 0; i < census->nr_progs; i++)
		if (elfmap_program__uses(&census->progs[i], info->id))
			return ELFMAP_KEPT;
	for (size_t i = 0; i < census->nr_holdings; i++)
		if (census->holdings[i].inner == info->id)
			return ELFMAP_KEPT;
	return census->complete ? ELFMAP_LOST : ELFMAP_UNKNOWN;
}
