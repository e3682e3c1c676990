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

static bool is_same_filter(const struct elfmap_attachment *a, const struct elfmap_attachment *b)
{
	return a->kind == ELFMAP_AT_FILTER && b->kind == ELFMAP_AT_FILTER && a->direction && b->direction && *a->name &&
	       !strcmp(a->dev, b->dev) && !strcmp(a->direction, b->direction) && a->chain == b->chain &&
	       !strcmp(a->name, b->name);
}

int doctor_duplicates(struct doctor *doctor)
{
	const struct elfmap_attachments *list = &doctor->census.attachments;
	char remedy[256];
	int err = 0;

	for (size_t i = 0; !err && i < list->nr; i++) {
		const struct elfmap_attachment *at = &list->at[i];
		size_t first = 0;

		while (first < i && !is_same_filter(&list->at[first], at))
			first++;
		if (first == i || !doctor__wants(doctor, at))
			continue;
		snprintf(remedy, sizeof(remedy), "tc filter del dev %s %s pref %u handle 0x%x bpf", at->dev,
			 at->direction, at->pref, at->handle);
		err = doctor__find(
			doctor, WARNING, remedy,
			"dev %s %s: %s is attached with pref %u and with pref %u: a packet may meet it twice", at->dev,
			at->direction, at->name, list->at[first].pref, at->pref);
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

/* Where the program is, and the command that puts one there that uses the pinned maps; "": none is known. */
static void describe_place(const struct doctor *doctor, const struct elfmap_attachment *at, char *place, char *remedy,
			   size_t size)
{
	const char *bracket = strstr(at->name, ":["), *pin = NULL;

	*remedy = '\0';
	if (at->kind == ELFMAP_AT_SLOT) {
		pin = doctor__pin(doctor, at->id);
		snprintf(place, size, "program %u in slot %u of %s", at->prog, at->slot,
			 pin ? map_pin_word(pin, doctor->tc_dir) : "a PROG_ARRAY");
		if (pin)
			snprintf(remedy, size, "elfmap graft %s %u FILE sec NAME", map_pin_word(pin, doctor->tc_dir),
				 at->slot);
		return;
	}
	snprintf(place, size, "dev %s %s %s", at->dev, at->direction ?: "", at->name);
	if (at->kind == ELFMAP_AT_FILTER && at->direction && bracket)
		snprintf(remedy, size, "elfmap attach %.*s sec %.*s dev %s %s prio %u handle 0x%x",
			 (int)(bracket - at->name), at->name, (int)strcspn(bracket + 2, "]"), bracket + 2, at->dev,
			 at->direction, at->pref, at->handle);
}

static int report_split(struct doctor *doctor, const struct elfmap_attachment *at, const struct bpf_map_info *info,
			const struct elfmap_pinned *pin)
{
	char place[PATH_MAX + 128], remedy[sizeof(place)];

	describe_place(doctor, at, place, remedy, sizeof(place));
	return doctor__find(doctor, GRAVE, *remedy ? remedy : NULL,
			    "%s uses map %u called %s, and %s is map %u: what is written to the pin never gets there",
			    place, info->id, info->name, map_pin_word(pin->path, doctor->tc_dir), pin->id);
}

static int check_maps(struct doctor *doctor, const struct elfmap_attachment *at)
{
	const struct elfmap_program *prog = doctor__program(doctor, at->prog);
	int err = 0;

	for (__u32 i = 0; !err && prog && i < prog->nr_maps; i++) {
		const struct elfmap_pinned *pin;
		struct bpf_map_info info;

		if (doctor__pin(doctor, prog->maps[i]) || !elfmap_map__describe(prog->maps[i], &info))
			continue;
		pin = find_namesake(doctor, &info);
		if (pin)
			err = report_split(doctor, at, &info, pin);
	}
	return err;
}

/* A stage counts once, however many slots it is in. */
static bool is_first(const struct elfmap_attachments *list, size_t slot)
{
	size_t first = 0;

	while (list->at[first].kind != ELFMAP_AT_SLOT || list->at[first].prog != list->at[slot].prog)
		first++;
	return first == slot;
}

int doctor_split(struct doctor *doctor)
{
	const struct elfmap_attachments *list = &doctor->census.attachments;
	int err = 0;

	for (size_t i = 0; !err && i < list->nr; i++) {
		const struct elfmap_attachment *at = &list->at[i];

		if (at->kind == ELFMAP_AT_SLOT ? doctor__runs(doctor, at->prog) && is_first(list, i)
					       : at->kind != ELFMAP_AT_LINK && doctor__wants(doctor, at))
			err = check_maps(doctor, at);
	}
	return err;
}
