// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * load, the third step: makes maps and programs visible. Each change is recorded, so that a failure undoes the changes
 * before it. If the command is killed, at most pins of new maps stay, which the next load of the object uses. Programs
 * come last, in one step.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/path.h"
#include "base/pause.h"
#include "kinds/maps.h"
#include "load/holder.h"
#include "load/load.h"
#include "load/note.h"
#include "load/start.h"
#include "pins/made.h"
#include "pins/map_id.h"
#include "pins/pin_change.h"
#include "pins/pins.h"

#define RENAME_NO_REPLACE 1 /* of <linux/fs.h>, which conflicts with <sys/mount.h> */
#define RENAME_SWAP 2
#define MAX_MAPS 256 /* of a program; the verifier allows 64 */

struct elfmap_load_change {
	enum {
		CHANGED_PIN,
		CHANGED_SLOT,
		CHANGED_PROGS, /* a directory that was not there before */
		SWAPPED_PROGS, /* it existed; it is now named DIR~new */
	} what;
	char *path; /* of a pin or directory */
	__u32 map;  /* pin, slot: id of the map */
	__u32 key;
	__u32 prog;   /* slot: id of the program that was put there */
	int old;      /* slot: the program that was in it, a descriptor; negative: none, or held by its id */
	__u32 old_id; /* held by the caller's struct elfmap_holder; 0: none */
};

static int note(struct elfmap_load *load, struct elfmap_load_change change, const char *path, struct elfmap_msg *msg)
{
	struct elfmap_load_change *grown = elfmap_array__grow(load->changes, load->nr_changes, sizeof(*grown));

	if (!grown)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	load->changes = grown;
	change.path = path ? strdup(path) : NULL;
	if (path && !change.path)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	grown[load->nr_changes++] = change;
	return 0;
}

/* ---- maps and slots -------------------------------------------------------------------------------------- */

static bool is_ours_to_pin(const struct elfmap_load *load, const struct elfmap_load_map *map)
{
	bool is_private = load->opts.private_slots && elfmap_map__is_prog_array(map->map.def.type);

	return map->pin_path && (!map->is_reused || map->is_running) && !map->has_grown && !map->starts_anew &&
	       !is_private;
}

/* A map that another load was to pin. */
static int check_lent(const struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	int fd, err = elfmap_map__open(map->pin_path, &fd, &info, NULL);

	if (!err)
		close(fd);
	if (err || info.id != elfmap_map__id(elfmap_pair__fd(map->bpf)))
		return elfmap_msg__set(msg, -EAGAIN, "map '%s': another command has pinned it", map->map.name);
	return 0;
}

static int pin_map(struct elfmap_load *load, const struct elfmap_load_map *map, struct elfmap_msg *msg)
{
	struct elfmap_msg why;
	__u32 id;
	int err;

	if (map->is_lent)
		return check_lent(map, msg);
	if (!is_ours_to_pin(load, map))
		return 0;
	err = elfmap_pin__add(elfmap_pair__fd(map->bpf), map->pin_path, &why);
	if (err)
		return elfmap_msg__set(msg, err == -EEXIST ? -EAGAIN : err, "map '%s': %s", map->map.name, why.text);
	id = elfmap_map__id(elfmap_pair__fd(map->bpf));
	elfmap_made__note(map->pin_path, id);
	err = note(load, (struct elfmap_load_change){.what = CHANGED_PIN, .map = id}, map->pin_path, msg);
	if (err)
		unlink(map->pin_path);
	return err;
}

