// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Compares running programs with a file: by the noted path, and by the pinned maps. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/path.h"
#include "load/load.h"
#include "load/note.h"
#include "pins/made.h"
#include "pins/pins.h"
#include "upgrade/identity.h"
#include "upgrade/running.h"

struct ids {
	__u32 *at;
	size_t nr;
};

/* Programs of one noted file; without notes those that use the same pinned maps. */
struct group {
	const char *file;  /* "": unknown */
	struct ids pinned; /* maps with a pin that its programs use */
	struct ids shared; /* of these those that the new file asks for */
	bool is_file;	   /* it is the new file itself */
	bool is_chosen;
};

struct choice {
	struct elfmap_candidate *candidates;
	size_t nr;
	size_t *group_of; /* by candidate */
	struct group *groups;
	size_t nr_groups;
	struct ids pins;     /* all pinned maps below tc/, other than those of versions and of one object's directory */
	struct ids declared; /* maps at the pins that the new file asks for */
	size_t nr_asked;     /* pins that it asks for, whether they exist or not */
	char file[PATH_MAX]; /* absolute */
};

/* ---- sets of ids -------------------------------------------------------------------------------------------- */

static bool has(const struct ids *ids, __u32 id)
{
	for (size_t i = 0; i < ids->nr; i++)
		if (ids->at[i] == id)
			return true;
	return false;
}

