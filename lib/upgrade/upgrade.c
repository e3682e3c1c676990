// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* upgrade: the order of its steps, chosen so that it can be undone or finished after a failure or a kill at any step.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/netns.h"
#include "base/path.h"
#include "kinds/maps.h"
#include "load/load.h"
#include "pins/pin_change.h"
#include "upgrade/carry.h"
#include "upgrade/groups.h"
#include "upgrade/object_dir.h"
#include "upgrade/split.h"
#include "upgrade/upgrade.h"

struct change {
	const char *file;
	const char *tc_dir;
	const struct elfmap_upgrade_opts *opts;
	enum elfmap_merge merge;
	char root[PATH_MAX / 2]; /* the bpf file system */
	char dir[PATH_MAX / 2];	 /* tc/generations/OBJECT/NETNS */
	char retired[PATH_MAX];	 /* tc/generations/OBJECT/retired */
	const char *object;	 /* as in the names of the filters */
	unsigned long netns;
	int lock; /* of the first change; -1 */
	bool is_staged, is_switched, is_published;
	struct change *first;	  /* of several changes that are made together */
	struct elfmap_load *load; /* of the first group; NULL: rollback */
	struct elfmap_version next;
	struct elfmap_version old;
	struct elfmap_version usual; /* maps at the usual pins, which may belong to another namespace */
	struct elfmap_carries carries;
	struct elfmap_groups groups;
	struct elfmap_upgrade *result;
	struct elfmap_msg *msg;
};

/* ---- paths ------------------------------------------------------------------------------------ */

static void path_of(const struct change *change, const char *version, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/%s", change->dir, version);
}

static int set_dir(struct change *change, const char *name)
{
	if (snprintf(change->dir, sizeof(change->dir), "%s/generations/%s/%lu", change->tc_dir, name, change->netns) >=
	    (int)sizeof(change->dir))
		return elfmap_msg__set(change->msg, -ENAMETOOLONG, "the path of its versions is too long");
	snprintf(change->retired, sizeof(change->retired), "%s/generations/%s/retired", change->tc_dir, name);
	return 0;
}

static int find_paths(struct change *change)
{
	char name[NAME_MAX + 1];
	char *slash;
	int err;

	err = elfmap_netns__number(&change->netns, change->msg);
	if (err)
		return err;
	change->object = elfmap_path__name(change->file);
	if (elfmap_pin_name__escape(change->object, name, sizeof(name)))
		return elfmap_msg__set(change->msg, -ENAMETOOLONG, "the path of its versions is too long");
	snprintf(change->root, sizeof(change->root), "%s", change->tc_dir);
	slash = strrchr(change->root, '/');
	if (slash)
		*slash = '\0';
	return set_dir(change, name);
}

bool elfmap_upgrade__was_interrupted(const char *file, const char *tc_dir)
{
	struct change change = {.file = file, .tc_dir = tc_dir};
	char escaped[NAME_MAX + 1], name[NAME_MAX + 1], old[PATH_MAX], next[PATH_MAX];
	bool was = false;

	if (find_paths(&change) || elfmap_pin_name__escape(change.object, escaped, sizeof(escaped)))
		return false;
	for (unsigned int nth = 1; !was && elfmap_deployment__name_dir(escaped, nth, name); nth++) {
		if (set_dir(&change, name))
			return false;
		path_of(&change, "old", old);
		path_of(&change, "next", next);
		was = !access(old, F_OK) || !access(next, F_OK);
		if (nth > 1 && access(change.dir, F_OK))
			break;
	}
	return was;
}

static int place_change(struct change *change)
{
	int err = find_paths(change);

	if (err)
		return err;
	if (access(change->tc_dir, F_OK))
		return elfmap_msg__set(change->msg, -ENOENT,
				       "it is not attached here: %s does not exist; 'elfmap attach' attaches it",
				       change->tc_dir);
	return change->first == change ? elfmap_pin__lock(change->dir, &change->lock, change->msg) : 0;
}

/* ---- the old version: what is attached -------------------------------------------------------------------- */

/* Another hook with the same section may have another program. */
static int describe_entry(const struct elfmap_deployed *deployed, struct elfmap_version *version)
{
	int entry = elfmap_version__find(version, deployed->section), prog, err;
	char name[ELFMAP_DEPLOYED_NAME];

	if (entry >= 0 && elfmap_program__id(entry) == deployed->before)
		return 0;
	prog = bpf_prog_get_fd_by_id(deployed->before);
	if (prog < 0)
		return prog;
	elfmap_deployed__name(deployed, name);
	err = entry < 0 ? elfmap_version__add_entry(version, deployed->section, prog)
			: elfmap_version__add_hook(version, name, prog);
	close(prog);
	return err;
}

