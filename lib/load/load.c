// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* load, the second step: makes maps and loads programs, which are not visible to others yet; and all steps in order. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/quote.h"
#include "kinds/maps.h"
#include "load/form.h"
#include "load/globals.h"
#include "load/load.h"
#include "load/start.h"
#include "pins/pin.h"
#include "pins/pins.h"

/* ---- warnings of libbpf ------------------------------------------------------------------------------------ */

static char said[512]; /* the first warning that matters; later ones only report that the load failed */
static libbpf_print_fn_t heard_before;

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[sizeof(said)];

	if (level != LIBBPF_WARN || *said)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	/* Older kernels support less of BTF; libbpf continues without it. */
	if (!strstr(line, "Retrying without BTF") && !strstr(line, "BTF is optional"))
		strcpy(said, line);
	return 0;
}

void elfmap_load__listen(void)
{
	libbpf_print_fn_t before = libbpf_set_print(hear);

	heard_before = before == hear ? heard_before : before;
	*said = '\0';
}

const char *elfmap_load__said(void)
{
	return said;
}

void elfmap_load__stop_listening(void)
{
	libbpf_set_print(heard_before);
}

char elfmap_load_log[ELFMAP_LOG_SIZE];

/* ---- maps ------------------------------------------------------------------------------------------------ */

/* The commands that carry the entries of MAP's pin over to the form of the object. */
static void add_conversion(const struct elfmap_load *load, const struct elfmap_load_map *map, const char *differences,
			   struct elfmap_msg *msg)
{
	char upgrade[PATH_MAX], migrate[2 * PATH_MAX];
	struct elfmap_msg what = *msg;

	elfmap_command__write(upgrade, sizeof(upgrade), "elfmap", "upgrade", load->file, (const char *)NULL);
	elfmap_command__write(migrate, sizeof(migrate), "elfmap", "map", "migrate", map->pin_path, load->file,
			      (const char *)NULL);
	elfmap_msg__set(msg, 0, "%s%s%s; its entries are converted by: %s, or, if nothing uses it: %s", what.text,
			*differences ? ": " : "", differences, upgrade, migrate);
}

/* The load goes on with a map that is made anew, or with the running one. Otherwise ERR is returned, of its comparison
 * with the pin by definition alone. */
static int compare_form(const struct elfmap_load *load, struct elfmap_load_map *map, const struct bpf_map_info *info,
			int err, struct elfmap_msg *msg)
{
	struct elfmap_msg what, warning, unused = {};
	enum elfmap_load_form form;

	if (!load->opts.may_grow && !err && !load->opts.warn)
		return 0;
	msg = msg ?: &unused;
	form = elfmap_load_map__compare(load, map, info, &what);
	map->has_grown = load->opts.may_grow && form == ELFMAP_FORM_CONVERTED;
	if (map->has_grown)
		return 0;
	if (err && form == ELFMAP_FORM_CONVERTED && map->pin_path) {
		add_conversion(load, map, what.text, msg);
	} else if (err && *what.text) {
		warning = *msg;
		elfmap_msg__set(msg, err, "%s; %s", warning.text, what.text);
	} else if (form == ELFMAP_FORM_CONVERTED && map->pin_path) {
		elfmap_msg__set(&warning, 0, "warning: map '%s': its members are not those of its pin", map->map.name);
		add_conversion(load, map, what.text, &warning);
		load->opts.warn(load->file, warning.text);
	}
	return err;
}

/* libbpf duplicates FD, and renames its map to the kernel's name, of 15 characters. */
static int give_to_libbpf(struct elfmap_load_map *map, int fd, struct elfmap_msg *msg)
{
	int err;

	if (!map->is_legacy && !map->own_name) {
		map->own_name = strdup(map->map.name);
		if (!map->own_name)
			return elfmap_msg__set(msg, -ENOMEM, "no memory");
		map->map.name = map->own_name;
	}
	err = bpf_map__reuse_fd(map->bpf, fd);
	if (err)
		return elfmap_msg__set(msg, err, "map '%s': %s", map->map.name, strerror(-err));
	map->is_reused = true;
	return 0;
}

/* FD is the pin's; the map duplicates it. */
static int reuse(const struct elfmap_load *load, struct elfmap_load_map *map, int fd, struct elfmap_msg *msg)
{
	struct elfmap_pin_user *users = calloc(load->nr_progs + 1, sizeof(*users));
	struct bpf_map_info info;
	size_t nr_users = 0;
	int err;

	if (!users)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; i < load->nr_progs; i++)
		if (load->progs[i].is_wanted)
			users[nr_users++] =
				(struct elfmap_pin_user){.type = load->progs[i].type, .program = load->progs[i].name};
	err = elfmap_pin__take(&map->map, map->pin_path, fd, users, nr_users, &info, msg);
	free(users);
	if (!err || err == -EEXIST)
		err = compare_form(load, map, &info, err, msg);
	if (err == -EEXIST)
		elfmap_pin__add_remedy(map->pin_path, msg);
	return err || map->has_grown ? err : give_to_libbpf(map, fd, msg);
}

