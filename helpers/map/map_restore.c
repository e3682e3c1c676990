// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap map restore`: makes the maps that `save` wrote, fills them, and pins them last, so that
 * a pin always leads to a complete map, and a file that is refused leaves nothing behind.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_restore.h"
#include "helpers/map/map_verbs.h"
#include "hook/map_users.h"
#include "kinds/maps.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"

#define READ_BYTES (64u << 10)

/* ---- the file ------------------------------------------------------------------------------------- */

static int write_all(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t put = write(fd, bytes, size);

		if (put < 0 && errno != EINTR)
			return -errno;
		bytes += put > 0 ? put : 0;
		size -= put > 0 ? (size_t)put : 0;
	}
	return 0;
}

static int copy_all(int from, int to)
{
	char bytes[READ_BYTES];
	int err = 0;

	while (!err) {
		ssize_t got = read(from, bytes, sizeof(bytes));

		if (!got)
			break;
		if (got > 0)
			err = write_all(to, bytes, (size_t)got);
		else if (errno != EINTR)
			err = -errno;
	}
	return err;
}

/* What comes through a pipe is kept, nameless: it is read twice, since maps are filled when all of them are there. */
static int keep_input(int from, int *ret_fd)
{
	int to = open(getenv("TMPDIR") ?: P_tmpdir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), err;

	if (to < 0)
		to = memfd_create("elfmap map restore", MFD_CLOEXEC);
	if (to < 0)
		return -errno;
	err = copy_all(from, to);
	if (!err && lseek(to, 0, SEEK_SET) < 0)
		err = -errno;
	if (err)
		close(to);
	else
		*ret_fd = to;
	return err;
}

static int open_file(struct restore *restore, const char *name)
{
	bool is_stdin = !name || !strcmp(name, "-");
	int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0) : open(name, O_RDONLY | O_CLOEXEC), err;

	restore->name = is_stdin ? "standard input" : name;
	if (fd < 0)
		return complain(restore->name, "cannot be opened: %s", strerror(errno));
	restore->file.fd = fd;
	if (lseek(fd, 0, SEEK_CUR) >= 0)
		return EXIT_SUCCESS;
	err = keep_input(fd, &restore->file.fd);
	close(fd);
	if (!err)
		return EXIT_SUCCESS;
	restore->file.fd = -1;
	return complain(restore->name, "cannot be kept: %s", strerror(-err));
}

static int read_file(struct restore *restore, const char *name)
{
	char place[PATH_MAX + 32];
	struct elfmap_msg msg;
	size_t line;
	int status = open_file(restore, name);

	if (status || !saved_file__read(&restore->file, &line, &msg))
		return status;
	snprintf(place, sizeof(place), line ? "%s:%zu" : "%s", restore->name, line);
	return complain(place, "%s; nothing was restored", msg.text);
}

static int prepare(struct restore *restore)
{
	restore->maps = calloc(restore->file.nr_maps ?: 1, sizeof(*restore->maps));
	if (!restore->maps)
		return complain(restore->name, "no memory");
	for (size_t i = 0; i < restore->file.nr_maps; i++)
		restore->maps[i] = (struct restored){.saved = &restore->file.maps[i], .fd = -1, .map.fd = -1};
	return EXIT_SUCCESS;
}

/* ---- making --------------------------------------------------------------------------------------- */

static int find_inner(const struct restore *restore, const char *label, struct elfmap_msg *msg)
{
	const struct restored *map = restore__find(restore, label);
	struct bpf_map_info info;
	char path[PATH_MAX];
	int fd, err;

	if (map)
		return map->fd >= 0 ? fcntl(map->fd, F_DUPFD_CLOEXEC, 0)
				    : elfmap_msg__set(msg, -EINVAL, "its inner map %s cannot be made", label);
	err = elfmap_bpffs__pin_path(label, path, sizeof(path), msg);
	return err ?: elfmap_map__open(path, &fd, &info, msg) ?: fd;
}

/* Maps of one object share their BTF in the kernel, too. */
static int load_types(const struct restore *restore, struct saved_map *saved, struct elfmap_msg *msg)
{
	const struct restored *owner = saved->btf_of ? restore__find(restore, saved->btf_of) : NULL;
	struct saved_map *from = owner ? owner->saved : saved;
	int btf;

	if (saved->btf_of && !from->btf)
		return elfmap_msg__set(msg, -EINVAL, "there are no types of %s", saved->btf_of);
	if (!from->btf)
		return 0;
	if (from->form.btf < 0) {
		btf = bpf_btf_load(from->btf, from->btf_size, NULL);
		if (btf < 0)
			return elfmap_msg__set(msg, btf, "the kernel refuses the types: %s", strerror(-btf));
		from->form.btf = btf;
	}
	if (from != saved)
		saved->form.btf = fcntl(from->form.btf, F_DUPFD_CLOEXEC, 0);
	return 0;
}