static int describe_entries(const struct elfmap_deployment *deployment, struct elfmap_version *version)
{
	int err = 0;

	for (size_t i = 0; !err && i < deployment->nr; i++)
		err = describe_entry(&deployment->at[i], version);
	return err;
}

/* Opens the map at its usual pin; a map without one is pinned by the upgrade that made it. -ENOENT */
static int open_usual(const struct change *change, const char *place)
{
	char path[2 * PATH_MAX], unpinned[PATH_MAX];

	path_of(change, "current/maps", unpinned);
	snprintf(path, sizeof(path), "%s/%s", *place == '-' ? unpinned : change->root, place);
	return bpf_obj_get(path);
}

/* Adds the attached version's map for MAP of the next version; else the map at its usual pin, which may be in use in
 * another namespace: without a pin the kernel would empty a PROG_ARRAY. */
static int add_old_map(struct change *change, const struct elfmap_version_pin *map)
{
	int err = 0, usual = open_usual(change, map->name), old;
	struct bpf_map_info info = {}, wanted = {};
	__u32 size = sizeof(info);

	if (usual < 0 && usual != -ENOENT)
		return usual;
	if (usual >= 0)
		err = bpf_obj_get_info_by_fd(usual, &info, &size);
	err = err ?: bpf_obj_get_info_by_fd(map->fd, &wanted, &size);
	if (err) {
		if (usual >= 0)
			close(usual);
		return err;
	}
	old = elfmap_groups__open(&change->groups, elfmap_path__name(map->name), wanted.type, info.id);
	if (old >= 0 || usual >= 0)
		err = elfmap_version__add_map(&change->old, map->name, old >= 0 ? old : usual);
	if (usual >= 0 && *map->name != '-')
		err = err ?: elfmap_version__add_map(&change->usual, map->name, usual);
	if (old >= 0)
		close(old);
	if (usual >= 0)
		close(usual);
	return err;
}

static int describe_old(struct change *change)
{
	int err;

	err = describe_entries(&change->result->deployment, &change->old);
	for (size_t i = 0; !err && i < change->next.nr_maps; i++)
		err = add_old_map(change, &change->next.maps[i]);
	if (!err && change->load)
		elfmap_groups__warn_of_split(&change->groups, change->load);
	return err ? elfmap_msg__set(change->msg, err, "%s", strerror(-err)) : 0;
}

/* ---- the next version --------------------------------------------------------------------------------- */

/* The types of the sections that are attached. */
static int find_types(const struct elfmap_deployment *deployment, struct elfmap_section_type *types,
		      struct elfmap_msg *msg)
{
	for (size_t i = 0; i < deployment->nr; i++) {
		types[i].section = deployment->at[i].section;
		types[i].type = deployment->at[i].hook.kind->prog_type;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(types[i].section, types[j].section) && types[i].type != types[j].type)
				return elfmap_msg__set(
					msg, -EINVAL,
					"section '%s' is attached as program of two types (%s and %s), of "
					"which an upgrade replaces one; attach it again with 'elfmap attach'",
					types[i].section, deployment->at[j].hook.kind->name,
					deployment->at[i].hook.kind->name);
	}
	return 0;
}

/* The map that a change before this one makes anew in place of the pin at PATH. */
static int share(const void *sharer, const char *path)
{
	const struct change *change = sharer;

	for (const struct change *at = change->first; at < change; at++)
		for (size_t i = 0; i < at->load->nr_maps; i++) {
			const struct elfmap_load_map *map = &at->load->maps[i];

			if (map->pin_path && (map->has_grown || map->starts_anew) && !strcmp(map->pin_path, path))
				return elfmap_pair__fd(map->bpf);
		}
	return -1;
}

