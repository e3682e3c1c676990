// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is attached: the same filter twice, and programs whose maps are not the ones that are pinned. */
#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/doctor/doctor.h"
#include "helpers/map/map_facts.h"
#include "map/map.h"

/* ---- duplicates -------------------------------------------------------------------------------------------- */

static bool is_same_filter(const struct elfmap_hook *a, const struct elfmap_hook *b)
{
	return a->kind == b->kind && (a->kind->has & ELFMAP_HOOK_PLACE) && a->direction && *a->name &&
	       a->ifindex == b->ifindex && a->direction == b->direction && a->chain == b->chain &&
	       !strcmp(a->name, b->name);
}

int doctor_duplicates(struct doctor *doctor)
{
	const struct elfmap_hooks *hooks = &doctor->census.hooks;
	char remedy[256];
	int err = 0;

	for (size_t i = 0; !err && i < hooks->nr; i++) {
		const struct elfmap_hook *hook = &hooks->at[i];
		const char *direction = elfmap_hook__direction(hook);
		size_t first = 0;

		while (first < i && !is_same_filter(&hooks->at[first], hook))
			first++;
		if (first == i || !doctor__wants(doctor, hook))
			continue;
		snprintf(remedy, sizeof(remedy), "tc filter del dev %s %s pref %u handle 0x%x bpf", hook->dev,
			 direction, hook->prio, hook->handle);
		err = doctor__find(
			doctor, WARNING, remedy,
			"dev %s %s: %s is attached with pref %u and with pref %u: a packet may meet it twice",
			hook->dev, direction, hook->name, hooks->at[first].prio, hook->prio);
	}
	return err;
}

/* ---- maps that are not the pinned ones --------------------------------------------------------------------- */

/* The pin below tc/globals that has the map's name, as much of it as the kernel keeps. */
static const struct elfmap_pinned *find_namesake(const struct doctor *doctor, const struct bpf_map_info *info)
{
	char globals[PATH_MAX + 16];
	size_t length;

	length = (size_t)snprintf(globals, sizeof(globals), "%s/globals/", doctor->tc_dir);
	for (size_t i = 0; *info->name && i < doctor->census.pins.nr; i++) {
		const struct elfmap_pinned *pin = &doctor->census.pins.pins[i];

		if (pin->kind == ELFMAP_PIN_MAP && !strncmp(pin->path, globals, length) &&
		    !strncmp(pin->path + length, info->name, sizeof(info->name) - 1) &&
		    (strlen(info->name) == sizeof(info->name) - 1 || strlen(pin->path + length) == strlen(info->name)))
			return pin;
	}
	return NULL;
}

/* Where a program is, and the command that puts one there that uses the pinned maps; "": none is known. */
struct place {
	__u32 prog;
	char words[PATH_MAX + 128];
	char remedy[PATH_MAX + 128];
};

static void describe_slot(const struct doctor *doctor, const struct elfmap_slot *slot, struct place *place)
{
	const char *pin = doctor__pin(doctor, slot->table);

	*place = (struct place){.prog = slot->prog};
	snprintf(place->words, sizeof(place->words), "program %u in slot %u of %s", slot->prog, slot->key,
		 pin ? map_pin_word(pin, doctor->tc_dir) : "a PROG_ARRAY");
	if (pin)
		snprintf(place->remedy, sizeof(place->remedy), "elfmap graft %s %u FILE sec NAME",
			 map_pin_word(pin, doctor->tc_dir), slot->key);
}

static void describe_hook(const struct elfmap_hook *hook, struct place *place)
{
	const char *bracket = strstr(hook->name, ":["), *direction = elfmap_hook__direction(hook);

	*place = (struct place){.prog = hook->prog};
	snprintf(place->words, sizeof(place->words), "dev %s %s %s", hook->dev, direction ?: "", hook->name);
	if ((hook->kind->has & ELFMAP_HOOK_PLACE) && direction && bracket)
		snprintf(place->remedy, sizeof(place->remedy),
			 "elfmap attach %.*s sec %.*s dev %s %s prio %u handle 0x%x", (int)(bracket - hook->name),
			 hook->name, (int)strcspn(bracket + 2, "]"), bracket + 2, hook->dev, direction, hook->prio,
			 hook->handle);
}

static int report_split(struct doctor *doctor, const struct place *place, const struct bpf_map_info *info,
			const struct elfmap_pinned *pin)
{
	return doctor__find(doctor, GRAVE, *place->remedy ? place->remedy : NULL,
			    "%s uses map %u called %s, and %s is map %u: what is written to the pin never gets there",
			    place->words, info->id, info->name, map_pin_word(pin->path, doctor->tc_dir), pin->id);
}

static int check_maps(struct doctor *doctor, const struct place *place)
{
	const struct elfmap_program *prog = doctor__program(doctor, place->prog);
	int err = 0;

	for (__u32 i = 0; !err && prog && i < prog->nr_maps; i++) {
		const struct elfmap_pinned *pin;
		struct bpf_map_info info;

		if (doctor__pin(doctor, prog->maps[i]) || !elfmap_map__describe(prog->maps[i], &info))
			continue;
		pin = find_namesake(doctor, &info);
		if (pin)
			err = report_split(doctor, place, &info, pin);
	}
	return err;
}

/* A stage counts once, however many slots it is in. */
static bool is_first(const struct elfmap_census *census, size_t slot)
{
	size_t first = 0;

	while (census->slots[first].prog != census->slots[slot].prog)
		first++;
	return first == slot;
}

int doctor_split(struct doctor *doctor)
{
	const struct elfmap_census *census = &doctor->census;
	struct place place;
	int err = 0;

	for (size_t i = 0; !err && i < census->nr_slots; i++) {
		if (!doctor__runs(doctor, census->slots[i].prog) || !is_first(census, i))
			continue;
		describe_slot(doctor, &census->slots[i], &place);
		err = check_maps(doctor, &place);
	}
	for (size_t i = 0; !err && i < census->hooks.nr; i++) {
		if (!doctor__wants(doctor, &census->hooks.at[i]))
			continue;
		describe_hook(&census->hooks.at[i], &place);
		err = check_maps(doctor, &place);
	}
	return err;
}