/* FD is the running version's map; libbpf duplicates it. */
static int take_over(const struct elfmap_load *load, struct elfmap_load_map *map, int fd, struct elfmap_msg *msg)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &size);
	struct elfmap_msg why;

	if (err)
		return elfmap_msg__set(msg, err, "map '%s': %s", map->map.name, strerror(-err));
	err = elfmap_pin__compare_running(&map->map, &info, &why);
	if (err)
		elfmap_msg__set(msg, err, "%s; 'elfmap upgrade %s --reset %s' starts it anew", why.text, load->file,
				map->map.name);
	err = compare_form(load, map, &info, err, msg);
	if (err || map->has_grown)
		return err;
	map->is_running = true;
	return give_to_libbpf(map, fd, msg);
}

/* libbpf checks the templates of BTF-defined maps. */
static int check_template(const struct elfmap_load *load, const struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	return load->object->has_legacy_maps && !bpf_map__inner_map(map->bpf)
		       ? elfmap_pin__check_template(&map->map, msg)
		       : 0;
}

static unsigned char *copy_of(const void *bytes, size_t size)
{
	unsigned char *copy = malloc(size);

	return copy ? memcpy(copy, bytes, size) : NULL;
}

/* The values with which MAP is made, if they are not those of the object. */
static int set_values(const struct elfmap_load *load, const struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	size_t size;
	unsigned char *values = copy_of(bpf_map__initial_value(map->bpf, &size), map->size);
	int err = values ? elfmap_load__apply_settings(load, map, values, msg)
			 : elfmap_msg__set(msg, -ENOMEM, "no memory");

	if (!err) {
		err = bpf_map__set_initial_value(map->bpf, values, map->size);
		if (err)
			elfmap_msg__set(msg, err, "%s: %s", map->section, strerror(-err));
	}
	free(values);
	return err;
}

static int prepare_globals(const struct elfmap_load *load, struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	const struct elfmap_load_source *source = load->opts.source;
	const void *start = bpf_map__initial_value(map->bpf, &map->size);
	int err;

	map->section = elfmap_start__section(map->bpf);
	if (!start || !map->section)
		return 0; /* libbpf's own, such as .kconfig */
	map->start = copy_of(start, map->size);
	map->requested = copy_of(start, map->size);
	if (!map->start || !map->requested)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = elfmap_load__apply_settings(load, map, map->requested, msg);
	if (!err && source)
		err = source->fill_globals(source->context, load, map, msg);
	return err || !load->opts.settings ? err : set_values(load, map, msg);
}

static int prepare_map(const struct elfmap_load *load, struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	bool is_private = load->opts.private_slots && elfmap_map__is_prog_array(map->map.def.type);
	int fd = -1, err = -ENOENT;
	struct bpf_map_info info;
	struct elfmap_msg why;

	if (map->is_internal)
		return prepare_globals(load, map, msg);
	if (load->opts.source && map->pin_path && !is_private)
		fd = load->opts.source->find_successor(load->opts.source->context, map);
	if (fd >= 0)
		return give_to_libbpf(map, fd, msg);
	map->starts_anew = load->opts.source && load->opts.source->starts_anew(load->opts.source->context, map);
	if (map->starts_anew)
		return check_template(load, map, msg);
	fd = map->pin_path && !is_private && load->opts.share ? load->opts.share(load->opts.sharer, map->pin_path) : -1;
	if (fd >= 0)
		return reuse(load, map, fd, msg);
	if (map->pin_path && !is_private)
		err = elfmap_map__open_for(map->pin_path, ELFMAP_READ_WRITE, &fd, &info, &why);
	if (!err) {
		err = reuse(load, map, fd, msg);
		close(fd);
		return err;
	}
	fd = err == -ENOENT && map->pin_path && !is_private && load->opts.lend
		     ? load->opts.lend(load->opts.lender, map->pin_path)
		     : -1;
	if (fd >= 0) {
		err = reuse(load, map, fd, msg);
		map->is_lent = map->is_reused;
		return err;
	}
	if (err != -ENOENT)
		return elfmap_msg__set(msg, err, "map '%s': %s %s", map->map.name, map->pin_path, why.text);
	if (load->opts.source && !is_private)
		err = load->opts.source->find_map(load->opts.source->context, load, map, &fd, msg);
	if (!err) {
		err = take_over(load, map, fd, msg);
		close(fd);
	}
	return err == -ENOENT ? check_template(load, map, msg) : err;
}

