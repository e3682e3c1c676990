// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* load, the second step: maps and programs into the kernel. Nobody else can see any of it yet. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "load/load.h"
#include "pins/pin_open.h"
#include "pins/pin_take.h"

/* ---- what libbpf says ------------------------------------------------------------------------------------ */

static char said[256]; /* the first warning that matters: later ones say that all of it failed */

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(said)];

	if (level != LIBBPF_WARN || *said)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	/* Older kernels know less of BTF, and libbpf goes on without. */
	if (!strstr(line, "Retrying without BTF") && !strstr(line, "BTF is optional"))
		strcpy(said, strncmp(line, "libbpf: ", 8) ? line : line + 8);
	return 0;
}

/* ---- maps ------------------------------------------------------------------------------------------------ */

static int explain_difference(const struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	struct elfmap_msg what = *msg;

	return elfmap_msg__set(msg, -EEXIST, ELFMAP_PIN_DIFFERS, what.text, map->pin_path, map->pin_path);
}

static int check_owner(const struct elfmap_load *load, const struct elfmap_load_map *map, int fd,
		       struct elfmap_msg *msg)
{
	char who[BPF_OBJ_NAME_LEN + 128];
	int err = 0;

	for (size_t i = 0; !err && i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];

		snprintf(who, sizeof(who), "program '%s'", prog->name);
		if (prog->is_wanted)
			err = elfmap_pin__check_owner(&map->map, map->pin_path, fd, prog->type, who, msg);
	}
	return err;
}

/* The same map, only larger? */
static bool has_grown(const struct elfmap_load *load, const struct elfmap_map *map, const struct bpf_map_info *info)
{
	struct elfmap_map smaller = *map;

	smaller.def.max_elem = info->max_entries;
	return load->opts.may_grow && map->def.max_elem > info->max_entries &&
	       !elfmap_pin__compare(&smaller, info, NULL);
}

static int reuse(const struct elfmap_load *load, struct elfmap_load_map *map, int fd, const struct bpf_map_info *info,
		 struct elfmap_msg *msg)
{
	int err;

	if (elfmap_pin__compare(&map->map, info, msg)) {
		map->has_grown = has_grown(load, &map->map, info);
		return map->has_grown ? 0 : explain_difference(map, msg);
	}
	err = check_owner(load, map, fd, msg);
	if (err)
		return err;
	err = bpf_map__reuse_fd(map->bpf, fd);
	if (err)
		return elfmap_msg__set(msg, err, "map '%s': %s", map->map.name, strerror(-err));
	map->is_reused = true;
	return 0;
}

/* Templates of modern objects are libbpf's. */
static int check_template(const struct elfmap_load *load, const struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	return load->object->has_legacy_maps && !bpf_map__inner_map(map->bpf)
		       ? elfmap_pin__check_template(&map->map, msg)
		       : 0;
}

static int prepare_map(const struct elfmap_load *load, struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	bool is_private = load->opts.private_slots && map->map.def.type == BPF_MAP_TYPE_PROG_ARRAY;
	int fd = -1, err = -ENOENT;
	struct bpf_map_info info;
	struct elfmap_msg why;

	if (map->is_internal)
		return 0;
	if (map->pin_path && !is_private)
		err = elfmap_map__open_for(map->pin_path, ELFMAP_READ_WRITE, &fd, &info, &why);
	if (!err) {
		err = reuse(load, map, fd, &info, msg);
		close(fd);
		return err;
	}
	if (err != -ENOENT)
		return elfmap_msg__set(msg, err, "map '%s': %s %s", map->map.name, map->pin_path, why.text);
	return check_template(load, map, msg);
}

