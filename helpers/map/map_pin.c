// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map pin` and `unpin`: another pin of a map, and one pin less without losing its content by accident. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "helpers/command.h"
#include "helpers/map/map_pin.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "map/cgroup_slots.h"
#include "map/device_names.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "pins/map_id.h"
#include "pins/map_word.h"
#include "pins/pin_change.h"

/* ---- companions ------------------------------------------------------------------------------------------ */

bool map_companion_path(const char *path, int fd, char ret_path[PATH_MAX])
{
	const char *suffix = NULL;
	struct elfmap_reader map;

	if (elfmap_reader__open_fd(fd, path, NULL, &map, NULL))
		return false;
	if (elfmap_map_kind__of(map.info.type)->value == ELFMAP_VALUE_CGROUP)
		suffix = CGROUP_NOTES_SUFFIX;
	else if (elfmap_map__has_devices(&map))
		suffix = "_devs";
	elfmap_reader__close(&map);
	return suffix && snprintf(ret_path, PATH_MAX, "%s%s", path, suffix) < PATH_MAX;
}

/* ---- pin and unpin --------------------------------------------------------------------------------------- */

struct pin_request {
	const char *map; /* a pin; NULL: the map with the id */
	__u32 id;
	const char *pin;
	bool force;
};

static int open_by_id(__u32 id, int *ret_fd, struct elfmap_msg *msg)
{
	int fd = elfmap_map__open_id(id);

	if (fd < 0) {
		snprintf(msg->text, sizeof(msg->text), "%s",
			 fd == -ENOENT ? "no map has this id; 'bpftool map list' lists them" : strerror(-fd));
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

static int open_map(const struct pin_request *request, int *ret_fd)
{
	struct bpf_map_info info;
	struct elfmap_msg msg;
	char path[PATH_MAX], id[16];

	snprintf(id, sizeof(id), "%u", request->id);
	if (request->map ? !elfmap_bpffs__pin_path(request->map, path, sizeof(path), &msg) &&
				   !elfmap_map__open(path, ret_fd, &info, &msg)
			 : !open_by_id(request->id, ret_fd, &msg))
		return EXIT_SUCCESS;
	return complain(request->map ?: id, "%s", msg.text);
}

static int run_pin(const void *words)
{
	const struct pin_request *request = words;
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int fd = -1, lock = -1, status;

	status = open_map(request, &fd);
	if (status)
		return status;
	if (elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg) || elfmap_pin__lock(path, &lock, &msg) ||
	    elfmap_pin__add(fd, path, &msg))
		status = complain(request->pin, "%s", msg.text);
	if (lock >= 0)
		close(lock);
	close(fd);
	return status;
}

static const struct option_row pin_options[] = {
	{NULL, "MAP", OPTION_REQUIRED, OPTION_TEXT_AT(struct pin_request, map), .unless = "id",
	 .completes = COMPLETE_PIN, .help = "a pin of the map; or:"},
	{NULL, "PIN", OPTION_REQUIRED, OPTION_TEXT_AT(struct pin_request, pin), .completes = COMPLETE_PIN},
	{"id", "ID", 0, OPTION_NUMBER_AT(struct pin_request, id, 0, UINT32_MAX),
	 .help = "the map with this id, instead of MAP"},
	{},
};

const struct verb map_pin_verb = {
	.name = "pin",
	.summary = "add a pin of a map",
	.run = run_pin,
	.options = pin_options,
	.request_size = sizeof(struct pin_request),
	.changes = true,
};

/* ---- unpin ---------------------------------------------------------------------------------------- */

/* The kernel empties a PROG_ARRAY with its last pin, and its program then finds no tail calls. */
static int check_last(const char *path, const struct bpf_map_info *info, struct elfmap_msg *msg)
{
	struct elfmap_census census;
	int err;

	if (!elfmap_map__is_prog_array(info->type))
		return 0;
	err = elfmap_census__take(&census, msg);
	if (err)
		return err;
	if (elfmap_census__survival(&census, info, path) == ELFMAP_KEPT)
		goto out;
	if (!census.complete) {
		snprintf(msg->text, sizeof(msg->text),
			 "the last pin of a prog_array, and only root can see whether a program uses it; --force "
			 "removes it all the same");
		err = -EPERM;
	}
	for (size_t i = 0; i < census.nr_progs && !err; i++) {
		const struct elfmap_program *prog = &census.progs[i];

		if (!elfmap_program__uses(prog, info->id))
			continue;
		snprintf(msg->text, sizeof(msg->text),
			 "the last pin of a prog_array that program %u (%.*s) uses: without it the kernel empties all "
			 "slots; 'elfmap map pin' makes another one first, --force removes it all the same",
			 prog->id, (int)sizeof(prog->name), prog->name);
		err = -EBUSY;
	}
out:
	elfmap_census__free(&census);
	return err;
}

static int unpin(const char *path, bool force, struct elfmap_msg *msg)
{
	char companion[PATH_MAX];
	struct bpf_map_info info;
	int fd, err;

	err = elfmap_map__open(path, &fd, &info, msg);
	if (err)
		return err;
	if (!force)
		err = check_last(path, &info, msg);
	if (!err && unlink(path)) {
		err = -errno;
		if (err == -EACCES || err == -EPERM)
			snprintf(msg->text, sizeof(msg->text),
				 "not permitted to remove the pin; run it as root, with 'sudo elfmap ...'");
		else
			snprintf(msg->text, sizeof(msg->text), "the pin cannot be removed: %s", strerror(-err));
	}
	if (!err && map_companion_path(path, fd, companion))
		unlink(companion);
	close(fd);
	return err;
}

static int run_unpin(const void *words)
{
	const struct pin_request *request = words;
	char path[PATH_MAX];
	struct elfmap_msg msg;
	int lock = -1, status = EXIT_SUCCESS;

	if (elfmap_map_word__is(request->pin))
		return complain(request->pin, "requires a pin; 'elfmap map list' shows them");
	if (elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg) || elfmap_pin__lock(path, &lock, &msg) ||
	    unpin(path, request->force, &msg))
		status = complain(request->pin, "%s", msg.text);
	if (lock >= 0)
		close(lock);
	return status;
}