/* A map that no pin or program holds loses its tail-call slots when the command ends. */
static void warn_about_slots(const struct elfmap_load *load)
{
	struct elfmap_msg text;

	for (size_t i = 0; load->opts.warn && !load->opts.private_slots && i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];

		if (prog->slot_map < 0 ||
		    !elfmap_pair__loses_slots(&load->pair, &load->object->maps[prog->read->slot_map],
					      load->maps[prog->slot_map].pin_path, &text))
			continue;
		load->opts.warn(load->file, text.text);
		return;
	}
}

/* ---- programs -------------------------------------------------------------------------------------------- */

/* Slots of existing tables are not changed. */
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

/* Each program has a log of its own, from its first byte to the end of the buffer: see find_refused(). */
static int prepare_progs(const struct elfmap_load *load, struct elfmap_msg *msg)
{
	_Static_assert(ELFMAP_FILE_MAX / 32 < ELFMAP_LOG_SIZE,
		       "a program needs an instruction, and a symbol or a section");
	memset(elfmap_load_log, 0, load->nr_progs);
	for (size_t i = 0; i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];
		int err = bpf_program__set_autoload(prog->bpf, prog->is_wanted);

		if (!err && prog->is_wanted)
			err = elfmap_load__set_type(load, prog, prog->bpf)
				      ?: bpf_program__set_log_buf(prog->bpf, elfmap_load_log + i, ELFMAP_LOG_SIZE - i);
		if (err)
			return elfmap_msg__set(msg, err, "program '%s': %s", prog->name, strerror(-err));
	}
	return 0;
}

/* libbpf loads programs in order, stops at the first that is refused, and asks for the verifier's log of that one
 * alone. The log of program NTH starts at byte NTH of the buffer, where zeros were. */
static const struct elfmap_load_prog *find_refused(const struct elfmap_load *load)
{
	for (size_t i = 0; i < load->nr_progs; i++)
		if (elfmap_load_log[i])
			return &load->progs[i];
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
	if (!*said)
		return elfmap_msg__set(msg, err, "%s; 'elfmap check %s' shows why", strerror(-err), load->file);
	return elfmap_msg__set(msg, err, "%s; 'elfmap check %s' shows why",
			       said + (strncmp(said, "libbpf: ", 8) ? 0 : 8), load->file);
}

int elfmap_load__kernel(struct elfmap_load *load, struct elfmap_msg *msg)
{
	int err = 0;

	elfmap_load__listen();
	err = elfmap_load__check_settings(load, msg);
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
		elfmap_load__note_file(load);
		err = elfmap_load__note_start(load);
		if (err)
			elfmap_msg__set(msg, err, "the start values of its variables cannot be recorded: %s",
					strerror(-err));
	}
	if (!err)
		warn_about_slots(load);
	elfmap_load__stop_listening();
	return err;
}

/* ---- all steps ---------------------------------------------------------------------------------------------- */

#define MAX_TRIES 8 /* other commands may pin one of the maps at the same time */

int elfmap_load__look_only(void *context, struct elfmap_load *load, struct elfmap_msg *msg)
{
	(void)context;
	(void)load;
	(void)msg;
	return 1;
}

static int commit(struct elfmap_load *load, const struct elfmap_load_goal *goal, struct elfmap_msg *msg)
{
	char dir[PATH_MAX];
	int err;

	if (!goal->pins_programs)
		return elfmap_load__commit(load, NULL, msg);
	err = elfmap_load__progs_dir(load->opts.tc_dir, load->file, dir, sizeof(dir), msg);
	return err ?: elfmap_load__commit(load, dir, msg);
}

static int run_once(const char *file, const struct elfmap_load_opts *opts, const struct elfmap_load_goal *goal,
		    struct elfmap_load **ret_load, struct elfmap_msg *msg)
{
	struct elfmap_load *load = NULL;
	int err;

	err = elfmap_load__open(file, opts, &load, msg);
	err = err ?: elfmap_load__kernel(load, msg);
	if (!err && goal->look)
		err = goal->look(goal->context, load, msg);
	if (!err)
		err = commit(load, goal, msg);
	if (err < 0)
		elfmap_load__free(load);
	else
		*ret_load = load;
	return err < 0 ? err : 0;
}

int elfmap_load__run(const char *file, const struct elfmap_load_opts *opts, const struct elfmap_load_goal *goal,
		     struct elfmap_load **ret_load, struct elfmap_msg *msg)
{
	static const struct elfmap_load_goal commit_alone;
	int err = -EAGAIN;

	for (int i = 0; err == -EAGAIN && i < MAX_TRIES; i++)
		err = run_once(file, opts, goal ?: &commit_alone, ret_load, msg);
	return err;
}

void elfmap_load__end(struct elfmap_load *load, bool keep)
{
	if (load && keep)
		elfmap_load__keep(load);
	else if (load)
		elfmap_load__undo(load);
	elfmap_load__free(load);
}
