// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Groups hooks by the state that they share, and loads a version for each group. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "kinds/maps.h"
#include "load/note.h"
#include "load/start.h"
#include "pins/map_id.h"
#include "upgrade/groups.h"

/* ---- which hooks share state ----------------------------------------------------------------------------------- */

struct owned_map {
	struct bpf_map_info info;
	size_t hook; /* the first one that uses it */
};

struct grouping {
	struct elfmap_pins pins;
	struct owned_map *owned;
	size_t nr_owned;
	size_t *leaders; /* by hook: an earlier hook of its group, or itself */
};

static size_t find_leader(const struct grouping *grouping, size_t hook)
{
	while (grouping->leaders[hook] != hook)
		hook = grouping->leaders[hook];
	return hook;
}

static void join(struct grouping *grouping, size_t a, size_t b)
{
	size_t first = find_leader(grouping, a), second = find_leader(grouping, b);

	if (first < second)
		grouping->leaders[second] = first;
	else
		grouping->leaders[first] = second;
}

static bool is_pinned(const struct grouping *grouping, __u32 id)
{
	for (size_t i = 0; i < grouping->pins.nr; i++)
		if (grouping->pins.pins[i].kind == ELFMAP_PIN_MAP && grouping->pins.pins[i].id == id &&
		    !strstr(grouping->pins.pins[i].path, "/generations/"))
			return true;
	return false;
}

static bool have_same_value(__u32 a, __u32 b, size_t size)
{
	int fds[2] = {elfmap_map__open_id(a), elfmap_map__open_id(b)};
	unsigned char *values = calloc(2, size);
	const __u32 key = 0;
	bool same = values && fds[0] >= 0 && fds[1] >= 0 && !bpf_map_lookup_elem(fds[0], &key, values) &&
		    !bpf_map_lookup_elem(fds[1], &key, values + size) && !memcmp(values, values + size, size);

	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(values);
	return same;
}

static bool is_constant(const struct bpf_map_info *info)
{
	return info->map_flags & BPF_F_RDONLY_PROG && strchr(info->name, '.');
}

/* Constants with equal values are the same for hooks that have no other state of their own. */
static bool is_same(const struct bpf_map_info *a, const struct bpf_map_info *b, bool by_value)
{
	if (a->id == b->id || !by_value)
		return a->id == b->id;
	return is_constant(b) && a->map_flags & BPF_F_RDONLY_PROG && a->map_flags == b->map_flags &&
	       a->type == b->type && a->value_size == b->value_size && !strcmp(a->name, b->name) &&
	       have_same_value(a->id, b->id, a->value_size);
}

