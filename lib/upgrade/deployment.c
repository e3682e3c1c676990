// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the hooks of an object by their names, exchanges their programs, and finds the maps that these use: after an
 * upgrade in another namespace the pins may be maps of another version. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/path.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "map/map.h"
#include "object/object.h"
#include "pins/pins.h"
#include "upgrade/deployment.h"

/* ---- hooks ----------------------------------------------------------------------------------------------- */

/* "SECTION" of "OBJECT:[SECTION]", or NULL; free() it. */
static char *section_of(const char *object, const char *name)
{
	size_t length = strlen(object), whole = strlen(name);

	if (strncmp(name, object, length) != 0 || strncmp(name + length, ":[", 2) != 0 || name[whole - 1] != ']')
		return NULL;
	return strndup(name + length + 2, whole - length - 3);
}

/* Takes ownership of SECTION, also on failure. */
static int add_hook(struct elfmap_deployment *deployment, const struct elfmap_hook *hook, char *section)
{
	struct elfmap_deployed *grown = elfmap_array__grow(deployment->at, deployment->nr, sizeof(*grown));
	int err = grown ? elfmap_holder__hold(&deployment->holder, hook->prog) : -ENOMEM;

	if (grown)
		deployment->at = grown;
	if (err) {
		free(section);
		return err;
	}
	grown[deployment->nr++] = (struct elfmap_deployed){.hook = *hook, .section = section, .before = hook->prog};
	return 0;
}

/* Has OBJECT a map of this name, as far as the kernel keeps it? Maps of global data are called after their section. */
static bool has_map(const struct elfmap_object *object, __u32 id)
{
	struct bpf_map_info info;

	if (!elfmap_map__describe(id, &info) || !*info.name || strchr(info.name, '.'))
		return true;
	for (size_t i = 0; i < object->nr_maps; i++)
		if (!strncmp(object->maps[i].name, info.name, sizeof(info.name) - 1))
			return true;
	for (size_t i = 0; i < object->nr_btf_maps; i++)
		if (!strncmp(object->btf_maps[i], info.name, sizeof(info.name) - 1))
			return true;
	return false;
}

/* The section of the function that PROG was, by its name and those of its maps; NULL: it is another object's, or that
 * is not certain. free() it. */
static char *section_of_function(const struct elfmap_object *object, __u32 prog)
{
	struct elfmap_program program = {};
	int fd = object ? bpf_prog_get_fd_by_id(prog) : -1;
	const char *section = NULL;
	bool is_certain = fd >= 0 && !elfmap_program__describe(fd, &program) && *program.name;

	for (__u32 i = 0; is_certain && i < program.nr_maps; i++)
		is_certain = has_map(object, program.maps[i]);
	for (size_t i = 0; is_certain && i < object->nr_progs; i++) {
		if (strncmp(object->progs[i].name, program.name, sizeof(program.name) - 1) != 0)
			continue;
		is_certain = !section;
		section = object->progs[i].section;
	}
	if (fd >= 0)
		close(fd);
	free(program.maps);
	return is_certain && section ? strdup(section) : NULL;
}

static void read_object(const char *file, struct elfmap_object **ret_object, void **ret_bytes)
{
	size_t size;

	*ret_object = NULL;
	*ret_bytes = NULL;
	if (!elfmap_file__read(file, ret_bytes, &size, NULL) && elfmap_object__read(*ret_bytes, size, ret_object, NULL))
		*ret_object = NULL;
}

static int find_kind(const struct elfmap_hook_kind *kind, const char *file, const char *tc_dir,
		     struct elfmap_deployment *deployment, struct elfmap_msg *msg)
{
	const char *name = elfmap_path__name(file);
	struct elfmap_object *object = NULL;
	void *bytes = NULL;
	struct elfmap_hooks hooks;
	int err = elfmap_hooks__list(-1, kind, tc_dir, &hooks, msg);

