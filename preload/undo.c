// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Removes the pins that a failed command has made. libbpf does so if loading fails, but attaching may fail later: no
 * device, no qdisc, a filter that exists. Only the exit status of tc tells, and in a batch some objects may have
 * succeeded. So the pins of an object are removed if no program uses its maps after tc's own descriptors are closed.
 * Another command may have opened such a pin and not loaded its program yet. Therefore each command holds a shared lock
 * on the directory of the pins until it ends, and removal waits for an exclusive lock.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "kinds/maps.h"
#include "preload/preload.h"

#define MAX_PROG_MAPS 128 /* a program uses at most 64 */
#define TRIES 5		  /* the kernel frees a refused filter's program with a delay */
#define PAUSE_NS 10000000
#define LOCK_TRIES 200 /* two seconds; a batch that reads a terminal may hold it for hours */

struct entry {
	char *path;
	unsigned int object; /* which call of undo__note_object() it belongs to, from 1 */
	bool is_directory;
	__u32 map; /* id of the pinned map; 0: not pinned */
};

static struct entry *entries;
static size_t nr_entries;
static unsigned int nr_objects;
static bool *used; /* by object: a program that would outlive this command uses one of its maps */
static int lock = -1;

/* Programs in slots of PROG_ARRAYs of this command, and programs that tc has open, attached or not. */
static struct {
	__u32 prog;
	unsigned int object; /* 0: open in tc */
} * holds;
static size_t nr_holds;

/* ---- users of maps --------------------------------------------------------------------------------------- */

static void note_hold(__u32 prog, unsigned int object)
{
	void *grown = realloc(holds, (nr_holds + 1) * sizeof(*holds));

	if (!grown)
		return;
	holds = grown;
	holds[nr_holds].prog = prog;
	holds[nr_holds++].object = object;
}

/* Closes the programs that tc has open, which it does not do itself. Those that are not attached are then freed. */
static void close_programs(void)
{
	static const char kind[] = "anon_inode:bpf-prog";
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *at;
	char target[sizeof(kind)];

	while (directory && (at = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), at->d_name, target, sizeof(target));
		__u32 size = sizeof(struct bpf_prog_info);
		struct bpf_prog_info info = {};
		int fd = atoi(at->d_name);

		if (length != (ssize_t)strlen(kind) || memcmp(target, kind, (size_t)length) != 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, &info, &size))
			note_hold(info.id, 0);
		close(fd);
	}
	if (directory)
		closedir(directory);
}

static void collect_slots(int fd, const struct bpf_map_info *info, unsigned int object)
{
	__u32 id;

	for (__u32 key = 0; key < info->max_entries; key++)
		if (!bpf_map_lookup_elem(fd, &key, &id))
			note_hold(id, object);
}

static void identify(struct entry *entry)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = entry->is_directory ? -1 : bpf_obj_get(entry->path);

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		entry->map = info.id;
		if (elfmap_map__is_prog_array(info.type))
			collect_slots(fd, &info, entry->object);
	}
	close(fd);
}

/* Is PROG held only by slots of objects that are not used? A program that tc had open may be attached. */
static bool is_ours_alone(__u32 prog)
{
	bool in_slot = false;

	for (size_t i = 0; i < nr_holds; i++) {
		if (holds[i].prog != prog)
			continue;
		if (!holds[i].object || used[holds[i].object])
			return false;
		in_slot = true;
	}
	return in_slot;
}

static bool mark_users_of(__u32 map)
{
	bool news = false;

	for (size_t i = 0; i < nr_entries; i++)
		if (entries[i].map == map && !used[entries[i].object])
			news = used[entries[i].object] = true;
	return news;
}

/* Marks the objects whose maps program FD uses. 1: marked one more; -1: cannot be determined. */
static int mark_maps(int fd)
{
	__u32 maps[MAX_PROG_MAPS], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = MAX_PROG_MAPS, .map_ids = (__u64)(uintptr_t)maps};
	bool news = false;

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -1;
	for (__u32 i = 0; i < info.nr_map_ids && i < MAX_PROG_MAPS; i++)
		news |= mark_users_of(maps[i]);
	return news;
}

/* Walks over all programs. 1: marked one more; -1: cannot be determined. */
static int mark_used(void)
{
	int news = 0, err;
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);

		if (fd < 0 && errno == ENOENT)
			continue; /* freed meanwhile */
		if (fd < 0)
			return -1;
		err = is_ours_alone(id) ? 0 : mark_maps(fd);
		close(fd);
		if (err < 0)
			return -1;
		news |= err;
	}
	return errno == ENOENT ? news : -1;
}

static bool all_unused(void)
{
	for (unsigned int object = 1; object <= nr_objects; object++)
		if (used[object])
			return false;
	return true;
}

static void pause_shortly(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

/* Repeats until nothing more is marked, since a program in a slot of a used object is a user as well. */
static int find_used(void)
{
	int news = 1;

	for (int i = 0; i < TRIES && news >= 0; i++) {
		memset(used, 0, nr_objects + 1);
		do
			news = mark_used();
		while (news > 0);
		if (all_unused())
			break;
		pause_shortly();
	}
	return news;
}

static bool get_lock_alone(void)
{
	for (int i = 0; lock >= 0 && i < LOCK_TRIES; i++) {
		if (!flock(lock, LOCK_EX | LOCK_NB))
			return true;
		pause_shortly();
	}
	return false;
}

/* ---- at exit ------------------------------------------------------------------------------------------------ */

static void take_back(void)
{
	/* In reverse order, so that directories come after their contents. */
	for (size_t i = nr_entries; i-- > 0;) {
		if (used[entries[i].object])
			continue;
		if (entries[i].is_directory)
			rmdir(entries[i].path); /* fails if another command has pinned there */
		else if (entries[i].map)
			unlink(entries[i].path);
	}
}

static void at_exit(int status, void *unused)
{
	(void)unused;
	if (!status || !nr_entries || !get_lock_alone())
		return;
	used = calloc(nr_objects + 1, sizeof(*used));
	if (!used)
		return;
	close_programs();
	for (size_t i = 0; i < nr_entries; i++)
		identify(&entries[i]);
	if (!find_used())
		take_back(); /* else the users are unknown: keep all pins */
}

static void note(const char *path, bool is_directory)
{
	struct entry *grown = realloc(entries, (nr_entries + 1) * sizeof(*grown));
	char *copy = strdup(path);

	if (grown)
		entries = grown;
	if (!grown || !copy) {
		free(copy);
		return;
	}
	if (!nr_entries)
		on_exit(at_exit, NULL);
	entries[nr_entries++] = (struct entry){.path = copy, .object = nr_objects, .is_directory = is_directory};
}

void undo__note_object(const char *root)
{
	nr_objects++;
	if (lock < 0)
		lock = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (lock >= 0 && flock(lock, LOCK_SH) && errno == EINTR)
		;
}

void undo__note_pin(const char *path)
{
	note(path, false);
}

void undo__note_directory(const char *path)
{
	note(path, true);
}
