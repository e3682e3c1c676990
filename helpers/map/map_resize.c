// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map resize`: another map of the same form and content, but with more room, under the same pin. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_pin.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "hook/map_users.h"
#include "hook/references.h"
#include "map/map.h"
#include "map/map_copy.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"

int map_check_programs(const struct elfmap_census *census, __u32 map, const char *path, struct elfmap_msg *msg)
{
	if (!census->complete)
		return elfmap_msg__set(msg, -EPERM, "only root can see whether a program uses it; 'sudo elfmap ...'");
	for (size_t i = 0; i < census->nr_progs; i++)
		if (elfmap_program__uses(&census->progs[i], map))
			return elfmap_msg__set(msg, -EBUSY,
					       "program %u (%.*s) uses it and would go on with the old map; 'elfmap "
					       "map show %s' shows where it is attached: remove it there first",
					       census->progs[i].id, BPF_OBJ_NAME_LEN, census->progs[i].name, path);
	return 0;
}

int map_check_processes(__u32 map, struct elfmap_msg *msg)
{
	char process[16];
	int pid;

	if (!elfmap_process__has_map(map, &pid, process))
		return 0;
	return elfmap_msg__set(
		msg, -EBUSY,
		"process %d (%s) has it open and would go on with the old map; end it first, and start it "
		"again afterwards",
		pid, process);
}

/* Other users of the map would keep the old one, and the two would differ unnoticed. */
int map_check_unused(__u32 map, const char *path, struct elfmap_msg *msg)
{
	struct elfmap_census census;
	int err = elfmap_census__take(&census, msg);

	if (err)
		return err;
	err = map_check_programs(&census, map, path, msg);
	for (size_t i = 0; i < census.nr_holdings && !err; i++)
		if (census.holdings[i].inner == map)
			err = elfmap_msg__set(msg, -EBUSY, "map %u has it in a slot and would go on with the old one",
					      census.holdings[i].outer);
	for (size_t i = 0; i < census.pins.nr && !err; i++)
		if (elfmap_pinned__is_other(&census.pins.pins[i], map, path))
			err = elfmap_msg__set(
				msg, -EBUSY,
				"it is also pinned at %s, which would still refer to the old map; 'elfmap "
				"map unpin %s' first",
				census.pins.pins[i].path, census.pins.pins[i].path);
	elfmap_census__free(&census);
	return err ?: map_check_processes(map, msg);
}

/* Fills and freezes the new map, and only then gives it the name. */
static int take_over(const struct elfmap_reader *old, const struct elfmap_form *form, int fd, const char *path,
		     struct elfmap_msg *msg)
{
	struct elfmap_reader map = *old; /* the types are the same */
	__u32 size = sizeof(map.info);
	int err;

	map.fd = fd;
	map.info = (struct bpf_map_info){};
	err = bpf_obj_get_info_by_fd(fd, &map.info, &size);
	if (err)
		return elfmap_msg__set(msg, err, "the kernel does not describe the new map: %s", strerror(-err));
	err = elfmap_map__copy(old, &map, msg);
	if (!err && form->frozen) {
		err = bpf_map_freeze(fd);
		if (err)
			elfmap_msg__set(msg, err, "the new map cannot be frozen: %s", strerror(-err));
	}
	return err ?: elfmap_pin__replace(fd, path, msg);
}

static int resize(const char *path, __u32 max, struct elfmap_msg *msg)
{
	struct elfmap_form form = {.btf = -1, .inner = -1};
	struct elfmap_reader old = {.fd = -1};
	int fd = -1, err;

	err = elfmap_reader__open_for(path, ELFMAP_READ, NULL, &old, msg);
	if (err || old.info.max_entries == max)
		goto out;
	err = elfmap_map__check_copyable(&old.info, msg);
	err = err ?: map_check_unused(old.info.id, path, msg);
	err = err ?: elfmap_form__read(old.fd, &old.info, &form, msg);
	form.max_entries = max;
	err = err ?: elfmap_form__create(&form, &fd, msg);
	err = err ?: take_over(&old, &form, fd, path, msg);
out:
	if (fd >= 0)
		close(fd);
	elfmap_form__free(&form);
	elfmap_reader__close(&old);
	return err;
}

/* Its companion needs as many entries. */
static int resize_companion(const char *path, __u32 max, struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	char companion[PATH_MAX];
	int fd, err = 0;

	if (elfmap_map__open(path, &fd, &info, msg))
		return 0;
	if (map_companion_path(path, fd, companion) && !access(companion, F_OK))
		err = resize(companion, max, msg);
	close(fd);
	return err;
}

struct resize_request {
	const char *pin;
	__u32 max;
};

static int run(const void *words)
{
	const struct resize_request *request = words;
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int lock = -1, status = EXIT_SUCCESS;

	if (elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg) || elfmap_pin__lock(path, &lock, &msg) ||
	    resize(path, request->max, &msg) || resize_companion(path, request->max, &msg))
		status = complain(request->pin, "%s", msg.text);
	if (lock >= 0)
		close(lock);
	return status;
}

static const struct option_row options[] = {
	PIN_ROW(struct resize_request),
	{NULL, "MAX", OPTION_REQUIRED, OPTION_NUMBER_AT(struct resize_request, max, 1, UINT32_MAX)},
	{},
};

const struct verb map_resize_verb = {
	.name = "resize",
	.summary = "change max_entries, keep the entries",
	.run = run,
	.options = options,
	.request_size = sizeof(struct resize_request),
	.changes = true,
};