	for (size_t i = 0; !err && i < hooks.nr; i++) {
		struct elfmap_hook *hook = &hooks.at[i];
		bool is_nameless = kind->has & ELFMAP_HOOK_SINGLE && !*hook->name;
		char *section;

		if (is_nameless && !bytes)
			read_object(file, &object, &bytes);
		section = is_nameless ? section_of_function(object, hook->prog) : section_of(name, hook->name);
		if (!section)
			continue;
		if (is_nameless)
			snprintf(hook->name, sizeof(hook->name), "%s:[%s]", name, section);
		err = add_hook(deployment, &hooks.at[i], section);
		if (err)
			elfmap_msg__set(msg, err, "program %u: %s", hooks.at[i].prog, strerror(-err));
	}
	free(hooks.at);
	elfmap_object__free(object);
	free(bytes);
	return err;
}

int elfmap_deployment__find(const char *file, const char *tc_dir, struct elfmap_deployment *ret_deployment,
			    struct elfmap_msg *msg)
{
	struct elfmap_deployment deployment = {};
	int err = 0;

	for (const struct elfmap_hook_kind *const *at = elfmap_hook_kinds; *at && !err; at++)
		if ((*at)->list && (*at)->exchange)
			err = find_kind(*at, file, tc_dir, &deployment, msg);
	if (err)
		elfmap_deployment__free(&deployment);
	else
		*ret_deployment = deployment;
	return err;
}

void elfmap_deployment__free(struct elfmap_deployment *deployment)
{
	for (size_t i = 0; i < deployment->nr; i++)
		free(deployment->at[i].section);
	free(deployment->at);
	elfmap_holder__free(&deployment->holder);
	*deployment = (struct elfmap_deployment){};
}

static int exchange(struct elfmap_deployed *deployed, __u32 expected, int prog, struct elfmap_msg *msg)
{
	int err = elfmap_hook__exchange(&deployed->hook, expected, prog, msg);

	if (!err)
		deployed->hook.prog = elfmap_program__id(prog);
	return err;
}

int elfmap_deployment__switch(struct elfmap_deployment *deployment, const struct elfmap_version *version,
			      struct elfmap_msg *msg)
{
	size_t tried = 0;
	int err = 0;

	for (size_t i = 0; i < deployment->nr; i++)
		if (elfmap_version__find(version, deployment->at[i].section) < 0)
			return elfmap_msg__set(msg, -ENOENT,
					       "section '%s' is attached, but the other version has no such section",
					       deployment->at[i].section);
	for (; !err && tried < deployment->nr; tried++) {
		struct elfmap_deployed *at = &deployment->at[tried];

		err = exchange(at, at->hook.prog, elfmap_version__find(version, at->section), msg);
	}
	while (err && tried--) { /* also the failed one: only the kernel's reply may have been lost */
		struct elfmap_deployed *at = &deployment->at[tried];
		int before = bpf_prog_get_fd_by_id(at->before);

		if (before < 0)
			continue;
		exchange(at, elfmap_program__id(elfmap_version__find(version, at->section)), before, NULL);
		close(before);
	}
	return err;
}

/* ---- maps ------------------------------------------------------------------------------------------------ */

static int add_program(struct elfmap_deployed_maps *maps, int prog);

static int add_stages(struct elfmap_deployed_maps *maps, __u32 table)
{
	int err = 0, fd = bpf_map_get_fd_by_id(table);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), id;

	if (fd < 0)
		return 0; /* removed since */
	if (bpf_obj_get_info_by_fd(fd, &info, &size) || !elfmap_map__is_prog_array(info.type))
		info.max_entries = 0;
	for (__u32 slot = 0; !err && slot < info.max_entries; slot++) {
		int prog = bpf_map_lookup_elem(fd, &slot, &id) ? -1 : bpf_prog_get_fd_by_id(id);

		if (prog < 0)
			continue;
		err = add_program(maps, prog);
		close(prog);
	}
	close(fd);
	return err;
}

