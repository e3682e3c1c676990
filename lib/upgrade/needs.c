// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Marks what is needed. Reference counts are read before and after the census: what has gone in between counts as a
 * user. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "pins/made.h"
#include "upgrade/needs.h"

/* ---- units ------------------------------------------------------------------------------------------------------- */

static bool starts_with(const char *path, const char *start)
{
	return !strncmp(path, start, strlen(start));
}

/* tc/generations/OBJECT/NETNS/VERSION/..., where only the last folders are known: VERSION has entries or maps. */
static struct elfmap_unit find_version(const char *path, const char *below)
{
	const char *end = strstr(below, "/entries/"), *maps = strstr(below, "/maps/"), *start;

	end = !end || (maps && maps < end) ? maps : end;
	if (!end)
		return (struct elfmap_unit){};
	for (start = end; start > below && start[-1] != '/'; start--)
		;
	if (end - start > 5 && !strncmp(end - 5, "~gone", 5))
		return (struct elfmap_unit){.kind = ELFMAP_UNIT_GONE, .length = (size_t)(end - path)};
	if (start - below >= 8 && !strncmp(start - 8, "retired/", 8))
		return (struct elfmap_unit){.kind = ELFMAP_UNIT_RETIRED, .length = (size_t)(end - path)};
	return (struct elfmap_unit){.kind = ELFMAP_UNIT_DEPLOYMENT, .length = (size_t)(start - path)};
}

static struct elfmap_unit find_unit(const char *tc_dir, const struct elfmap_pinned *pin)
{
	const char *path = pin->path, *below = path + strlen(tc_dir) + 1, *name;

	if (!starts_with(path, tc_dir) || path[strlen(tc_dir)] != '/' || pin->is_link)
		return (struct elfmap_unit){};
	if (starts_with(below, "generations/"))
		return find_version(path, below + strlen("generations/"));
	if (starts_with(below, "links/") && pin->kind == ELFMAP_PIN_LINK && elfmap_hook__is_orphan(path))
		return (struct elfmap_unit){.kind = ELFMAP_UNIT_LINK, .length = strlen(path)};
	name = strrchr(below, '/');
	if (!name || !elfmap_made__has(tc_dir, path, pin->id))
		return (struct elfmap_unit){};
	if (starts_with(below, "progs/") && pin->kind == ELFMAP_PIN_PROG)
		return (struct elfmap_unit){.kind = ELFMAP_UNIT_PROGS, .length = (size_t)(name - path)};
	if (pin->kind == ELFMAP_PIN_MAP && name == strchr(below, '/') && elfmap_made__is_object_dir(below))
		return (struct elfmap_unit){.kind = ELFMAP_UNIT_OBJECT, .length = (size_t)(name - path)};
	return (struct elfmap_unit){};
}

/* ---- marks ------------------------------------------------------------------------------------------------------- */

bool elfmap_needs__map(const struct elfmap_needs *needs, __u32 id)
{
	for (size_t i = 0; i < needs->nr_maps; i++)
		if (needs->maps[i] == id)
			return true;
	return false;
}

bool elfmap_needs__prog(const struct elfmap_needs *needs, __u32 id)
{
	for (size_t i = 0; i < needs->census.nr_progs; i++)
		if (needs->census.progs[i].id == id)
			return needs->progs[i];
	return false;
}