static int add_owned(struct grouping *grouping, const struct bpf_map_info *info, bool by_value, size_t hook)
{
	struct owned_map *grown;

	for (size_t i = 0; i < grouping->nr_owned; i++)
		if (is_same(&grouping->owned[i].info, info, by_value)) {
			join(grouping, grouping->owned[i].hook, hook);
			return 0;
		}
	grown = elfmap_array__grow(grouping->owned, grouping->nr_owned, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grouping->owned = grown;
	grown[grouping->nr_owned++] = (struct owned_map){.info = *info, .hook = hook};
	return 0;
}

/* Each version has tables of its own; notes are not state. */
static bool is_own(const struct grouping *grouping, const struct elfmap_running_map *map)
{
	return !map->is_held && !elfmap_start__is(&map->info) && !elfmap_note__is(&map->info) &&
	       !elfmap_map__is_prog_array(map->info.type) && !is_pinned(grouping, map->info.id);
}

/* A program without maps of its own belongs to the first group. */
static int add_hook(struct grouping *grouping, __u32 prog, size_t hook)
{
	struct elfmap_running running = {};
	bool has_state = false, has_own = false;
	int err = elfmap_running__add_id(&running, prog);

	for (size_t i = 0; !err && i < running.nr_maps; i++) {
		bool own = is_own(grouping, &running.maps[i]);

		has_own |= own;
		has_state |= own && !is_constant(&running.maps[i].info);
	}
	for (size_t i = 0; !err && i < running.nr_maps; i++)
		if (is_own(grouping, &running.maps[i]))
			err = add_owned(grouping, &running.maps[i].info, !has_state, hook);
	if (!err && !has_own)
		join(grouping, 0, hook);
	elfmap_running__free(&running);
	return err;
}

static int find_groups(const struct elfmap_deployment *deployment, struct grouping *grouping)
{
	int err = 0;

	grouping->leaders = calloc(deployment->nr, sizeof(*grouping->leaders));
	if (!grouping->leaders)
		return -ENOMEM;
	for (size_t i = 0; i < deployment->nr; i++)
		grouping->leaders[i] = i;
	for (size_t i = 0; !err && i < deployment->nr; i++)
		err = add_hook(grouping, deployment->at[i].before, i);
	return err;
}

/* ---- the groups ------------------------------------------------------------------------------------------------ */

/* Numbers the groups in the order of their first hooks. */
static int add_groups(const struct elfmap_deployment *deployment, const struct grouping *grouping,
		      const struct elfmap_takeover *like, struct elfmap_groups *groups)
{
	int err = 0;

	groups->of_hook = calloc(deployment->nr, sizeof(*groups->of_hook));
	groups->at = calloc(deployment->nr, sizeof(*groups->at));
	if (!groups->of_hook || !groups->at)
		return -ENOMEM;
	for (size_t i = 0; !err && i < deployment->nr; i++) {
		size_t leader = find_leader(grouping, i);

		groups->of_hook[i] = leader == i ? groups->nr : groups->of_hook[leader];
		if (leader == i)
			groups->at[groups->nr++].takeover = *like;
		err = elfmap_running__add_id(&groups->at[groups->of_hook[i]].takeover.running,
					     deployment->at[i].before);
	}
	return err;
}

int elfmap_groups__make(const struct elfmap_deployment *deployment, const struct elfmap_takeover *like,
			struct elfmap_groups *ret_groups, struct elfmap_msg *msg)
{
	struct elfmap_groups groups = {};
	struct grouping grouping = {};
	int err = elfmap_pins__read(like->tc_dir, &grouping.pins);

	err = err ?: find_groups(deployment, &grouping);
	err = err ?: add_groups(deployment, &grouping, like, &groups);
	if (err)
		elfmap_msg__set(msg, err, "%s", strerror(-err));
	for (size_t i = 0; !err && i < groups.nr; i++)
		err = elfmap_takeover__init(&groups.at[i].takeover, msg);
	elfmap_pins__free(&grouping.pins);
	free(grouping.owned);
	free(grouping.leaders);
	if (err)
		elfmap_groups__free(&groups, false);
	else
		*ret_groups = groups;
	return err;
}

/* ---- loading --------------------------------------------------------------------------------------------------- */

int elfmap_groups__load(struct elfmap_groups *groups, const char *file, const struct elfmap_load_opts *opts,
			struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t i = 0; !err && i < groups->nr; i++) {
		struct elfmap_takeover *takeover = &groups->at[i].takeover;
		struct elfmap_load_opts own = *opts;

		takeover->first = i ? groups->at[0].load : NULL;
		own.source = &takeover->source;
		own.warn = i ? NULL : opts->warn;
		err = elfmap_load__run(file, &own, NULL, &groups->at[i].load, msg);
		err = err ?: elfmap_takeover__check_resets(takeover, groups->at[i].load, msg);
		if (!err && elfmap_takeover__report(takeover, groups->at[i].load))
			err = elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	return err;
}

/* ---- the version ----------------------------------------------------------------------------------------------- */

/* A PROG_ARRAY or changed map of a group after the first one has no usual pin. */
static int add_map(const struct elfmap_load_map *map, size_t group, const char *root, struct elfmap_version *version)
{
	bool is_table = elfmap_map__is_prog_array(map->map.def.type);
	char unpinned[NAME_MAX + 32];
	const char *place = unpinned;
	int err;

	if (!is_table && !map->has_grown && !(map->starts_anew && map->pin_path))
		return 0;
	if (map->pin_path && !group)
		place = map->pin_path + strlen(root) + 1;
	else if (!group)
		snprintf(unpinned, sizeof(unpinned), "-/%s", map->map.name);
	else
		snprintf(unpinned, sizeof(unpinned), "-/%zu/%s", group + 1, map->map.name);
	err = elfmap_version__add_map(version, place, elfmap_pair__fd(map->bpf));
	if (!err)
		version->maps[version->nr_maps - 1].starts_anew = map->starts_anew;
	return err;
}

static int add_hook_entry(const struct elfmap_groups *groups, const struct elfmap_deployment *deployment, size_t hook,
			  struct elfmap_version *version)
{
	const char *section = deployment->at[hook].section;
	const struct elfmap_load *load = groups->at[groups->of_hook[hook]].load;
	const struct elfmap_load_prog *prog = elfmap_load__find_prog(load, section);
	int entry = elfmap_version__find(version, section);
	char name[ELFMAP_DEPLOYED_NAME];

	if (!prog)
		return 0; /* refused by elfmap_deployment__switch() */
	if (entry < 0)
		return elfmap_version__add_entry(version, section, bpf_program__fd(prog->bpf));
	if (elfmap_program__id(entry) == elfmap_program__id(bpf_program__fd(prog->bpf)))
		return 0;
	elfmap_deployed__name(&deployment->at[hook], name);
	return elfmap_version__add_hook(version, name, bpf_program__fd(prog->bpf));
}

static int add_other_entries(const struct elfmap_load *load, struct elfmap_version *version)
{
	int err = 0;

	for (size_t i = 0; !err && i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];

		if (prog->slot_map < 0 && elfmap_version__find(version, prog->section) < 0)
			err = elfmap_version__add_entry(version, prog->section, bpf_program__fd(prog->bpf));
	}
	return err;
}