static int load_with(struct change *change, const struct elfmap_section_type *types)
{
	const struct elfmap_deployment *deployment = &change->result->deployment;
	const struct elfmap_load_opts opts = {
		.tc_dir = change->tc_dir,
		.types = types,
		.nr_types = deployment->nr,
		.usual_type = deployment->nr ? types[0].type : BPF_PROG_TYPE_UNSPEC,
		.settings = change->opts->settings,
		.maxima = change->opts->maxima,
		.private_slots = !change->opts->shares_tables,
		.share = share,
		.sharer = change,
		.may_grow = true,
		.is_locked = true,
		.warn = change->opts->warn,
	};
	int err;

	err = elfmap_groups__load(&change->groups, change->file, &opts, change->msg);
	if (change->groups.nr)
		change->load = change->groups.at[0].load;
	return err;
}

static int load_next(struct change *change)
{
	const struct elfmap_deployment *deployment = &change->result->deployment;
	struct elfmap_section_type *types = calloc(deployment->nr + 1, sizeof(*types));
	int err;

	if (!types)
		return elfmap_msg__set(change->msg, -ENOMEM, "no memory");
	err = find_types(deployment, types, change->msg);
	err = err ?: load_with(change, types);
	for (size_t i = 0; i < change->groups.nr; i++)
		if (change->groups.at[i].load) {
			change->groups.at[i].load->opts.types = NULL; /* freed below, and not read any more */
			change->groups.at[i].load->opts.nr_types = 0;
		}
	free(types);
	return err ?: elfmap_groups__describe(&change->groups, deployment, change->root, &change->next, change->msg);
}

/* ---- what the running version has --------------------------------------------------------------------- */

static int read_running(struct change *change)
{
	const struct elfmap_takeover like = {
		.tc_dir = change->tc_dir,
		.file = change->file,
		.reports = &change->result->maps,
		.resets = change->opts->resets,
		.warn = change->opts->warn,
	};

	return elfmap_groups__make(&change->result->deployment, &like, &change->groups, change->msg);
}

/* ---- pinning both before the exchange ----------------------------------------------------- */

static int stage(struct change *change)
{
	char old[PATH_MAX], next[PATH_MAX], current[PATH_MAX], previous[PATH_MAX];
	int err;

	path_of(change, "old", old);
	path_of(change, "next", next);
	err = elfmap_version__pin(&change->old, old, change->msg);
	if (err)
		return err;
	err = elfmap_version__pin(&change->next, next, change->msg);
	if (!err) {
		path_of(change, "current", current);
		path_of(change, "previous", previous);
		err = change->load ? elfmap_object_dir__note_load(next, change->load, change->msg)
				   : elfmap_object_dir__copy_note(next, previous, change->msg);
		err = err
			      ?: elfmap_object_dir__note_running(old, current, &change->groups.at[0].takeover.running,
								 change->load, change->msg);
		if (err)
			elfmap_version__remove(next);
	}
	if (err)
		elfmap_version__remove(old);
	return err;
}

static int fill(const struct change *change)
{
	char tables[PATH_MAX];

	path_of(change, "next/maps", tables);
	return change->opts && change->opts->fill ? change->opts->fill(change->opts->context, tables, change->msg) : 0;
}