/* The id of program FD; 0: unknown. */
static __u32 prog_id(int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* The program in a slot. -ENOENT: there is none. */
static int get_slot(int map, __u32 key)
{
	__u32 id;
	int err = bpf_map_lookup_elem(map, &key, &id);

	return err ?: bpf_prog_get_fd_by_id(id);
}

static int explain_slot(const struct elfmap_load *load, const struct elfmap_load_prog *prog, int err,
			struct elfmap_msg *msg)
{
	return elfmap_msg__set(msg, err, "section '%s': slot %u of map '%s': %s", prog->section, prog->slot_key,
			       load->maps[prog->slot_map].map.name, strerror(-err));
}

static int fill_slot(struct elfmap_load *load, const struct elfmap_load_prog *prog, struct elfmap_msg *msg)
{
	struct elfmap_load_change change = {.what = CHANGED_SLOT, .key = prog->slot_key};
	int err, map, fd = bpf_program__fd(prog->bpf);

	if (prog->slot_map < 0)
		return 0;
	map = elfmap_pair__fd(load->maps[prog->slot_map].bpf);
	change.map = elfmap_map__id(map);
	change.prog = prog->id;
	change.old = get_slot(map, change.key);
	if (change.old < 0 && change.old != -ENOENT)
		return explain_slot(load, prog, change.old,
				    msg); /* a program that could not be restored is not replaced */
	err = note(load, change, NULL, msg);
	if (err) {
		if (change.old >= 0)
			close(change.old);
		return err;
	}
	err = bpf_map_update_elem(map, &prog->slot_key, &fd, BPF_ANY);
	return err ? explain_slot(load, prog, err, msg) : 0;
}

static void restore_slot(const struct elfmap_load_change *change)
{
	int map = elfmap_map__open_id(change->map);
	int old = change->old_id ? bpf_prog_get_fd_by_id(change->old_id) : change->old;
	__u32 there;

	if (map >= 0 && (bpf_map_lookup_elem(map, &change->key, &there) || there != change->prog))
		; /* another command has changed it since */
	else if (map >= 0 && old >= 0)
		bpf_map_update_elem(map, &change->key, &old, BPF_ANY);
	else if (map >= 0)
		bpf_map_delete_elem(map, &change->key);
	if (map >= 0)
		close(map);
	if (change->old_id && old >= 0)
		close(old);
}

/* ---- programs -------------------------------------------------------------------------------------------- */

static int pin_programs(const struct elfmap_load *load, const char *dir, struct elfmap_msg *msg)
{
	char path[PATH_MAX + BPF_OBJ_NAME_LEN];
	int err = 0;

	for (size_t i = 0; !err && i < load->nr_progs; i++) {
		const struct elfmap_load_prog *prog = &load->progs[i];
		struct elfmap_msg why;

		if (!prog->is_wanted)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", dir, prog->name) >= (int)sizeof(path))
			err = elfmap_msg__set(msg, -ENAMETOOLONG, "program '%s': the path is too long", prog->name);
		else if ((err = elfmap_pin__add(bpf_program__fd(prog->bpf), path, &why)))
			elfmap_msg__set(msg, err, "program '%s': %s", prog->name, why.text);
	}
	return err;
}

static void staging_path(const char *dir, char staging[PATH_MAX + 8])
{
	snprintf(staging, PATH_MAX + 8, "%s~new", dir);
}

static int rename_with(const char *from, const char *to, unsigned int flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) ? -errno : 0;
}

/* Excludes other commands until *RET_LOCK is closed. */
static int lock_progs(const char *dir, int *ret_lock, struct elfmap_msg *msg)
{
	char parent[PATH_MAX];

	snprintf(parent, sizeof(parent), "%s", dir);
	*strrchr(parent, '/') = '\0';
	if (mkdir(parent, 0700) && errno != EEXIST)
		return elfmap_msg__set(msg, -errno, "%s: %s", parent, strerror(errno));
	*ret_lock = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_lock < 0)
		return elfmap_msg__set(msg, -errno, "%s: %s", parent, strerror(errno));
	while (flock(*ret_lock, LOCK_EX))
		if (errno != EINTR)
			return elfmap_msg__set(msg, -errno, "%s: cannot be locked: %s", parent, strerror(errno));
	return 0;
}

/* Replaces DIR by STAGING. */
static int put_in_place(struct elfmap_load *load, const char *staging, const char *dir, struct elfmap_msg *msg)
{
	bool exists = !access(dir, F_OK);
	int err;

	err = note(load, (struct elfmap_load_change){.what = exists ? SWAPPED_PROGS : CHANGED_PROGS}, dir, msg);
	if (err)
		return err;
	err = rename_with(staging, dir, exists ? RENAME_SWAP : RENAME_NO_REPLACE);
	if (!err)
		return 0;
	free(load->changes[--load->nr_changes].path);
	return elfmap_msg__set(msg, err, "%s: cannot be put in place: %s", dir, strerror(-err));
}

static void note_programs(const struct elfmap_load *load, const char *dir)
{
	char path[PATH_MAX + BPF_OBJ_NAME_LEN];

	for (size_t i = 0; i < load->nr_progs; i++) {
		struct bpf_prog_info info = {};
		__u32 size = sizeof(info);

		if (!load->progs[i].is_wanted ||
		    bpf_obj_get_info_by_fd(bpf_program__fd(load->progs[i].bpf), &info, &size))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, load->progs[i].name);
		elfmap_made__note(path, info.id);
	}
}