int elfmap_groups__describe(const struct elfmap_groups *groups, const struct elfmap_deployment *deployment,
			    const char *root, struct elfmap_version *version, struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t g = 0; !err && g < groups->nr; g++)
		for (size_t i = 0; !err && i < groups->at[g].load->nr_maps; i++)
			err = add_map(&groups->at[g].load->maps[i], g, root, version);
	for (size_t i = 0; !err && i < deployment->nr; i++)
		err = add_hook_entry(groups, deployment, i, version);
	err = err ?: add_other_entries(groups->at[0].load, version);
	return err ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : 0;
}

/* ---- the way back, and the end --------------------------------------------------------------------------------- */

int elfmap_groups__merge_back(struct elfmap_groups *groups, const struct elfmap_deployment *deployment,
			      const struct elfmap_version *version, struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t g = 0; !err && g < groups->nr; g++) {
		struct elfmap_running target = {};

		for (size_t i = 0; !err && i < deployment->nr; i++) {
			int prog = groups->of_hook[i] == g ? elfmap_deployed__find_program(&deployment->at[i], version)
							   : -1;

			err = prog < 0 ? 0 : elfmap_running__add(&target, prog);
		}
		err = err ?: elfmap_takeover__report_common(&groups->at[g].takeover, &target);
		if (err)
			elfmap_msg__set(msg, err, "%s", strerror(-err));
		err = err ?: elfmap_takeover__merge_back(&groups->at[g].takeover, &target, msg);
		elfmap_running__free(&target);
	}
	return err;
}

int elfmap_groups__open(const struct elfmap_groups *groups, const char *name, __u32 type, __u32 preferred)
{
	__u32 found = 0;

	for (size_t i = 0; (!found || found != preferred) && i < groups->nr; i++) {
		__u32 id = elfmap_running__find_named(&groups->at[i].takeover.running, name, type, preferred);

		if (!found || id == preferred)
			found = id;
	}
	return found ? elfmap_map__open_id(found) : -ENOENT;
}

static void warn_of_map(const struct elfmap_load *load, const struct elfmap_load_map *map, __u32 running, __u32 pinned)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "warning: map '%s': the previous version used map %u here, not the pinned map %u; its entries are "
		 "not copied",
		 map->map.name, running, pinned);
	load->opts.warn(load->file, text);
}

void elfmap_groups__warn_of_split(const struct elfmap_groups *groups, const struct elfmap_load *load)
{
	for (size_t i = 0; load->opts.warn && i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];
		struct bpf_map_info pinned = {};
		__u32 size = sizeof(pinned), id;
		int old;

		if (!map->pin_path || map->has_grown || elfmap_map__is_prog_array(map->map.def.type) ||
		    bpf_obj_get_info_by_fd(elfmap_pair__fd(map->bpf), &pinned, &size))
			continue;
		old = elfmap_groups__open(groups, map->map.name, pinned.type, pinned.id);
		id = old >= 0 ? elfmap_map__id(old) : 0;
		if (id && id != pinned.id)
			warn_of_map(load, map, id, pinned.id);
		if (old >= 0)
			close(old);
	}
}

void elfmap_groups__finish(struct elfmap_groups *groups)
{
	for (size_t i = 0; i < groups->nr; i++)
		elfmap_takeover__finish(&groups->at[i].takeover);
}

void elfmap_groups__free(struct elfmap_groups *groups, bool keep)
{
	for (size_t i = 0; i < groups->nr; i++) {
		elfmap_load__end(groups->at[i].load, keep);
		elfmap_takeover__free(&groups->at[i].takeover);
	}
	free(groups->at);
	free(groups->of_hook);
	*groups = (struct elfmap_groups){};
}