static void unstage(struct change *change)
{
	char path[PATH_MAX];

	path_of(change, "next", path);
	elfmap_version__remove(path);
	path_of(change, "old", path);
	elfmap_version__remove(path);
	rmdir(change->dir);
	snprintf(path, sizeof(path), "%s", change->dir);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

/* ---- state ------------------------------------------------------------------------------------------------- */

static int copy_state(struct change *change)
{
	char old[PATH_MAX], next[PATH_MAX];
	int err;

	path_of(change, "old", old);
	path_of(change, "next", next);
	err = elfmap_carries__begin(&change->next, old, next, change->merge, &change->carries, change->msg);
	return err;
}

/* ---- the usual pins, and the names of versions --------------------------------------------------------------- */

/* Replaces the usual pins by VERSION's maps. */
static int publish_maps(const struct change *change, const struct elfmap_version *version)
{
	char path[2 * PATH_MAX];
	int err = 0;

	for (size_t i = 0; !err && i < version->nr_maps; i++) {
		if (*version->maps[i].name == '-')
			continue;
		snprintf(path, sizeof(path), "%s/%s", change->root, version->maps[i].name);
		err = access(path, F_OK) ? elfmap_pin__add(version->maps[i].fd, path, change->msg)
					 : elfmap_pin__replace(version->maps[i].fd, path, change->msg);
	}
	return err;
}

static int rename_version(const struct change *change, const char *from, const char *to)
{
	char from_path[PATH_MAX], to_path[PATH_MAX];

	path_of(change, from, from_path);
	path_of(change, to, to_path);
	return rename(from_path, to_path) ? elfmap_msg__set(change->msg, -errno, "%s: cannot be renamed to '%s': %s",
							    from_path, to, strerror(errno))
					  : 0;
}

/* Another namespace may still use it. */
static int retire(const struct change *change, const char *version)
{
	char path[PATH_MAX];

	path_of(change, version, path);
	return elfmap_version__retire(path, change->retired, change->msg);
}

/* Renames next to current and old to previous, or nothing. */
static int rename_versions(const struct change *change)
{
	struct elfmap_msg why;
	int err;

	err = rename_version(change, "old", "previous");
	if (err)
		return err;
	err = rename_version(change, "next", "current");
	if (err) {
		why = *change->msg;
		rename_version(change, "previous", "old");
		*change->msg = why;
	}
	return err;
}

static int publish(struct change *change, const struct elfmap_version *next)
{
	struct elfmap_msg why;
	int err;

	err = publish_maps(change, next);
	err = err ?: retire(change, "previous");
	err = err ?: retire(change, "current");
	err = err ?: rename_versions(change);
	if (err) {
		why = *change->msg;
		publish_maps(change, &change->usual);
		*change->msg = why;
	}
	return err;
}

/* ---- an upgrade that was killed ---------------------------------------------------------------------------- */

static int find_deployment(struct change *change)
{
	const struct elfmap_upgrade_opts *opts = change->opts;
	struct elfmap_deployment *deployment = &change->result->deployment;
	int err = elfmap_deployment__find(change->file, change->tc_dir, deployment, change->msg);
	char name[NAME_MAX + 1];

	if (!err && opts->nr_places)
		err = elfmap_deployment__keep_places(deployment, opts->places, opts->nr_places, change->msg);
	else if (!err && opts->hooks)
		err = elfmap_deployment__keep_hooks(deployment, opts->hooks, opts->nr_hooks, change->msg);
	else if (!err && deployment->nr)
		err = elfmap_deployment__choose(deployment, change->file, change->tc_dir, change->msg);
	if (err)
		return err;
	elfmap_deployment__find_dir(deployment, change->tc_dir, change->object, change->netns, name);
	return set_dir(change, name);
}

static bool runs_any_of(const struct elfmap_deployment *deployment, const struct elfmap_version *version)
{
	for (size_t i = 0; i < deployment->nr; i++)
		if (elfmap_version__has_prog(version, deployment->at[i].hook.prog))
			return true;
	return false;
}

/* Gives the variables of OLD the values that NEXT has changed. */
static int take_variables_back(const struct change *change, const struct elfmap_version *old,
			       const struct elfmap_version *next, struct elfmap_takeover *takeover)
{
	struct elfmap_running target = {};
	int err;

	takeover->tc_dir = change->tc_dir;
	takeover->file = change->file;
	err = elfmap_running__add_version(&takeover->running, next) ?: elfmap_running__add_version(&target, old);
	if (err)
		elfmap_msg__set(change->msg, err, "%s", strerror(-err));
	err = err ?: elfmap_takeover__merge_back(takeover, &target, change->msg);
	elfmap_running__free(&target);
	return err;
}

/* Restores the programs that were already exchanged, and reads the hooks again. NEXT may have run for days: its entries
 * and variables are copied back. If the old maps cannot hold them, NEXT stays. */
static int take_back(struct change *change, const struct elfmap_version *old, const struct elfmap_version *next)
{
	struct elfmap_deployment *deployment = &change->result->deployment;
	struct elfmap_carries carries = {};
	char old_dir[PATH_MAX], next_dir[PATH_MAX];
	struct elfmap_map_reports ignored = {};
	struct elfmap_takeover takeover = {.reports = &ignored};
	bool is_complete = !runs_any_of(deployment, old);
	int err;

	path_of(change, "old", old_dir);
	path_of(change, "next", next_dir);
	if (is_complete && elfmap_carries__begin(old, next_dir, old_dir, ELFMAP_MERGE_REFUSED, &carries, change->msg))
		return publish(change, next);
	err = is_complete ? take_variables_back(change, old, next, &takeover) : 0;
	err = err ?: elfmap_deployment__switch(deployment, old, change->msg);
	err = err ?: publish_maps(change, old);
	elfmap_version__wait();
	elfmap_carries__finish(&carries, &ignored);
	elfmap_takeover__finish(&takeover);
	elfmap_takeover__free(&takeover);
	elfmap_map_reports__free(&ignored);
	elfmap_carries__free(&carries);
	elfmap_deployment__free(deployment);
	return err ?: find_deployment(change);
}

static int recover(struct change *change)
{
	struct elfmap_version old = {}, next = {};
	struct elfmap_deployment *deployment = &change->result->deployment;
	char old_dir[PATH_MAX], next_dir[PATH_MAX];
	int err = 0;

	path_of(change, "old", old_dir);
	path_of(change, "next", next_dir);
	if (access(old_dir, F_OK) && access(next_dir, F_OK)) {
		unstage(change); /* it may have been killed right after renaming them */
		return 0;
	}
	change->result->was_interrupted = true;
	if (access(old_dir, F_OK)) { /* only the last rename is missing: the programs in NEXT are attached */
		return retire(change, "current") ?: rename_version(change, "next", "current");
	}
	if (!elfmap_version__read(old_dir, &old, NULL) && !elfmap_version__read(next_dir, &next, NULL) &&
	    runs_any_of(deployment, &next))
		err = take_back(change, &old, &next);
	elfmap_version__free(&old);
	elfmap_version__free(&next);
	if (!err)
		unstage(change);
	return err;
}

/* ---- the whole upgrade ---------------------------------------------------------------------------------------- */

static int find_hooks(struct change *change)
{
	int err = find_deployment(change);

	if (!err && !change->result->deployment.nr)
		err = elfmap_msg__set(change->msg, -ENOENT,
				      "it is not attached here (no filter '%s:[SECTION]'); 'elfmap attach' "
				      "attaches it",
				      change->object);
	return err;
}

/* Removes retired versions after the last packet has left them. */
static void sweep(struct change *change)
{
	elfmap_version__wait();
	elfmap_retired__sweep(change->retired, change->tc_dir, &change->result->kept);
}

/* ---- users outside the change ----------------------------------------------------------------------------- */

/* Versions that are kept for a rollback: no packet runs through them, and a rollback carries the entries back. */
static int add_kept_versions(const struct change *change, struct elfmap_running *party)
{
	static const char *const names[] = {"previous", "current", "old", "next"};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof(names) / sizeof(*names); i++) {
		struct elfmap_version version = {};
		char path[PATH_MAX];

		path_of(change, names[i], path);
		if (elfmap_version__read(path, &version, NULL))
			continue;
		err = elfmap_running__add_version(party, &version);
		elfmap_version__free(&version);
	}
	return err;
}