static int commit_programs(struct elfmap_load *load, const char *dir, struct elfmap_msg *msg)
{
	char staging[PATH_MAX + 8];
	int err, lock = -1;

	staging_path(dir, staging);
	err = lock_progs(dir, &lock, msg);
	if (!err) {
		elfmap_pin__remove_directory(staging); /* left by a command that was killed */
		err = pin_programs(load, staging, msg);
		err = err ?: put_in_place(load, staging, dir, msg);
		if (err)
			elfmap_pin__remove_directory(staging);
		else
			note_programs(load, dir);
	}
	if (lock >= 0)
		close(lock);
	return err;
}

int elfmap_load__remove_progs(const char *dir, struct elfmap_msg *msg)
{
	char staging[PATH_MAX + 8];
	int err, lock = -1;

	if (access(dir, F_OK) && errno == ENOENT)
		return elfmap_msg__set(msg, -ENOENT, "%s: it is not loaded", dir);
	staging_path(dir, staging);
	err = lock_progs(dir, &lock, msg);
	if (!err) {
		elfmap_pin__remove_directory(staging);
		err = rename_with(dir, staging, RENAME_NO_REPLACE);
		if (err)
			elfmap_msg__set(msg, err, "%s: %s", dir, err == -ENOENT ? "it is not loaded" : strerror(-err));
		else
			elfmap_pin__remove_directory(staging);
	}
	if (lock >= 0)
		close(lock);
	return err;
}

int elfmap_load__progs_dir(const char *tc_dir, const char *file, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	char object[NAME_MAX + 1], name[NAME_MAX + 1];
	size_t length;

	snprintf(object, sizeof(object), "%s", elfmap_path__name(file));
	length = strlen(object);
	if (length > 2 && !strcmp(object + length - 2, ".o"))
		object[length - 2] = '\0';
	if (elfmap_pin_name__escape(object, name, sizeof(name)) ||
	    snprintf(ret_path, size, "%s/progs/%s", tc_dir, name) >= (int)size || size > PATH_MAX)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path of its pins is too long");
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------------------- */

int elfmap_load__commit(struct elfmap_load *load, const char *progs_dir, struct elfmap_msg *msg)
{
	int err = 0;

	for (size_t i = 0; i < load->nr_progs; i++)
		load->progs[i].id = prog_id(bpf_program__fd(load->progs[i].bpf));
	for (size_t i = 0; !err && i < load->nr_maps; i++)
		err = pin_map(load, &load->maps[i], msg);
	for (size_t i = 0; !err && i < load->nr_progs; i++)
		err = fill_slot(load, &load->progs[i], msg);
	if (!err && progs_dir)
		err = commit_programs(load, progs_dir, msg);
	if (err)
		elfmap_load__undo(load);
	return err;
}

static void close_change(struct elfmap_load_change *change)
{
	if (change->what == CHANGED_SLOT && change->old >= 0)
		close(change->old);
	free(change->path);
}

/* Removes the staging directory of DIR. GO_BACK: exchanges it with DIR first. */
static void drop_staging(const char *dir, bool go_back)
{
	char staging[PATH_MAX + 8];
	int lock = -1;

	staging_path(dir, staging);
	if (!lock_progs(dir, &lock, NULL) && (!go_back || !rename_with(staging, dir, RENAME_SWAP)))
		elfmap_pin__remove_directory(staging);
	if (lock >= 0)
		close(lock);
}

static bool is_ours(const struct elfmap_load *load, __u32 id)
{
	for (size_t i = 0; i < load->nr_progs; i++)
		if (load->progs[i].id == id)
			return true;
	return false;
}

static bool uses_map(int prog, __u32 map)
{
	__u32 maps[MAX_MAPS] = {}, size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = MAX_MAPS, .map_ids = (__u64)(uintptr_t)maps};

	if (bpf_obj_get_info_by_fd(prog, &info, &size))
		return false;
	for (__u32 i = 0; i < info.nr_map_ids && i < MAX_MAPS; i++)
		if (maps[i] == map)
			return true;
	return false;
}

/* Does a program of another command use the map? */
static bool is_taken(const struct elfmap_load *load, __u32 map)
{
	bool taken = false;
	__u32 id = 0;

	while (!taken && !bpf_prog_get_next_id(id, &id)) {
		int prog = bpf_prog_get_fd_by_id(id);

		if (prog < 0)
			continue;
		taken = uses_map(prog, map) && !is_ours(load, id);
		close(prog);
	}
	return taken;
}

