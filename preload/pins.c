// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The pins of the object that tc is loading. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "pins/made.h"
#include "pins/pin.h"
#include "preload/preload.h"

struct place {
	const struct elfmap_map *map;
	struct bpf_map *bpf;
	char path[PATH_MAX];
	const char *object; /* the user's file, for messages */
};

static int complain(const struct place *place, int err, const char *what)
{
	char text[PATH_MAX + sizeof(((struct elfmap_msg *)0)->text) + 128];

	snprintf(text, sizeof(text), "map '%s': %s%s%s", place->map->name, place->path, place->path[0] ? ": " : "",
		 what);
	preload__complain(place->object, text);
	return err;
}

static int complain_msg(const struct place *place, int err, const struct elfmap_msg *msg)
{
	preload__complain(place->object, msg->text);
	return err;
}

/* Gives the pinned map to libbpf, which duplicates the descriptor. */
static int reuse(const struct place *place, int fd)
{
	const struct elfmap_pin_user user = {.type = preload__prog_type(), .words = "what this command loads"};
	struct bpf_map_info info;
	char shown[PATH_MAX];
	struct elfmap_msg msg;
	int err;

	err = elfmap_pin__take(place->map, place->path, fd, &user, 1, &info, &msg);
	if (err == -EEXIST)
		elfmap_pin__add_remedy(preload__shown_path(place->path, shown, sizeof(shown)), &msg);
	if (err)
		return complain_msg(place, err, &msg);
	err = bpf_map__reuse_fd(place->bpf, fd);
	return err ? complain(place, err, strerror(-err)) : 0;
}

/* libbpf makes only the last directory of a pin; paths from bpf_pinning may need more. */
static int make_directories(const struct place *place)
{
	char path[PATH_MAX];
	struct stat file;

	snprintf(path, sizeof(path), "%s", place->path);
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (!mkdir(path, 0700))
			undo__note_directory(path);
		else if (stat(path, &file))
			return complain(place, -errno, strerror(errno));
		*at = '/';
	}
	return 0;
}

static int check_template(const struct place *place)
{
	struct elfmap_msg msg;
	int err = elfmap_pin__check_template(place->map, &msg);

	return err ? complain_msg(place, err, &msg) : 0;
}

static int prepare_pin(const struct place *place)
{
	int fd = bpf_obj_get(place->path), err;

	if (fd >= 0) {
		err = reuse(place, fd);
		close(fd);
		return err;
	}
	if (errno != ENOENT)
		return complain(place, -errno, strerror(errno));
	err = check_template(place) ?: make_directories(place);
	if (err)
		return err;
	err = bpf_map__set_pin_path(place->bpf, place->path);
	if (err)
		return complain(place, err, strerror(-err));
	undo__note_pin(place->path);
	elfmap_made__note(place->path, 0);
	return 0;
}

/* The kernel's samples had their own loader, with definitions of 28 bytes as well. The last two words of those mean
 * something else, and the two kinds cannot be told apart with certainty. */
#define SAMPLES_SIZE 28
static const char in_samples[] = "; in a definition of 28 bytes it may be the numa_node of another loader";
static const char numa[] =
	"warning: pinned, as the last word of its 28 bytes says, but flag 0x4, BPF_F_NUMA_NODE, is set: it may "
	"be the numa_node of another loader";

static int prepare(const struct source *source, struct place *place, const char *root, const char *sha1)
{
	struct elfmap_msg msg;
	char text[sizeof(msg.text) + sizeof(in_samples) + 16];
	int err;

	err = elfmap_pin__path(place->map, root, sha1, place->path, sizeof(place->path), &msg);
	if (err && err != -ENOENT)
		return complain_msg(place, err, &msg);
	if (err) {
		snprintf(text, sizeof(text), "warning: %s%s", msg.text,
			 source->obj->def_size == SAMPLES_SIZE ? in_samples : "");
		preload__complain(place->object, text);
		return 0;
	}
	if (place->path[0] && source->obj->def_size == SAMPLES_SIZE && place->map->def.flags & BPF_F_NUMA_NODE)
		complain(place, 0, numa);
	if (place->path[0])
		return prepare_pin(place);
	if (elfmap_pair__loses_slots(&source->pair, place->map, place->path, &msg))
		preload__complain(place->object, msg.text);
	return check_template(place);
}

/* Resolves the links of tc, such as ".../xdp//globals" for ".../tc", so that there is one set of pins. realpath() finds
 * no path for a descriptor from another mount namespace. */
static void find_root(const char *pin_root, char *root)
{
	char *end;

	if (!strncmp(pin_root, "/proc/", 6) || !realpath(pin_root, root))
		snprintf(root, PATH_MAX, "%s", pin_root);
	end = strrchr(root, '/');
	while (end && end != root && end[-1] == '/')
		end--;
	if (end && end != root)
		*end = '\0';
}

int pins__prepare(const struct source *source, const char *path, const char *pin_root)
{
	struct place place = {.object = path};
	char root[PATH_MAX], sha1[41];
	int err = 0;

	find_root(pin_root, root);
	undo__note_object(root);
	elfmap_pin__hash(source->obj, source->bytes, source->size, sha1);
	for (size_t nth = 0; !err && nth < source->obj->nr_maps; nth++) {
		size_t index = elfmap_object__map_order(source->obj, nth);

		place.map = &source->obj->maps[index];
		place.bpf = source->pair.maps[index];
		if (place.bpf)
			err = prepare(source, &place, root, sha1);
	}
	return err;
}