static int add_change(const struct change *change, struct elfmap_running *party)
{
	const struct elfmap_deployment *deployment = &change->result->deployment;
	int err = elfmap_running__add_version(party, &change->next) ?: elfmap_running__add_version(party, &change->old);

	for (size_t i = 0; !err && i < deployment->nr; i++) {
		err = elfmap_running__add_id(party, deployment->at[i].before);
		err = err == -ENOENT ? 0 : err;
	}
	return err ?: add_kept_versions(change, party);
}

/* Is the Nth map of the running version made anew? Its information in RET_INFO. Each version has tables of its own. */
static bool is_anew(const struct change *change, size_t nth, struct bpf_map_info *ret_info)
{
	__u32 size = sizeof(*ret_info);

	memset(ret_info, 0, sizeof(*ret_info));
	return !bpf_obj_get_info_by_fd(change->old.maps[nth].fd, ret_info, &size) &&
	       !elfmap_map__is_prog_array(ret_info->type) && !elfmap_version__has_map(&change->next, ret_info->id);
}

static int check_maps(const struct change *change, const struct elfmap_running *party)
{
	struct bpf_map_info info;
	int err = 0;

	for (size_t i = 0; !err && i < change->old.nr_maps; i++)
		if (is_anew(change, i, &info))
			err = elfmap_split__check(info.id, elfmap_path__name(change->old.maps[i].name), change->file,
						  party, change->msg);
	return err;
}

static bool makes_maps(const struct change *change)
{
	struct bpf_map_info info;

	for (size_t i = 0; i < change->old.nr_maps; i++)
		if (is_anew(change, i, &info))
			return true;
	return false;
}

