// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds users of a map that are not part of a change. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/pause.h"
#include "hook/map_users.h"
#include "hook/references.h"
#include "load/note.h"
#include "upgrade/split.h"

static const struct elfmap_program *find_program(const struct elfmap_census *census, __u32 map,
						 const struct elfmap_running *party)
{
	for (size_t i = 0; i < census->nr_progs; i++)
		if (elfmap_program__uses(&census->progs[i], map) &&
		    !elfmap_running__has_prog(party, census->progs[i].id))
			return &census->progs[i];
	return NULL;
}

/* Where a program is, and what removes it from there. */
struct place {
	char text[PATH_MAX];   /* "at v0 egress" */
	char remedy[PATH_MAX]; /* a clause for the message */
};

static bool find_hook(const struct elfmap_census *census, __u32 prog, const char *file, const char *noted,
		      struct place *place)
{
	char hook[128];

	for (size_t i = 0; i < census->hooks.nr; i++) {
		if (census->hooks.at[i].prog != prog)
			continue;
		elfmap_hook__write(&census->hooks.at[i], false, hook, sizeof(hook));
		snprintf(place->text, sizeof(place->text), "at %s", hook);
		if (*noted)
			snprintf(place->remedy, sizeof(place->remedy), "upgrade both: 'elfmap upgrade %s %.1000s'",
				 file, noted);
		else
			snprintf(place->remedy, sizeof(place->remedy), "detach it first");
		return true;
	}
	return false;
}

static bool find_slot(const struct elfmap_census *census, __u32 prog, struct place *place)
{
	for (size_t i = 0; i < census->nr_slots; i++) {
		if (census->slots[i].prog != prog)
			continue;
		snprintf(place->text, sizeof(place->text), "in slot %u of map %u", census->slots[i].key,
			 census->slots[i].table);
		snprintf(place->remedy, sizeof(place->remedy), "empty the slot first");
		return true;
	}
	return false;
}

static bool find_pin(const struct elfmap_census *census, __u32 prog, struct place *place)
{
	for (size_t i = 0; i < census->pins.nr; i++) {
		const struct elfmap_pinned *pin = &census->pins.pins[i];

		if (pin->kind != ELFMAP_PIN_PROG || pin->id != prog)
			continue;
		snprintf(place->text, sizeof(place->text), "pinned at %s", pin->path);
		snprintf(place->remedy, sizeof(place->remedy), "remove the pin first: 'rm %.1000s'", pin->path);
		return true;
	}
	return false;
}

static int refuse_program(const struct elfmap_census *census, const struct elfmap_program *prog, const char *name,
			  const char *file, struct elfmap_msg *msg)
{
	int fd = bpf_prog_get_fd_by_id(prog->id);
	char noted[PATH_MAX] = "";
	struct place place;

	if (fd >= 0) {
		elfmap_note__read(fd, noted);
		close(fd);
	}
	if (!find_hook(census, prog->id, file, noted, &place) && !find_slot(census, prog->id, &place) &&
	    !find_pin(census, prog->id, &place)) {
		snprintf(place.text, sizeof(place.text), "in another network namespace, or held by a process");
		snprintf(place.remedy, sizeof(place.remedy), "detach it there first");
	}
	return elfmap_msg__set(
		msg, -EBUSY,
		"map '%s' is to be made anew, and program %u %.16s %.200s%s%.200s would go on with the old "
		"one; %.500s",
		name, prog->id, prog->name, place.text, *noted ? ", from " : "", noted, place.remedy);
}

/* *RET_PROG: the program that is in the way; 0: it is something else. */
static int look(__u32 id, const char *name, const char *file, const struct elfmap_running *party, __u32 *ret_prog,
		struct elfmap_msg *msg)
{
	struct elfmap_census census = {};
	const struct elfmap_program *prog;
	int err = elfmap_census__take(&census, msg);

	*ret_prog = 0;
	if (err)
		return err;
	prog = find_program(&census, id, party);
	if (!census.complete)
		err = elfmap_msg__set(
			msg, -EPERM,
			"map '%s' is to be made anew, and it cannot be seen whether other programs use it; "
			"run it as root",
			name);
	else if (prog)
		err = refuse_program(&census, prog, name, file, msg);
	if (prog)
		*ret_prog = prog->id;
	for (size_t i = 0; !err && i < census.nr_holdings; i++)
		if (census.holdings[i].inner == id)
			err = elfmap_msg__set(
				msg, -EBUSY,
				"map '%s' is to be made anew, and map %u, which holds it in a slot, would "
				"keep the old one",
				name, census.holdings[i].outer);
	elfmap_census__free(&census);
	return err;
}

/* Is program ID freed shortly? */
static bool vanishes(__u32 id)
{
	int pauses = 0, fd;

	do {
		fd = bpf_prog_get_fd_by_id(id);
		if (fd < 0)
			return true;
		close(fd);
	} while (elfmap_pause(&pauses));
	return false;
}

int elfmap_split__check(__u32 id, const char *name, const char *file, const struct elfmap_running *party,
			struct elfmap_msg *msg)
{
	char process[16];
	__u32 prog;
	int pid, err;

	do
		err = look(id, name, file, party, &prog, msg);
	while (err == -EBUSY && prog && vanishes(prog));
	if (!err && elfmap_process__has_map(id, &pid, process))
		err = elfmap_msg__set(msg, -EBUSY,
				      "map '%s' is to be made anew, and process %d (%s) has the old one open; end it "
				      "first, and start it again afterwards",
				      name, pid, process);
	return err;
}