static const struct option_row unpin_options[] = {
	PIN_ROW(struct pin_request),
	{"--force", NULL, 0, OPTION_FLAG_AT(struct pin_request, force),
	 .help = "also the last pin of a jump table that a program uses"},
	{},
};

const struct verb map_unpin_verb = {
	.name = "unpin",
	.summary = "remove a pin, unless a program needs it",
	.run = run_unpin,
	.options = unpin_options,
	.request_size = sizeof(struct pin_request),
	.changes = true,
};

/* ---- freeze --------------------------------------------------------------------------------------- */

static int run_freeze(const void *words)
{
	const struct pin_request *request = words;
	struct bpf_map_info info;
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int fd, err;

	err = elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg);
	err = err ?: elfmap_map__open_for(path, ELFMAP_READ_WRITE, &fd, &info, &msg);
	if (err)
		return complain(request->pin, "%s", msg.text);
	err = elfmap_map__is_frozen(fd) ? 0 : bpf_map_freeze(fd);
	close(fd);
	if (err == -EBUSY)
		return complain(request->pin,
				"it is mapped into the memory of a process for writing, or being written");
	if (err)
		return complain(request->pin, "it cannot be frozen: %s",
				err == -524 ? "this type of map cannot" : strerror(-err));
	return EXIT_SUCCESS;
}

static const struct option_row freeze_options[] = {
	PIN_ROW(struct pin_request),
	{},
};

const struct verb map_freeze_verb = {
	.name = "freeze",
	.summary = "make a map read-only for user space, for good",
	.run = run_freeze,
	.options = freeze_options,
	.request_size = sizeof(struct pin_request),
	.changes = true,
};