/* A map that nothing holds when we are gone takes its tail-call slots with it. */
static void warn_about_slots(const struct elfmap_load *load)
{
	char text[256];

	for (size_t i = 0; load->opts.warn && i < load->nr_progs; i++) {
		int slots = load->progs[i].slot_map;

		if (slots < 0 || load->maps[slots].pin_path || load->opts.private_slots)
			continue;
		snprintf(text, sizeof(text),
			 "warning: map '%s' is not pinned, so the kernel empties its tail-call slots when this command "
			 "ends; declare it with PIN_GLOBAL_NS or PIN_OBJECT_NS",
			 load->maps[slots].map.name);
		load->opts.warn(load->file, text);
		return;
	}
}

/* ---- programs -------------------------------------------------------------------------------------------- */

/* The tables that were there before keep what is in their slots. */
static void keep_to_graft(struct elfmap_load *load)
{
	const struct elfmap_load_prog *graft = elfmap_load__find_prog(load, load->opts.section);

	for (size_t i = 0; i < load->nr_progs; i++) {
		struct elfmap_load_prog *prog = &load->progs[i];

		if (prog == graft || (prog->slot_map >= 0 && load->maps[prog->slot_map].is_reused))
			prog->slot_map = -1;
		prog->is_wanted = prog == graft || prog->slot_map >= 0;
	}
}

static int prepare_progs(const struct elfmap_load *load, struct elfmap_msg *msg)
{
	for (size_t i = 0; i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];
		int err = bpf_program__set_autoload(prog->bpf, prog->is_wanted);

		if (!err && prog->is_wanted) {
			bpf_program__set_type(prog->bpf, prog->type);
			bpf_program__set_expected_attach_type(prog->bpf, 0);
		}
		if (err)
			return elfmap_msg__set(msg, err, "program '%s': %s", prog->name, strerror(-err));
	}
	return 0;
}

/* libbpf loads programs in order and stops at the first that is refused. */
static const struct elfmap_load_prog *find_refused(const struct elfmap_load *load)
{
	char word[BPF_OBJ_NAME_LEN + 128];

	for (size_t i = 0; i < load->nr_progs; i++) {
		snprintf(word, sizeof(word), "prog '%s': BPF program load failed", load->progs[i].name);
		if (!strncmp(said, word, strlen(word)))
			return &load->progs[i];
	}
	return NULL;
}

static int explain_refusal(const struct elfmap_load *load, int err, struct elfmap_msg *msg)
{
	const struct elfmap_load_prog *prog = find_refused(load);

	if (prog)
		return elfmap_msg__set(
			msg, err,
			"program '%s' (section '%s'): the kernel refuses it: %s; 'elfmap check %s' shows "
			"where",
			prog->name, prog->section, strerror(-err), load->file);
	for (size_t i = 0; i < load->nr_maps; i++) {
		const char *fault = load->maps[i].is_reused ? NULL : elfmap_map__fault(&load->maps[i].map.def);

		if (fault && !load->maps[i].is_internal)
			return elfmap_msg__set(msg, err, "map '%s': %s", load->maps[i].map.name, fault);
	}
	return elfmap_msg__set(msg, err, "%s; 'elfmap check %s' shows why", *said ? said : strerror(-err), load->file);
}

int elfmap_load__kernel(struct elfmap_load *load, struct elfmap_msg *msg)
{
	libbpf_print_fn_t before;
	int err = 0;

	*said = '\0';
	before = libbpf_set_print(hear);
	for (size_t i = 0; !err && i < load->nr_maps; i++)
		err = prepare_map(load, &load->maps[i], msg);
	if (!err && load->opts.graft_into)
		keep_to_graft(load);
	err = err ?: prepare_progs(load, msg);
	if (!err) {
		err = bpf_object__load(load->bpf);
		if (err)
			explain_refusal(load, err, msg);
	}
	if (!err) {
		err = elfmap_load__note_start(load);
		if (err)
			elfmap_msg__set(msg, err, "what its variables start with cannot be noted: %s", strerror(-err));
	}
	if (!err)
		warn_about_slots(load);
	libbpf_set_print(before);
	return err;
}
