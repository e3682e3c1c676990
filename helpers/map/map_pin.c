// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map pin` and `unpin`: another name for a map, and one name less, without losing what it holds by accident. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/map/map_companion.h"
#include "helpers/map/map_verbs.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"

static int open_by_id(const char *word, int *ret_fd, struct elfmap_msg *msg)
{
	unsigned long id;
	char *end;
	int fd;

	errno = 0;
	id = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || errno || id > UINT32_MAX) {
		snprintf(msg->text, sizeof(msg->text), "is no map's id, which is a number");
		return -EINVAL;
	}
	fd = bpf_map_get_fd_by_id((__u32)id);
	if (fd < 0) {
		snprintf(msg->text, sizeof(msg->text), "%s",
			 fd == -ENOENT ? "there is no map with this id; 'bpftool map list' shows those that there are"
				       : strerror(-fd));
		return fd;
	}
	*ret_fd = fd;
	return 0;
}

/* MAP: a pin, or `id` and a number. */
static int open_map(char **words, int nr_words, int *ret_fd, struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	char path[PATH_MAX];

	if (nr_words == 2)
		return open_by_id(words[1], ret_fd, msg);
	return elfmap_bpffs__pin_path(words[0], path, sizeof(path), msg) ?: elfmap_map__open(path, ret_fd, &info, msg);
}

int map_pin(int argc, char **argv)
{
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int fd = -1, lock = -1, status = EXIT_SUCCESS;
	bool by_id;

	argc = take_options(argc, argv, NULL);
	by_id = argc == 4 && !strcmp(argv[1], "id");
	if (argc != 3 && !by_id)
		return EXIT_USAGE;
	if (open_map(argv + 1, argc - 2, &fd, &msg))
		return complain(argv[argc - 2], "%s", msg.text);
	if (elfmap_bpffs__pin_path(argv[argc - 1], path, sizeof(path), &msg) || elfmap_pin__lock(path, &lock, &msg) ||
	    elfmap_pin__add(fd, path, &msg))
		status = complain(argv[argc - 1], "%s", msg.text);
	if (lock >= 0)
		close(lock);
	close(fd);
	return status;
}

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

int map_unpin(int argc, char **argv)
{
	bool force = take_word(&argc, argv, "--force");
	char path[PATH_MAX];
	struct elfmap_msg msg;
	int lock = -1, status = EXIT_SUCCESS;

	argc = take_options(argc, argv, NULL);
	if (argc != 2)
		return EXIT_USAGE;
	if (elfmap_bpffs__pin_path(argv[1], path, sizeof(path), &msg) || elfmap_pin__lock(path, &lock, &msg) ||
	    unpin(path, force, &msg))
		status = complain(argv[1], "%s", msg.text);
	if (lock >= 0)
		close(lock);
	return status;
}