/* A pin that another command has taken since, or replaced, stays. */
static void undo_pin(const struct elfmap_load *load, const struct elfmap_load_change *change)
{
	int fd = bpf_obj_get(change->path);
	__u32 id = fd >= 0 ? elfmap_map__id(fd) : 0;
	int pauses = 0;

	if (fd >= 0)
		close(fd);
	if (id != change->map)
		return;
	while (load->lock >= 0 && is_taken(load, id)) /* else the caller excludes others */
		if (!elfmap_pause(&pauses))
			return;
	elfmap_pin__remove(change->path, 1); /* also the directory that tc makes for an object */
	elfmap_made__forget(load->opts.tc_dir, change->path);
}

/* Others that load hold the lock shared, from taking a pin until their programs are attached. After some pauses the
 * pins are looked at without it. */
static void wait_for_others(const struct elfmap_load *load)
{
	int pauses = 0;

	while (load->lock >= 0 && flock(load->lock, LOCK_EX | LOCK_NB) && elfmap_pause(&pauses))
		;
}

void elfmap_load__undo(struct elfmap_load *load)
{
	if (load->nr_changes)
		wait_for_others(load);
	while (load->nr_changes) {
		struct elfmap_load_change *change = &load->changes[--load->nr_changes];

		if (change->what == CHANGED_PIN) {
			undo_pin(load, change);
		} else if (change->what == CHANGED_SLOT) {
			restore_slot(change);
		} else if (change->what == CHANGED_PROGS) {
			elfmap_pin__remove_directory(change->path);
			*strrchr(change->path, '/') = '\0';
			rmdir(change->path); /* fails where there are others */
		} else {
			drop_staging(change->path, true);
		}
		close_change(change);
	}
}

void elfmap_load__keep(struct elfmap_load *load)
{
	while (load->nr_changes) {
		struct elfmap_load_change *change = &load->changes[--load->nr_changes];

		if (change->what == SWAPPED_PROGS)
			drop_staging(change->path, false);
		close_change(change);
	}
}

int elfmap_load__shrink(struct elfmap_load *load, struct elfmap_holder *holder)
{
	struct bpf_prog_info info;

	for (size_t i = 0; i < load->nr_changes; i++) {
		struct elfmap_load_change *change = &load->changes[i];
		__u32 size = sizeof(info);
		int err;

		if (change->what != CHANGED_SLOT || change->old < 0)
			continue;
		memset(&info, 0, sizeof(info));
		err = bpf_obj_get_info_by_fd(change->old, &info, &size);
		err = err ?: elfmap_holder__hold(holder, info.id);
		if (err)
			return err;
		close(change->old);
		change->old = -1;
		change->old_id = info.id;
	}
	elfmap_load__close_bpf(load);
	return 0;
}

/* ---- notes: files, and start values of variables ------------------------------------------------------------- */

void elfmap_load__note_file(const struct elfmap_load *load)
{
	int note = elfmap_note__make(load->file);

	for (size_t i = 0; i < load->nr_progs; i++)
		if (load->progs[i].is_wanted)
			elfmap_note__bind(bpf_program__fd(load->progs[i].bpf), note);
	if (note >= 0)
		close(note);
}

int elfmap_load__note_start(struct elfmap_load *load)
{
	struct elfmap_start_section *sections = calloc(load->nr_maps + 1, sizeof(*sections));
	size_t nr = 0;
	int err;

	if (!sections)
		return -ENOMEM;
	for (size_t i = 0; i < load->nr_maps; i++) {
		const struct elfmap_load_map *map = &load->maps[i];
		bool constant = bpf_map__map_flags(map->bpf) & BPF_F_RDONLY_PROG;
		size_t size;

		if (map->start)
			sections[nr++] = (struct elfmap_start_section){
				map->section, map->size, map->start,
				constant ? bpf_map__initial_value(map->bpf, &size) : map->requested};
	}
	err = elfmap_start__make(sections, nr, &load->start_map);
	free(sections);
	if (err)
		return err == -ENODATA ? 0 : err;
	for (size_t i = 0; !err && i < load->nr_progs; i++)
		if (load->progs[i].is_wanted)
			err = elfmap_start__bind(bpf_program__fd(load->progs[i].bpf), load->start_map);
	return err;
}