static int add_map(struct elfmap_deployed_maps *maps, __u32 id)
{
	__u32 *grown;

	for (size_t i = 0; i < maps->nr; i++)
		if (maps->ids[i] == id)
			return 0;
	grown = elfmap_array__grow(maps->ids, maps->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	maps->ids = grown;
	grown[maps->nr++] = id;
	return add_stages(maps, id);
}

static int add_program(struct elfmap_deployed_maps *maps, int prog)
{
	struct elfmap_program program = {};
	int err = elfmap_program__describe(prog, &program);

	for (__u32 i = 0; !err && i < program.nr_maps; i++)
		err = add_map(maps, program.maps[i]);
	free(program.maps);
	return err;
}

int elfmap_deployment__read_maps(const struct elfmap_deployment *deployment, struct elfmap_deployed_maps *ret_maps)
{
	struct elfmap_deployed_maps maps = {};
	int err = 0;

	for (size_t i = 0; !err && i < deployment->nr; i++) {
		int prog = bpf_prog_get_fd_by_id(deployment->at[i].before);

		err = prog < 0 ? prog : add_program(&maps, prog);
		if (prog >= 0)
			close(prog);
	}
	if (err)
		free(maps.ids);
	else
		*ret_maps = maps;
	return err;
}

int elfmap_deployed_maps__find(const struct elfmap_deployed_maps *maps, const char *name, __u32 type, __u32 preferred)
{
	struct bpf_map_info info;
	__u32 found = 0;
	int fd;

	for (size_t i = 0; i < maps->nr; i++)
		if ((!found || maps->ids[i] == preferred) && elfmap_map__describe(maps->ids[i], &info) &&
		    info.type == type && !strncmp(info.name, name, sizeof(info.name) - 1))
			found = info.id;
	fd = found ? bpf_map_get_fd_by_id(found) : -ENOENT;
	return fd;
}

static void warn(const struct elfmap_load *load, const struct elfmap_load_map *map, __u32 running, __u32 pinned)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "warning: map '%s': the previous version used map %u here, not the pinned map %u; its entries are "
		 "not copied",
		 map->map.name, running, pinned);
	load->opts.warn(load->file, text);
}

void elfmap_deployed_maps__warn_of_split(const struct elfmap_deployed_maps *maps, const struct elfmap_load *load)
{
	for (size_t i = 0; load->opts.warn && i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];
		struct bpf_map_info pinned = {}, info = {};
		__u32 size = sizeof(info);
		int old;

		if (!map->pin_path || map->has_grown || elfmap_map__is_prog_array(map->map.def.type) ||
		    bpf_obj_get_info_by_fd(elfmap_pair__fd(map->bpf), &pinned, &size))
			continue;
		old = elfmap_deployed_maps__find(maps, map->map.name, pinned.type, pinned.id);
		if (old < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(old, &info, &size) && info.id != pinned.id)
			warn(load, map, info.id, pinned.id);
		close(old);
	}
}

static bool is_pinned(const struct elfmap_pins *pins, __u32 map)
{
	for (size_t i = 0; i < pins->nr; i++)
		if (pins->pins[i].kind == ELFMAP_PIN_MAP && pins->pins[i].id == map)
			return true;
	return false;
}

static int check_tables(const struct elfmap_deployed_maps *maps, const struct elfmap_pins *pins, struct elfmap_msg *msg)
{
	struct bpf_map_info info;

	for (size_t i = 0; i < maps->nr; i++)
		if (elfmap_map__describe(maps->ids[i], &info) && elfmap_map__is_prog_array(info.type) &&
		    !is_pinned(pins, info.id))
			return elfmap_msg__set(msg, -ENOENT,
					       "its PROG_ARRAY '%s' has lost its pin, so its slots are empty; "
					       "run 'elfmap upgrade' with the older object",
					       info.name);
	return 0;
}

int elfmap_version__check_tables(const struct elfmap_version *version, const char *tc_dir, struct elfmap_msg *msg)
{
	struct elfmap_deployed_maps maps = {};
	struct elfmap_pins pins = {};
	int err = 0;

	for (size_t i = 0; !err && i < version->nr_entries; i++)
		err = add_program(&maps, version->entries[i].fd);
	err = err ?: elfmap_pins__read(tc_dir, &pins);
	err = err ? elfmap_msg__set(msg, err, "%s", strerror(-err)) : check_tables(&maps, &pins, msg);
	free(maps.ids);
	elfmap_pins__free(&pins);
	return err;
}
