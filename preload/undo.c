// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Taking back the pins of a command that failed. libbpf does so when loading fails, but a program
 * that loads may still find no device, no qdisc or a filter already there. tc says that only in its
 * exit status, and in a batch of many objects some may have succeeded: what decides is whether, once
 * our own descriptors are closed, any program still uses the maps. Another command may have opened
 * such a pin and not loaded its program yet, so every command holds a shared lock on the directory
 * of the pins until it ends, and taking back waits until it has the lock alone.
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

#include "preload.h"

#define MAX_PROG_MAPS 128 /* a program uses at most 64 */
#define TRIES 5		  /* the kernel drops a refused filter's program a moment later */
#define PAUSE_NS 10000000
#define LOCK_TRIES 200 /* two seconds; a batch that reads a terminal may hold it for hours */

struct entry {
	char *path;
	unsigned int object; /* which call of undo__note_object() it belongs to */
	bool is_directory;
	__u32 map; /* id of the pinned map; 0: there is none */
};

static struct entry *entries;
static size_t nr_entries;
static unsigned int nr_objects;

static int lock = -1;

static __u32 *slots; /* ids of programs that only stand in PROG_ARRAYs of ours */
static size_t nr_slots;

/* ---- who uses what --------------------------------------------------------------------------------------- */

static void close_programs(void)
{
	static const char kind[] = "anon_inode:bpf-prog";
	DIR *directory = opendir("/proc/self/fd");
	const struct dirent *at;
	char target[sizeof(kind)];

	while (directory && (at = readdir(directory))) {
		ssize_t length = readlinkat(dirfd(directory), at->d_name, target, sizeof(target));

		if (length == (ssize_t)strlen(kind) && !memcmp(target, kind, (size_t)length))
			close(atoi(at->d_name));
	}
	if (directory)
		closedir(directory);
}

static void collect_slots(int fd, const struct bpf_map_info *info)
{
	for (__u32 key = 0; key < info->max_entries; key++) {
		__u32 *grown, id;

		if (bpf_map_lookup_elem(fd, &key, &id))
			continue;
		grown = realloc(slots, (nr_slots + 1) * sizeof(*slots));
		if (!grown)
			return;
		slots = grown;
		slots[nr_slots++] = id;
	}
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
		if (info.type == BPF_MAP_TYPE_PROG_ARRAY)
			collect_slots(fd, &info);
	}
	close(fd);
}

static bool is_slot(__u32 prog)
{
	for (size_t i = 0; i < nr_slots; i++)
		if (slots[i] == prog)
			return true;
	return false;
}

static bool belongs_to(__u32 map, unsigned int object)
{
	for (size_t i = 0; i < nr_entries; i++)
		if (entries[i].object == object && entries[i].map == map)
			return true;
	return false;
}

/* Does program FD, or what we may see of it, use a map of OBJECT? When in doubt: yes. */
static bool program_uses(int fd, unsigned int object)
{
	__u32 maps[MAX_PROG_MAPS], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = MAX_PROG_MAPS, .map_ids = (__u64)(uintptr_t)maps};

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return true;
	for (__u32 i = 0; i < info.nr_map_ids && i < MAX_PROG_MAPS; i++)
		if (belongs_to(maps[i], object))
			return true;
	return false;
}

static bool object_is_used(unsigned int object)
{
	__u32 id = 0;

	while (!bpf_prog_get_next_id(id, &id)) {
		int fd = bpf_prog_get_fd_by_id(id);
		bool uses = fd >= 0 && !is_slot(id) && program_uses(fd, object);

		if (fd >= 0)
			close(fd);
		if (uses)
			return true;
	}
	return errno != ENOENT; /* not allowed to look: leave everything */
}

static void pause_shortly(void)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	nanosleep(&pause, NULL);
}

static bool object_stays_used(unsigned int object)
{
	for (int i = 0; i < TRIES; i++) {
		if (!object_is_used(object))
			return false;
		pause_shortly();
	}
	return true;
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

static void take_back(unsigned int object)
{
	/* Directories were noted before what is in them. */
	for (size_t i = nr_entries; i-- > 0;) {
		if (entries[i].object != object)
			continue;
		if (entries[i].is_directory)
			rmdir(entries[i].path); /* fails when somebody else pinned there since */
		else if (entries[i].map)
			unlink(entries[i].path);
	}
}

static void at_exit(int status, void *unused)
{
	(void)unused;
	if (!status || !nr_entries || !get_lock_alone())
		return;
	close_programs();
	for (size_t i = 0; i < nr_entries; i++)
		identify(&entries[i]);
	for (unsigned int object = 1; object <= nr_objects; object++)
		if (!object_stays_used(object))
			take_back(object);
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