static int make_map(const struct restore *restore, struct restored *map, struct elfmap_msg *msg)
{
	struct saved_map *saved = map->saved;
	int err = load_types(restore, saved, msg);

	if (!err && saved->inner) {
		saved->form.inner = find_inner(restore, saved->inner, msg);
		err = saved->form.inner < 0 ? saved->form.inner : 0;
	}
	err = err ?: elfmap_form__create(&saved->form, &map->fd, msg);
	return err ?: elfmap_reader__open_fd(map->fd, saved->label, NULL, &map->map, msg);
}

/* Those that are held first, then those that hold them. */
static int make_maps(struct restore *restore)
{
	struct elfmap_msg msg;

	for (int outers = 0; outers < 2; outers++)
		for (size_t i = 0; i < restore->file.nr_maps; i++) {
			struct restored *map = &restore->maps[i];

			if (elfmap_map__is_map_in_map(map->saved->form.type) != outers)
				continue;
			if (make_map(restore, map, &msg))
				return restore__complain(restore, map->saved->line, 0, "map %s: %s", map->saved->label,
							 msg.text);
		}
	return EXIT_SUCCESS;
}

/* ---- pinning -------------------------------------------------------------------------------------- */

static bool names_pin(const struct restore *restore, const char *path)
{
	char named[PATH_MAX];

	for (size_t i = 0; i < restore->file.nr_maps; i++)
		for (size_t pin = 0; pin < restore->maps[i].saved->nr_pins; pin++)
			if (!elfmap_bpffs__pin_path(restore->maps[i].saved->pins[pin].word, named, sizeof(named),
						    NULL) &&
			    !strcmp(named, path))
				return true;
	return false;
}

/* Outer maps that the file replaces, too, get the new map. */
static int check_outers(const struct restore *restore, const struct elfmap_census *census, __u32 map,
			struct elfmap_msg *msg)
{
	for (size_t i = 0; i < census->nr_holdings; i++) {
		bool is_replaced = false;

		if (census->holdings[i].inner != map)
			continue;
		for (size_t pin = 0; !is_replaced && pin < census->pins.nr; pin++)
			is_replaced = census->pins.pins[pin].kind == ELFMAP_PIN_MAP &&
				      census->pins.pins[pin].id == census->holdings[i].outer &&
				      names_pin(restore, census->pins.pins[pin].path);
		if (!is_replaced)
			return elfmap_msg__set(msg, -EBUSY, "map %u has it in a slot and would go on with the old one",
					       census->holdings[i].outer);
	}
	return 0;
}

static int check_pin(const struct restore *restore, const struct elfmap_census *census, const char *word,
		     struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	char path[PATH_MAX];
	struct stat file;
	int err, fd;

	err = elfmap_bpffs__pin_path(word, path, sizeof(path), msg);
	if (err)
		return err;
	if (lstat(path, &file))
		return 0;
	if (!restore->replace)
		return elfmap_msg__set(msg, -EEXIST, "%s exists already; --replace puts the saved map in its place",
				       path);
	err = elfmap_map__open(path, &fd, &info, msg);
	if (err)
		return err;
	close(fd);
	err = map_check_programs(census, info.id, path, msg);
	err = err ?: check_outers(restore, census, info.id, msg);
	return err ?: map_check_processes(info.id, msg);
}

static int check_pins(const struct restore *restore)
{
	struct elfmap_census census = {};
	const char *culprit = "map restore";
	struct elfmap_msg msg;
	int err = elfmap_census__take(&census, &msg);

	for (size_t i = 0; i < restore->file.nr_maps && !err; i++) {
		const struct saved_map *saved = restore->maps[i].saved;

		culprit = saved->label;
		for (size_t pin = 0; pin < saved->nr_pins && !err; pin++)
			err = check_pin(restore, &census, saved->pins[pin].word, &msg);
	}
	elfmap_census__free(&census);
	return err ? complain(culprit, "%s; nothing was restored", msg.text) : EXIT_SUCCESS;
}

/* ---- two sections for one pin --------------------------------------------------------------------- */