static int add(struct ids *ids, __u32 id)
{
	__u32 *grown;

	if (has(ids, id))
		return 0;
	grown = elfmap_array__grow(ids->at, ids->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	ids->at = grown;
	grown[ids->nr++] = id;
	return 0;
}

/* Is each id of SUB in IDS? */
static bool contains(const struct ids *ids, const struct ids *sub)
{
	for (size_t i = 0; i < sub->nr; i++)
		if (!has(ids, sub->at[i]))
			return false;
	return true;
}

static bool is_equal(const struct ids *a, const struct ids *b)
{
	return a->nr == b->nr && contains(a, b);
}

/* ---- the new file ------------------------------------------------------------------------------------------- */

/* The name of an object's own directory changes with each version, so that it tells nothing. */
static int read_pins(struct choice *choice, const char *tc_dir)
{
	size_t length = strlen(tc_dir) + 1;
	struct elfmap_pins pins = {};
	int err = elfmap_pins__read(tc_dir, &pins);

	for (size_t i = 0; !err && i < pins.nr; i++) {
		const struct elfmap_pinned *pin = &pins.pins[i];
		const char *place = pin->path + length;

		if (pin->kind == ELFMAP_PIN_MAP && strncmp(place, "generations/", 12) != 0 &&
		    !elfmap_made__is_object_dir(place))
			err = add(&choice->pins, pin->id);
	}
	elfmap_pins__free(&pins);
	return err;
}

/* What FILE asks for; nothing if it is gone or is not an object, which is reported elsewhere. */
static int read_declared(struct choice *choice, const char *file, const char *tc_dir)
{
	const struct elfmap_load_opts opts = {.tc_dir = tc_dir, .is_locked = true};
	struct elfmap_load *load = NULL;
	struct elfmap_msg ignored;
	int err = 0;

	if (elfmap_load__read(file, &opts, &load, &ignored))
		return 0;
	if (!elfmap_load__list(load, &ignored))
		for (size_t i = 0; !err && i < load->nr_maps; i++) {
			const char *path = load->maps[i].pin_path;
			int fd = path ? bpf_obj_get(path) : -1;
			__u32 id = fd >= 0 ? elfmap_map__id(fd) : 0;

			if (path && !elfmap_made__is_object_dir(path + strlen(tc_dir) + 1))
				choice->nr_asked++;
			if (has(&choice->pins, id))
				err = add(&choice->declared, id);
			if (fd >= 0)
				close(fd);
		}
	elfmap_load__free(load);
	return err;
}

/* Also of a file that is gone, if its directory is there. */
static void find_path(const char *file, char path[PATH_MAX])
{
	char directory[PATH_MAX], real[PATH_MAX];

	if (realpath(file, path))
		return;
	snprintf(directory, sizeof(directory), "%.*s.", (int)(elfmap_path__name(file) - file), file);
	if (!realpath(directory, real) ||
	    snprintf(path, PATH_MAX, "%s/%s", strcmp(real, "/") ? real : "", elfmap_path__name(file)) >= PATH_MAX)
		*path = '\0';
}

/* ---- groups ------------------------------------------------------------------------------------------------- */

/* The pinned maps that PROG and its stages use. */
static int read_maps(const struct choice *choice, int prog, struct ids *ret_ids)
{
	struct elfmap_running running = {};
	int err = elfmap_running__add(&running, prog);

	for (size_t i = 0; !err && i < running.nr_maps; i++)
		if (has(&choice->pins, running.maps[i].info.id))
			err = add(ret_ids, running.maps[i].info.id);
	elfmap_running__free(&running);
	return err;
}

static size_t find_group(const struct choice *choice, const char *file, const struct ids *maps)
{
	size_t i = 0;

	while (i < choice->nr_groups && (*file ? strcmp(choice->groups[i].file, file) != 0
					       : *choice->groups[i].file || !is_equal(&choice->groups[i].pinned, maps)))
		i++;
	return i;
}

static int add_to_group(struct choice *choice, size_t nth, const struct ids *maps)
{
	const char *file = choice->candidates[nth].file;
	size_t at = find_group(choice, file, maps);
	struct group *grown;
	int err = 0;

	if (at == choice->nr_groups) {
		grown = elfmap_array__grow(choice->groups, choice->nr_groups, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		choice->groups = grown;
		grown[choice->nr_groups++] = (struct group){.file = file, .is_file = !strcmp(file, choice->file)};
	}
	choice->group_of[nth] = at;
	for (size_t i = 0; !err && i < maps->nr; i++) {
		err = add(&choice->groups[at].pinned, maps->at[i]);
		if (!err && has(&choice->declared, maps->at[i]))
			err = add(&choice->groups[at].shared, maps->at[i]);
	}
	return err;
}

static int make_groups(struct choice *choice)
{
	int err = 0;

	for (size_t i = 0; !err && i < choice->nr; i++) {
		char file[PATH_MAX] = "";
		struct ids maps = {};

		elfmap_note__read(choice->candidates[i].prog, file);
		choice->candidates[i].file = strdup(file);
		err = choice->candidates[i].file ? read_maps(choice, choice->candidates[i].prog, &maps) : -ENOMEM;
		err = err ?: add_to_group(choice, i, &maps);
		free(maps.at);
	}
	return err;
}

/* ---- the choice --------------------------------------------------------------------------------------------- */

/* All pinned maps of the group are asked for by the new file, too. */
static bool fits(const struct group *group)
{
	return group->is_file || (group->shared.nr && group->shared.nr == group->pinned.nr);
}

/* The chosen groups use a map of the new file that GROUP does not use, so that GROUP is another deployment, which has
 * maps of its own. */
static bool is_apart(const struct choice *choice, const struct group *group)
{
	if (!group->shared.nr)
		return true;
	for (size_t i = 0; i < choice->nr_groups; i++)
		if (choice->groups[i].is_chosen && !contains(&group->shared, &choice->groups[i].shared))
			return true;
	return false;
}

/* Each has pinned maps that the other does not know: two deployments that share a table. */
static bool is_other(const struct choice *choice, const struct group *group)
{
	return group->pinned.nr > group->shared.nr && choice->nr_asked > group->shared.nr;
}

/* The only group whose shared maps contain those of all others. NULL: there is none. */
static struct group *find_best(struct choice *choice)
{
	for (size_t i = 0; i < choice->nr_groups; i++) {
		struct group *best = &choice->groups[i];
		bool is_best = best->shared.nr && !is_other(choice, best);

		for (size_t j = 0; is_best && j < choice->nr_groups; j++)
			is_best = i == j || (contains(&best->shared, &choice->groups[j].shared) &&
					     best->shared.nr > choice->groups[j].shared.nr);
		if (is_best)
			return best;
	}
	return NULL;
}

/* 0, or -ENOTUNIQ, or -ENOENT. */
static int choose(struct choice *choice)
{
	bool any = false;

	for (size_t i = 0; i < choice->nr_groups; i++)
		any |= choice->groups[i].is_chosen = fits(&choice->groups[i]);
	if (!any && find_best(choice)) {
		find_best(choice)->is_chosen = true;
		return 0;
	}
	if (!any && choice->nr_groups == 1) { /* by its name alone, unless maps contradict */
		choice->groups[0].is_chosen = !choice->groups[0].pinned.nr || !choice->nr_asked;
		return choice->groups[0].is_chosen ? 0 : -ENOENT;
	}
	for (size_t i = 0; any && i < choice->nr_groups; i++)
		if (!choice->groups[i].is_chosen && !is_apart(choice, &choice->groups[i]))
			any = false;
	return any ? 0 : -ENOTUNIQ;
}

static int refuse(const struct choice *choice, const char *file, int err, struct elfmap_msg *msg)
{
	char list[400] = "";
	size_t length = 0;

	for (size_t i = 0; i < choice->nr && length + 8 < sizeof(list); i++) {
		const struct elfmap_candidate *candidate = &choice->candidates[i];

		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s (%s)", i ? ", " : "",
					   candidate->label, *candidate->file ? candidate->file : "file not noted");
	}
	return elfmap_msg__set(msg, err, "%s: %s; name the hooks: 'elfmap upgrade %s dev %s'",
			       err == -ENOENT ? "what is attached under this name uses other pinned maps"
					      : "several objects of this name are attached",
			       list, file, choice->candidates[0].label);
}

int elfmap_identity__choose(struct elfmap_candidate *candidates, size_t nr, const char *file, const char *tc_dir,
			    struct elfmap_msg *msg)
{
	struct choice choice = {.candidates = candidates, .nr = nr, .group_of = calloc(nr + 1, sizeof(size_t))};
	int err = choice.group_of ? 0 : -ENOMEM;

	find_path(file, choice.file);
	err = err ?: read_pins(&choice, tc_dir);
	err = err ?: read_declared(&choice, file, tc_dir);
	err = err ?: make_groups(&choice);
	if (err) {
		elfmap_msg__set(msg, err, "%s", strerror(-err));
	} else {
		err = choose(&choice);
		if (err)
			refuse(&choice, file, err, msg);
	}
	for (size_t i = 0; !err && i < nr; i++)
		candidates[i].is_chosen = choice.groups[choice.group_of[i]].is_chosen;
	for (size_t i = 0; i < choice.nr_groups; i++) {
		free(choice.groups[i].pinned.at);
		free(choice.groups[i].shared.at);
	}
	free(choice.groups);
	free(choice.group_of);
	free(choice.pins.at);
	free(choice.declared.at);
	return err;
}

void elfmap_candidates__free(struct elfmap_candidate *candidates, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(candidates[i].file);
	free(candidates);
}