/* The predecessor of each map that is made anew is used by the programs of these changes alone. */
static int check_splits(struct change *changes, size_t nr)
{
	struct elfmap_running party = {};
	bool any = false;
	int err = 0;

	for (size_t i = 0; i < nr; i++)
		any |= makes_maps(&changes[i]);
	for (size_t i = 0; any && !err && i < nr; i++)
		err = add_change(&changes[i], &party);
	if (err)
		elfmap_msg__set(changes->msg, err, "%s", strerror(-err));
	for (size_t i = 0; any && !err && i < nr; i++)
		err = check_maps(&changes[i], &party);
	elfmap_running__free(&party);
	return err;
}

/* ---- one step of all changes after the other --------------------------------------------------------------- */

static int prepare(struct change *changes, size_t nr)
{
	int err = 0;

	for (size_t i = 0; !err && i < nr; i++)
		err = describe_old(&changes[i]);
	err = err ?: check_splits(changes, nr);
	for (size_t i = 0; !err && i < nr; i++) {
		err = stage(&changes[i]);
		changes[i].is_staged = !err;
	}
	for (size_t i = 0; !err && i < nr; i++)
		err = fill(&changes[i]) ?: copy_state(&changes[i]);
	return err ?: check_splits(changes, nr); /* again, since copying takes its time */
}

static int switch_all(struct change *changes, size_t nr)
{
	int err = 0;

	for (size_t i = 0; !err && i < nr; i++) {
		err = elfmap_deployment__switch(&changes[i].result->deployment, &changes[i].next, changes->msg);
		changes[i].is_switched = !err;
	}
	return err;
}

/* After the last packet has left the former programs. */
static int finish_all(struct change *changes, size_t nr)
{
	int err = 0;

	elfmap_version__wait();
	for (size_t i = 0; i < nr; i++) {
		elfmap_carries__finish(&changes[i].carries, &changes[i].result->maps);
		elfmap_groups__finish(&changes[i].groups);
	}
	for (size_t i = 0; !err && i < nr; i++) {
		err = publish(&changes[i], &changes[i].next);
		changes[i].is_published = !err;
	}
	return err;
}

static int exchange(struct change *changes, size_t nr)
{
	int err = prepare(changes, nr);

	err = err ?: switch_all(changes, nr);
	err = err ?: finish_all(changes, nr);
	for (size_t i = nr; err && i-- > 0;) {
		struct change *change = &changes[i];

		if (change->is_switched && !change->is_published)
			elfmap_deployment__switch(&change->result->deployment, &change->old, NULL);
		if (change->is_staged && !change->is_published)
			unstage(change);
	}
	for (size_t i = 0; !err && i < nr; i++) {
		if (!changes[i].opts->hooks && !changes[i].opts->nr_places) /* no other hook runs the former programs */
			elfmap_deployment__replace_pins(&changes[i].result->deployment, changes[i].tc_dir,
							changes[i].opts->warn);
		sweep(&changes[i]);
	}
	return err;
}

static void end(struct change *change, int err)
{
	elfmap_carries__free(&change->carries);
	elfmap_groups__free(&change->groups, !err);
	elfmap_version__free(&change->next);
	elfmap_version__free(&change->old);
	elfmap_version__free(&change->usual);
	if (change->lock >= 0)
		close(change->lock);
	if (err)
		elfmap_upgrade__free(change->result);
}

/* The hooks that the last change has exchanged; the others have kept their programs. */
static int keep_exchanged(struct change *change)
{
	struct elfmap_version current = {};
	char path[PATH_MAX];
	int err;

	path_of(change, "current", path);
	if (elfmap_version__read(path, &current, NULL))
		return 0;
	err = elfmap_deployment__keep_running(&change->result->deployment, &current);
	elfmap_version__free(&current);
	return err ? elfmap_msg__set(change->msg, err, "no memory") : 0;
}

/* Makes a change of each of FILES. *RET_CULPRIT: the file that a failure is about. */
static int run_all(const char *const *files, size_t nr, const struct elfmap_upgrade_opts *opts,
		   int (*prepare_one)(struct change *change), struct elfmap_upgrade *ret_upgrades,
		   const char **ret_culprit, struct elfmap_msg *msg)
{
	struct change *changes = calloc(nr, sizeof(*changes));
	int err = 0;

	if (!changes)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	memset(ret_upgrades, 0, nr * sizeof(*ret_upgrades));
	*ret_culprit = files[0];
	for (size_t i = 0; i < nr; i++)
		changes[i] = (struct change){.file = files[i],
					     .tc_dir = opts->tc_dir,
					     .opts = opts,
					     .merge = opts->merge,
					     .first = changes,
					     .lock = -1,
					     .result = &ret_upgrades[i],
					     .msg = msg};
	for (size_t i = 0; !err && i < nr; i++) {
		*ret_culprit = files[i];
		err = place_change(&changes[i]);
		if (!err)
			elfmap_deployment__warn_of_routes(files[i], opts->warn);
		err = err ?: find_hooks(&changes[i]);
		err = err ?: recover(&changes[i]);
		err = err ?: prepare_one(&changes[i]);
	}
	if (!err)
		*ret_culprit = files[0];
	err = err ?: exchange(changes, nr);
	for (size_t i = nr; i-- > 0;)
		end(&changes[i], err);
	free(changes);
	return err;
}