struct place {
	char *path;
	const char *word;
	size_t line;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;
	int order = strcmp(one->path, other->path);

	return order ?: one->line < other->line ? -1 : one->line > other->line;
}

static int add_places(const struct saved_map *saved, struct place *places, size_t *nr, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int err = 0;

	for (size_t i = 0; i < saved->nr_pins && !err; i++) {
		err = elfmap_bpffs__pin_path(saved->pins[i].word, path, sizeof(path), msg);
		if (err)
			break;
		places[*nr] = (struct place){.path = strdup(path), .word = saved->pins[i].word, .line = saved->line};
		err = places[(*nr)++].path ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	return err;
}

/* A pin that is in the file twice: the second map would replace the first. */
static int check_places(const struct restore *restore)
{
	struct place *places;
	size_t nr = 0, most = 1;
	struct elfmap_msg msg;
	int status = EXIT_SUCCESS, err = 0;

	for (size_t i = 0; i < restore->file.nr_maps; i++)
		most += restore->maps[i].saved->nr_pins;
	places = calloc(most, sizeof(*places));
	if (!places)
		return complain(restore->name, "no memory");
	for (size_t i = 0; i < restore->file.nr_maps && !err; i++) {
		err = add_places(restore->maps[i].saved, places, &nr, &msg);
		if (err)
			status = complain(restore->maps[i].saved->label, "%s; nothing was restored", msg.text);
	}
	qsort(places, nr, sizeof(*places), compare_places);
	for (size_t i = 1; i < nr && !status; i++)
		if (!strcmp(places[i - 1].path, places[i].path))
			status = restore__complain(restore, places[i].line, 0,
						   "pin %s is in the map of line %zu, too; nothing was restored",
						   places[i].word, places[i - 1].line);
	for (size_t i = 0; i < nr; i++)
		free(places[i].path);
	free(places);
	return status;
}

/* ---- all pins or none ----------------------------------------------------------------------------- */

static int add_pin(int fd, const struct saved_pin *pin, struct restored_pin *ret_pin, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int err = elfmap_bpffs__pin_path(pin->word, path, sizeof(path), msg);

	if (err)
		return err;
	if (!access(path, F_OK)) {
		ret_pin->old = bpf_obj_get(path);
		if (ret_pin->old < 0)
			return elfmap_msg__set(msg, ret_pin->old, "%s: %s", path, strerror(-ret_pin->old));
		err = elfmap_pin__replace(fd, path, msg);
		ret_pin->is_made = !err;
		return err;
	}
	err = elfmap_pin__add(fd, path, msg);
	if (err)
		return err;
	ret_pin->is_made = true;
	return elfmap_pin__set_access(path, pin->uid, pin->gid, pin->mode, msg);
}

static int pin_map(struct restored *map, struct elfmap_msg *msg)
{
	const struct saved_map *saved = map->saved;
	int err = 0;

	map->pins = calloc(saved->nr_pins ?: 1, sizeof(*map->pins));
	if (!map->pins)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	for (size_t i = 0; i < saved->nr_pins; i++)
		map->pins[i].old = -1;
	if (saved->form.frozen)
		err = bpf_map_freeze(map->fd);
	if (err)
		return elfmap_msg__set(msg, err, "cannot be frozen: %s", strerror(-err));
	for (size_t i = 0; i < saved->nr_pins && !err; i++)
		err = add_pin(map->fd, &saved->pins[i], &map->pins[i], msg);
	return err;
}

/* Removes the pins of MAP that were made, or puts back the maps that were pinned there. Returns the number of those
 * that stay, which it has complained about. */
static size_t unpin_map(const struct restored *map)
{
	struct elfmap_msg msg;
	char path[PATH_MAX];
	size_t kept = 0;

	for (size_t i = 0; map->pins && i < map->saved->nr_pins; i++) {
		const struct restored_pin *pin = &map->pins[i];
		int err;

		if (!pin->is_made)
			continue;
		err = elfmap_bpffs__pin_path(map->saved->pins[i].word, path, sizeof(path), &msg);
		if (!err && pin->old >= 0)
			err = elfmap_pin__replace(pin->old, path, &msg);
		else if (!err && unlink(path))
			err = elfmap_msg__set(&msg, -errno, "%s: %s", path, strerror(errno));
		if (!err)
			continue;
		complain(map->saved->pins[i].word, "the saved map is pinned here; it cannot be taken back: %s",
			 msg.text);
		kept++;
	}
	return kept;
}

static int pin_maps(struct restore *restore)
{
	struct elfmap_msg msg;
	size_t failed = 0, kept = 0;

	while (failed < restore->file.nr_maps && !pin_map(&restore->maps[failed], &msg))
		failed++;
	if (failed == restore->file.nr_maps)
		return EXIT_SUCCESS;
	for (size_t i = 0; i <= failed; i++)
		kept += unpin_map(&restore->maps[i]);
	return complain(restore->maps[failed].saved->label, "%s; %s", msg.text,
			kept ? "the other pins are as before" : "nothing was restored");
}

/* ------------------------------------------------------------------------------------------------- */

static void report(const struct restore *restore)
{
	json_object *root;

	if (!output.json)
		return;
	root = json_object_new_object();
	json_object_object_add(root, "maps", json_object_new_uint64(restore->file.nr_maps));
	json_object_object_add(root, "entries", json_object_new_uint64(restore->nr_entries));
	json_object_object_add(root, "refused", json_object_new_uint64(restore->nr_refused));
	print_json(root);
}

static void clear_restore(struct restore *restore)
{
	for (size_t i = 0; restore->maps && i < restore->file.nr_maps; i++) {
		elfmap_reader__close(&restore->maps[i].map);
		for (size_t pin = 0; restore->maps[i].pins && pin < restore->maps[i].saved->nr_pins; pin++)
			if (restore->maps[i].pins[pin].old >= 0)
				close(restore->maps[i].pins[pin].old);
		free(restore->maps[i].pins);
		if (restore->maps[i].fd >= 0)
			close(restore->maps[i].fd);
	}
	free(restore->maps);
	saved_file__free(&restore->file);
	if (restore->file.fd >= 0)
		close(restore->file.fd);
	if (restore->lock >= 0)
		close(restore->lock);
}

static int lock_pins(struct restore *restore)
{
	char path[PATH_MAX] = "";
	struct elfmap_msg msg;

	for (size_t i = 0; i < restore->file.nr_maps && !*path; i++)
		if (restore->maps[i].saved->nr_pins &&
		    elfmap_bpffs__pin_path(restore->maps[i].saved->pins->word, path, sizeof(path), &msg))
			return complain("map restore", "%s", msg.text);
	if (*path && elfmap_pin__lock(path, &restore->lock, &msg))
		return complain("map restore", "%s", msg.text);
	return EXIT_SUCCESS;
}

struct restore_request {
	const char *file;
	bool replace, keep_going, contents, dry_run;
};

static int run(const void *words)
{
	const struct restore_request *request = words;
	struct restore restore = {
		.lock = -1, .file.fd = -1, .replace = request->replace, .keep_going = request->keep_going};
	int status;

	if (request->contents)
		interrupt__catch();
	status = read_file(&restore, request->file);
	status = status ?: prepare(&restore);
	status = status ?: check_places(&restore);
	if (request->contents) {
		status = status ?: restore__contents(&restore, request->dry_run);
		clear_restore(&restore);
		return status;
	}
	status = status ?: lock_pins(&restore);
	status = status ?: check_pins(&restore);
	status = status ?: make_maps(&restore);
	status = status ?: restore__fill(&restore);
	status = status ?: pin_maps(&restore);
	if (!status) {
		restore__note(&restore);
		report(&restore);
		status = restore.nr_refused ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	clear_restore(&restore);
	return status;
}

static const struct option_row options[] = {
	{NULL, "FILE|-", 0, OPTION_TEXT_AT(struct restore_request, file), .completes = COMPLETE_FILE},
	{"--replace", NULL, 0, OPTION_FLAG_AT(struct restore_request, replace),
	 .help = "replace maps that are pinned already"},
	{"--contents", NULL, 0, OPTION_FLAG_AT(struct restore_request, contents), .unless = "--replace",
	 .help = "replace the entries of the maps that are pinned now"},
	{"--dry-run", NULL, 0, OPTION_FLAG_AT(struct restore_request, dry_run), .needs = "--contents",
	 .help = "show what would be changed"},
	{"--keep-going", NULL, 0, OPTION_FLAG_AT(struct restore_request, keep_going), .unless = "--contents",
	 .help = "write the valid lines, even if others are refused"},
	{},
};

const struct verb map_restore_verb = {
	.name = "restore",
	.summary = "make and fill the maps that save wrote",
	.run = run,
	.options = options,
	.request_size = sizeof(struct restore_request),
	.changes = true,
};
