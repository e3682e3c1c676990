// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is pinned: full maps, entries of removed devices and cgroups, leftovers of interrupted commands. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/netns.h"
#include "helpers/doctor/doctor.h"
#include "helpers/map/map_facts.h"
#include "kinds/maps.h"
#include "map/cgroup_slots.h"
#include "map/device_names.h"
#include "pins/made.h"
#include "pins/pin_change.h"

#define NEARLY_FULL 90 /* percent */

/* A pinned map below tc/ that is in scope; the first pin of each map. */
static bool is_next(const struct doctor *doctor, const struct elfmap_pinned *pin)
{
	return pin->kind == ELFMAP_PIN_MAP && !pin->is_link &&
	       !strncmp(pin->path, doctor->tc_dir, strlen(doctor->tc_dir)) && !strstr(pin->path, "/generations/") &&
	       doctor__wants_map(doctor, pin->id);
}

static int for_each_map(struct doctor *doctor, int (*check)(struct doctor *doctor, const char *path, const char *word))
{
	const struct elfmap_pins *pins = &doctor->census.pins;
	int err = 0;

	for (size_t i = 0; !err && i < pins->nr; i++)
		if (is_next(doctor, &pins->pins[i]))
			err = check(doctor, pins->pins[i].path, map_pin_word(pins->pins[i].path, doctor->tc_dir));
	return err;
}

/* ---- full maps --------------------------------------------------------------------------------------------- */

static int check_full(struct doctor *doctor, const char *path, const char *word)
{
	char remedy[PATH_MAX + 64];
	struct map_facts facts;
	struct elfmap_msg msg;
	int err = 0;

	if (map_facts__read(path, &doctor->census, &facts, &msg))
		return 0; /* removed meanwhile */
	if (elfmap_map_kind__of(facts.info.type)->can_be_full && facts.entries >= 0 && facts.info.max_entries > 1 &&
	    facts.entries * 100 >= (__s64)facts.info.max_entries * NEARLY_FULL) {
		bool full = facts.entries >= facts.info.max_entries;

		snprintf(remedy, sizeof(remedy), "elfmap map resize %s %llu", word, 2ull * facts.info.max_entries);
		err = doctor__find(doctor, full ? GRAVE : WARNING, remedy, "%s has %lld of %u entries%s", word,
				   (long long)facts.entries, facts.info.max_entries,
				   full ? ": new ones are refused" : "");
	}
	map_facts__free(&facts);
	return err;
}

int doctor_full(struct doctor *doctor)
{
	return for_each_map(doctor, check_full);
}

/* ---- devices ----------------------------------------------------------------------------------------------- */

static int report_devices(struct doctor *doctor, const struct elfmap_device_check *check, const char *word)
{
	size_t gone = 0, renumbered = 0;
	char remedy[PATH_MAX + 64];
	const char *name = "";

	for (size_t i = 0; i < check->nr_findings; i++) {
		gone += check->findings[i].state == ELFMAP_DEVICE_GONE;
		renumbered += check->findings[i].state == ELFMAP_DEVICE_RENUMBERED;
		if (check->findings[i].state == ELFMAP_DEVICE_GONE ||
		    check->findings[i].state == ELFMAP_DEVICE_RENUMBERED)
			name = check->findings[i].name;
	}
	if (!gone && !renumbered)
		return 0;
	snprintf(remedy, sizeof(remedy), "elfmap map check %s%s", word, renumbered ? " --fix" : "");
	return doctor__find(doctor, GRAVE, remedy,
			    "%s has %zu numbers of removed devices and %zu of devices whose number has changed%s%s: "
			    "packets for them are lost",
			    word, gone, renumbered, *name ? ", such as " : "", name);
}