static int prepare_next(struct change *change)
{
	return read_running(change) ?: load_next(change);
}

static int prepare_previous(struct change *change)
{
	char previous[PATH_MAX];
	int err;

	err = keep_exchanged(change);
	path_of(change, "previous", previous);
	err = err ?: elfmap_version__read(previous, &change->next, change->msg);
	if (err == -ENOENT)
		elfmap_msg__set(change->msg, err,
				"there is no previous version to go back to; 'elfmap upgrade' makes one");
	err = err ?: elfmap_version__check_tables(&change->next, change->tc_dir, change->msg);
	err = err ?: read_running(change);
	return err
		       ?: elfmap_groups__merge_back(&change->groups, &change->result->deployment, &change->next,
						    change->msg);
}

int elfmap_upgrades__run(const char *const *files, size_t nr, const struct elfmap_upgrade_opts *opts,
			 struct elfmap_upgrade *ret_upgrades, const char **ret_culprit, struct elfmap_msg *msg)
{
	return run_all(files, nr, opts, prepare_next, ret_upgrades, ret_culprit, msg);
}

int elfmap_upgrades__roll_back(const char *const *files, size_t nr, const struct elfmap_upgrade_opts *opts,
			       struct elfmap_upgrade *ret_upgrades, const char **ret_culprit, struct elfmap_msg *msg)
{
	/* Without `fill`: the tables of the version before are as they were. */
	const struct elfmap_upgrade_opts back = {.tc_dir = opts->tc_dir,
						 .hooks = opts->hooks,
						 .nr_hooks = opts->nr_hooks,
						 .places = opts->places,
						 .nr_places = opts->nr_places,
						 .merge = opts->merge,
						 .warn = opts->warn};

	return run_all(files, nr, &back, prepare_previous, ret_upgrades, ret_culprit, msg);
}

int elfmap_upgrade__run(const char *file, const struct elfmap_upgrade_opts *opts, struct elfmap_upgrade *ret_upgrade,
			struct elfmap_msg *msg)
{
	const char *culprit;

	return elfmap_upgrades__run(&file, 1, opts, ret_upgrade, &culprit, msg);
}

int elfmap_upgrade__rollback(const char *file, const struct elfmap_upgrade_opts *opts,
			     struct elfmap_upgrade *ret_upgrade, struct elfmap_msg *msg)
{
	const char *culprit;

	return elfmap_upgrades__roll_back(&file, 1, opts, ret_upgrade, &culprit, msg);
}

int elfmap_upgrade__forget(const char *file, const struct elfmap_upgrade_opts *opts, struct elfmap_upgrade *ret_upgrade,
			   struct elfmap_msg *msg)
{
	struct elfmap_upgrade result = {};
	struct change change = {
		.file = file, .tc_dir = opts->tc_dir, .opts = opts, .lock = -1, .result = &result, .msg = msg};
	char previous[PATH_MAX];
	int err;

	change.first = &change;
	err = place_change(&change);

	err = err ?: find_deployment(&change);	     /* versions of what is not attached any more can be removed, too */
	elfmap_deployment__free(&result.deployment); /* none of its hooks changes */
	path_of(&change, "previous", previous);
	if (!err && access(previous, F_OK) && access(change.retired, F_OK))
		err = elfmap_msg__set(msg, -ENOENT, "there is no previous version");
	err = err ?: retire(&change, "previous");
	if (!err)
		sweep(&change);
	end(&change, err);
	if (!err)
		*ret_upgrade = result;
	return err;
}

void elfmap_upgrade__free(struct elfmap_upgrade *upgrade)
{
	elfmap_deployment__free(&upgrade->deployment);
	elfmap_map_reports__free(&upgrade->maps);
}