/* 1: it was not marked before. */
static int mark_map(struct elfmap_needs *needs, __u32 id)
{
	__u32 *grown;

	if (elfmap_needs__map(needs, id))
		return 0;
	grown = elfmap_array__grow(needs->maps, needs->nr_maps, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	needs->maps = grown;
	grown[needs->nr_maps++] = id;
	return 1;
}

static int mark_maps_of(struct elfmap_needs *needs, const struct elfmap_program *prog)
{
	int marked = 0, err;

	for (__u32 i = 0; i < prog->nr_maps; i++) {
		err = mark_map(needs, prog->maps[i]);
		if (err < 0)
			return err;
		marked |= err;
	}
	return marked;
}

static bool mark_prog(struct elfmap_needs *needs, __u32 id)
{
	for (size_t i = 0; i < needs->census.nr_progs; i++)
		if (needs->census.progs[i].id == id && !needs->progs[i])
			return needs->progs[i] = true;
	return false;
}

/* From programs to their maps, and from maps to what is in their slots. 1: something was marked. */
static int spread(struct elfmap_needs *needs)
{
	const struct elfmap_census *census = &needs->census;
	int marked = 0, err;

	for (size_t i = 0; i < census->nr_progs; i++) {
		err = needs->progs[i] ? mark_maps_of(needs, &census->progs[i]) : 0;
		if (err < 0)
			return err;
		marked |= err;
	}
	for (size_t i = 0; i < census->nr_slots; i++)
		if (elfmap_needs__map(needs, census->slots[i].table))
			marked |= mark_prog(needs, census->slots[i].prog);
	for (size_t i = 0; i < census->nr_holdings; i++) {
		err = elfmap_needs__map(needs, census->holdings[i].outer) ? mark_map(needs, census->holdings[i].inner)
									  : 0;
		if (err < 0)
			return err;
		marked |= err;
	}
	return marked;
}

/* ---- where marks start ------------------------------------------------------------------------------------------ */

/* The references to a program that are neither pins nor slots: hooks and descriptors. */
static __s64 count_prog_users(const struct elfmap_census *census, __u32 id, __s64 count)
{
	for (size_t i = 0; i < census->pins.nr; i++)
		count -= census->pins.pins[i].kind == ELFMAP_PIN_PROG && census->pins.pins[i].id == id &&
			 !census->pins.pins[i].is_link;
	for (size_t i = 0; i < census->nr_slots; i++)
		count -= census->slots[i].prog == id;
	return count;
}

/* The references to a map that are neither pins nor programs nor maps of maps: descriptors. */
static __s64 count_map_users(const struct elfmap_census *census, __u32 id, __s64 count)
{
	for (size_t i = 0; i < census->pins.nr; i++)
		count -= census->pins.pins[i].kind == ELFMAP_PIN_MAP && census->pins.pins[i].id == id &&
			 !census->pins.pins[i].is_link;
	for (size_t i = 0; i < census->nr_progs; i++)
		count -= elfmap_program__uses(&census->progs[i], id);
	for (size_t i = 0; i < census->nr_holdings; i++)
		count -= census->holdings[i].inner == id;
	return count;
}

static int mark_pin(struct elfmap_needs *needs, size_t index, const struct elfmap_references *before,
		    const struct elfmap_references *after)
{
	const struct elfmap_pinned *pin = &needs->census.pins.pins[index];
	char name[16];
	int pid;

	if (pin->kind != ELFMAP_PIN_MAP || elfmap_needs__map(needs, pin->id))
		return 0;
	if (!needs->units[index].kind)
		return mark_map(needs, pin->id);
	if (needs->is_blind
		    ? elfmap_process__has_map(pin->id, &pid, name)
		    : count_map_users(&needs->census, pin->id, elfmap_references__of_map(before, pin->id)) > 0 ||
			      count_map_users(&needs->census, pin->id, elfmap_references__of_map(after, pin->id)) > 0)
		return mark_map(needs, pin->id);
	return 0;
}

static int mark_first(struct elfmap_needs *needs, const struct elfmap_references *before,
		      const struct elfmap_references *after)
{
	const struct elfmap_census *census = &needs->census;
	int err = 0;

	for (size_t i = 0; i < census->nr_progs; i++) {
		__u32 id = census->progs[i].id;

		needs->progs[i] = needs->is_blind ||
				  count_prog_users(census, id, elfmap_references__of_prog(before, id)) > 0 ||
				  count_prog_users(census, id, elfmap_references__of_prog(after, id)) > 0;
	}
	for (size_t i = 0; i < census->hooks.nr; i++)
		mark_prog(needs, census->hooks.at[i].prog);
	for (size_t i = 0; err >= 0 && i < census->pins.nr; i++) {
		if (census->pins.pins[i].kind == ELFMAP_PIN_PROG && !needs->units[i].kind)
			mark_prog(needs, census->pins.pins[i].id);
		err = mark_pin(needs, i, before, after);
	}
	return err < 0 ? err : 0;
}

/* A unit is needed as a whole: a deployment with its previous version, for the programs that are attached; an object's
 * directory for any of its maps. A pin of a map outside of the units says nothing of the programs of a version. */
static void mark_units(struct elfmap_needs *needs)
{
	const struct elfmap_pins *pins = &needs->census.pins;

	for (size_t i = 0; i < pins->nr; i++) {
		const struct elfmap_unit *unit = &needs->units[i];
		bool is_needed = pins->pins[i].kind == ELFMAP_PIN_PROG ? elfmap_needs__prog(needs, pins->pins[i].id)
				 : unit->kind == ELFMAP_UNIT_OBJECT    ? elfmap_needs__map(needs, pins->pins[i].id)
								       : false;

		if (!is_needed || unit->kind == ELFMAP_UNIT_GONE || unit->kind == ELFMAP_UNIT_RETIRED)
			continue;
		for (size_t k = 0; k < pins->nr; k++)
			if (needs->units[k].kind == unit->kind && needs->units[k].length == unit->length &&
			    !strncmp(pins->pins[k].path, pins->pins[i].path, unit->length))
				needs->units[k].is_needed = true;
	}
}

/* ---- all ------------------------------------------------------------------------------------------------------- */

static int mark(struct elfmap_needs *needs, const char *tc_dir, const struct elfmap_references *before,
		const struct elfmap_references *after)
{
	int err;

	needs->progs = calloc(needs->census.nr_progs + 1, sizeof(*needs->progs));
	needs->units = calloc(needs->census.pins.nr + 1, sizeof(*needs->units));
	if (!needs->progs || !needs->units)
		return -ENOMEM;
	for (size_t i = 0; i < needs->census.pins.nr; i++)
		needs->units[i] = find_unit(tc_dir, &needs->census.pins.pins[i]);
	err = mark_first(needs, before, after);
	while (!err && (err = spread(needs)) > 0)
		err = 0;
	if (!err)
		mark_units(needs);
	return err;
}

int elfmap_needs__read(struct elfmap_needs *ret_needs, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_references before = {}, after = {};
	struct elfmap_needs needs = {};
	int err;

	needs.is_blind = elfmap_references__read(&before) != 0;
	err = elfmap_census__take(&needs.census, msg);
	needs.is_blind = needs.is_blind || elfmap_references__read(&after);
	if (!err && !needs.census.complete)
		err = elfmap_msg__set(msg, -EPERM, "programs and maps cannot be listed; run it as root");
	if (!err) {
		err = mark(&needs, tc_dir, &before, &after);
		if (err)
			elfmap_msg__set(msg, err, "no memory");
	}
	elfmap_references__free(&before);
	elfmap_references__free(&after);
	if (err)
		elfmap_needs__free(&needs);
	else
		*ret_needs = needs;
	return err;
}

void elfmap_needs__free(struct elfmap_needs *needs)
{
	elfmap_census__free(&needs->census);
	free(needs->units);
	free(needs->progs);
	free(needs->maps);
	*needs = (struct elfmap_needs){};
}

bool elfmap_needs__unit(const struct elfmap_needs *needs, size_t index)
{
	return needs->units[index].is_needed;
}

const char *elfmap_needs__outside_pin(const struct elfmap_needs *needs, __u32 id)
{
	const struct elfmap_pins *pins = &needs->census.pins;

	for (size_t i = 0; i < pins->nr; i++)
		if (pins->pins[i].kind == ELFMAP_PIN_MAP && pins->pins[i].id == id && !pins->pins[i].is_link &&
		    !needs->units[i].kind)
			return pins->pins[i].path;
	return NULL;
}

bool elfmap_needs__has_pins(const struct elfmap_needs *needs, const char *dir)
{
	const struct elfmap_pins *pins = &needs->census.pins;
	size_t length = strlen(dir);

	for (size_t i = 0; i < pins->nr; i++)
		if (!strncmp(pins->pins[i].path, dir, length) && pins->pins[i].path[length] == '/')
			return true;
	return false;
}

bool elfmap_needs__deployment(const struct elfmap_needs *needs, const char *dir)
{
	const struct elfmap_pins *pins = &needs->census.pins;
	size_t length = strlen(dir);

	for (size_t i = 0; i < pins->nr; i++) {
		const struct elfmap_unit *unit = &needs->units[i];

		if (unit->is_needed && unit->length == length + 1 && unit->kind == ELFMAP_UNIT_DEPLOYMENT &&
		    !strncmp(pins->pins[i].path, dir, length))
			return true;
	}
	return false;
}