static int check_devices(struct doctor *doctor, const char *path, const char *word)
{
	struct elfmap_device_names names = {.fd = -1};
	struct elfmap_reader map = {.fd = -1};
	struct elfmap_device_check check = {};
	struct elfmap_msg msg;
	int err = 0;

	if (elfmap_reader__open(path, &map, &msg))
		return 0; /* its entries cannot be read */
	if (elfmap_map__has_devices(&map) && !elfmap_device_names__open(path, &map, &names, &msg)) {
		if (!elfmap_device_check__run(&map, &names, &check, &msg))
			err = report_devices(doctor, &check, word);
		elfmap_device_check__free(&check);
		elfmap_device_names__close(&names);
	}
	elfmap_reader__close(&map);
	return err;
}

int doctor_devices(struct doctor *doctor)
{
	return for_each_map(doctor, check_devices);
}

/* ---- cgroups ----------------------------------------------------------------------------------------------- */

static int check_cgroups(struct doctor *doctor, const char *path, const char *word)
{
	struct elfmap_cgroup_slots slots;
	struct elfmap_cgroup_slot slot;
	char remedy[PATH_MAX + 64];
	struct bpf_map_info info;
	struct elfmap_msg msg;
	size_t gone = 0;
	int fd;

	if (elfmap_map__open(path, &fd, &info, &msg))
		return 0;
	close(fd);
	if (elfmap_map_kind__of(info.type)->value != ELFMAP_VALUE_CGROUP ||
	    elfmap_cgroup_slots__open(path, &slots, &msg))
		return 0;
	for (__u32 i = 0; i < slots.count; i++)
		gone += !elfmap_cgroup_slots__read(&slots, i, &slot, &msg) && slot.state == CGROUP_SLOT_GONE;
	elfmap_cgroup_slots__close(&slots);
	if (!gone)
		return 0;
	snprintf(remedy, sizeof(remedy), "elfmap cgroup prune %s", word);
	return doctor__find(doctor, WARNING, remedy, "%s has %zu cgroups that have been removed: they match no packet",
			    word, gone);
}

int doctor_cgroups(struct doctor *doctor)
{
	return for_each_map(doctor, check_cgroups);
}

/* ---- leftovers --------------------------------------------------------------------------------------------- */

static bool is_used(const struct doctor *doctor, __u32 map)
{
	for (size_t i = 0; i < doctor->census.nr_progs; i++)
		if (elfmap_program__uses(&doctor->census.progs[i], map))
			return true;
	for (size_t i = 0; i < doctor->census.nr_holdings; i++)
		if (doctor->census.holdings[i].inner == map)
			return true;
	return false;
}

/* tc/SHA1 of an object that has been rebuilt since: nothing else removes it. */
static int check_object_dir(struct doctor *doctor, const char *below, const char *name)
{
	const struct elfmap_pins *pins = &doctor->census.pins;
	char dir[PATH_MAX], remedy[PATH_MAX + 16];
	size_t length, nr = 0;

	if (!elfmap_made__is_object_dir(name) || snprintf(dir, sizeof(dir), "%s/%s/", below, name) >= (int)sizeof(dir))
		return 0;
	length = strlen(dir);
	for (size_t i = 0; i < pins->nr; i++) {
		if (strncmp(pins->pins[i].path, dir, length) != 0)
			continue;
		if (pins->pins[i].kind != ELFMAP_PIN_MAP || is_used(doctor, pins->pins[i].id))
			return 0;
		nr++;
	}
	snprintf(remedy, sizeof(remedy), "rm -r %s", dir);
	return doctor__find(doctor, WARNING, remedy, "%s has %zu maps of an object that has no programs any more", dir,
			    nr);
}

/* Calls CHECK for what is in the directory BELOW. */
static int for_each_name(struct doctor *doctor, const char *below,
			 int (*check)(struct doctor *doctor, const char *below, const char *name))
{
	const struct dirent *entry;
	DIR *directory;
	int err = 0;

	directory = opendir(below);
	while (!err && directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			err = check(doctor, below, entry->d_name);
	if (directory)
		closedir(directory);
	return err;
}

/* The start of a command for network namespace NUMBER: "elfmap -n blue". */
static void name_command(const char *number, char *command, size_t size)
{
	unsigned long netns = strtoul(number, NULL, 10), ours = 0;
	char name[NAME_MAX + 1];

	elfmap_netns__number(&ours, NULL);
	if (netns != ours && elfmap_netns__name(netns, name, sizeof(name)))
		snprintf(command, size, "elfmap -n %s", name);
	else
		snprintf(command, size, "elfmap");
}

/* A killed upgrade: BELOW is generations/OBJECT, NAME the number of a network namespace. */
static int check_generation(struct doctor *doctor, const char *below, const char *name)
{
	char next[PATH_MAX], old[PATH_MAX], file[NAME_MAX + 1], command[NAME_MAX + 16], remedy[2 * NAME_MAX + 64];

	if (snprintf(next, sizeof(next), "%s/%s/next", below, name) >= (int)sizeof(next) ||
	    snprintf(old, sizeof(old), "%s/%s/old", below, name) >= (int)sizeof(old) ||
	    (access(next, F_OK) && access(old, F_OK)))
		return 0;
	snprintf(file, sizeof(file), "%s", strrchr(below, '/') + 1);
	elfmap_pin_name__unescape(file);
	name_command(name, command, sizeof(command));
	snprintf(remedy, sizeof(remedy), "%s upgrade %s", command, file);
	return doctor__find(doctor, WARNING, remedy, "an upgrade of %s was interrupted: %s/%s", file, below, name);
}

static int check_generations(struct doctor *doctor, const char *below, const char *name)
{
	char dir[PATH_MAX];

	return snprintf(dir, sizeof(dir), "%s/%s", below, name) < PATH_MAX
		       ? for_each_name(doctor, dir, check_generation)
		       : 0;
}

/* A map whose `elfmap apply` was killed after pinning it and before filling it. */
static int check_filling(struct doctor *doctor, const char *below, const char *name)
{
	char mark[PATH_MAX], pin[NAME_MAX + 1], remedy[PATH_MAX + 16];

	if (snprintf(mark, sizeof(mark), "%s/%s", below, name) >= (int)sizeof(mark))
		return 0;
	snprintf(pin, sizeof(pin), "%s", name);
	elfmap_pin_name__unescape(pin);
	snprintf(remedy, sizeof(remedy), "rmdir %s", mark);
	return doctor__find(doctor, WARNING, remedy,
			    "'elfmap apply' was interrupted, and %s may lack entries; run the same 'elfmap apply' "
			    "again to add them, "
			    "or keep the map as it is",
			    *pin == '/' ? pin + 1 : pin);
}

/* Only the pin is left of a link whose device has been removed. */
static int check_links(struct doctor *doctor)
{
	const struct elfmap_pins *pins = &doctor->census.pins;
	char remedy[PATH_MAX + 16];
	int err = 0;

	for (size_t i = 0; !err && i < pins->nr; i++) {
		if (pins->pins[i].kind != ELFMAP_PIN_LINK || !elfmap_hook__is_orphan(pins->pins[i].path))
			continue;
		snprintf(remedy, sizeof(remedy), "rm %s", pins->pins[i].path);
		err = doctor__find(doctor, WARNING, remedy, "%s is a link of a device that has been removed",
				   pins->pins[i].path);
	}
	return err;
}

int doctor_leftovers(struct doctor *doctor)
{
	char generations[PATH_MAX + 16], filling[PATH_MAX + 16];

	if (doctor->dev)
		return 0;
	snprintf(generations, sizeof(generations), "%s/generations", doctor->tc_dir);
	snprintf(filling, sizeof(filling), "%s/filling", doctor->tc_dir);
	return for_each_name(doctor, doctor->tc_dir, check_object_dir)
		?: for_each_name(doctor, generations, check_generations)
		?: for_each_name(doctor, filling, check_filling) ?: check_links(doctor);
}
