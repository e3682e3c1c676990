// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the bpf file system and what a PIN word means in it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/msg.h"
#include "pins/bpffs.h"
#include "pins/map_word.h"
#include "pins/trust.h"

#ifndef BPF_FS_MAGIC
#define BPF_FS_MAGIC 0xcafe4a11
#endif

bool elfmap_bpffs__contains(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && (__u32)fs.f_type == BPF_FS_MAGIC;
}

static int set_path(char *ret_path, size_t size, struct elfmap_msg *msg, const char *dir, const char *name)
{
	size_t needed = strlen(dir) + strlen(name) + 1;

	if (needed > size)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is longer than %zu bytes", size - 1);
	memcpy(ret_path, dir, strlen(dir));
	strcpy(ret_path + strlen(dir), name);
	return 0;
}

/* Bpf mounts that can be reached: a mount that another one covers shows another file system. */
struct mounts {
	char first[PATH_MAX];
	char all[400]; /* for the message */
	unsigned int count;
};

static void add_mount(struct mounts *found, const char *dir)
{
	size_t used = strlen(found->all);

	if (!found->count)
		snprintf(found->first, sizeof(found->first), "%s", dir);
	else if (!strcmp(found->first, dir))
		return; /* mounted twice at one place */
	snprintf(found->all + used, sizeof(found->all) - used, "%s%s", used ? ", " : "", dir);
	found->count++;
}

static int find_mounts(struct mounts *found, struct elfmap_msg *msg)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[2 * PATH_MAX];
	struct mntent entry;

	if (!mounts)
		return elfmap_msg__set(msg, -errno, "/proc/self/mounts: %s", strerror(errno));
	while (getmntent_r(mounts, &entry, line, sizeof(line)))
		if (!strcmp(entry.mnt_type, "bpf") && elfmap_bpffs__contains(entry.mnt_dir))
			add_mount(found, entry.mnt_dir);
	endmntent(mounts);
	return 0;
}

int elfmap_process__parent(int pid)
{
	char path[32], text[512];
	const char *end;
	size_t length;
	int parent = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	length = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[length] = '\0';
	end = strrchr(text, ')'); /* the name before it may have anything in it */
	return end && sscanf(end, ") %*c %d", &parent) == 1 ? parent : 0;
}

bool elfmap_bpffs__find_outside(char *ret_path, size_t size)
{
	for (int pid = getppid(); pid > 0; pid = elfmap_process__parent(pid)) {
		snprintf(ret_path, size, "/proc/%d/root" ELFMAP_BPFFS_USUAL, pid);
		if (elfmap_bpffs__contains(ret_path))
			return true;
	}
	return false;
}

static bool read_mount_namespace(int pid, char name[64])
{
	char path[32];
	ssize_t length;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	length = readlink(path, name, 63);
	name[length < 0 ? 0 : length] = '\0';
	return length > 0;
}

bool elfmap_bpffs__goes_away(void)
{
	char ours[64], theirs[64];

	if (!read_mount_namespace(getpid(), ours))
		return false;
	for (int pid = getppid(); pid > 0; pid = elfmap_process__parent(pid))
		if (read_mount_namespace(pid, theirs) && strcmp(ours, theirs) != 0)
			return true;
	return false;
}

int elfmap_bpffs__find(char *ret_path, size_t size, struct elfmap_msg *msg)
{
	const char *asked = getenv("TC_BPF_MNT");
	struct mounts found = {};
	int err;

	if (asked && *asked) {
		if (!elfmap_bpffs__contains(asked))
			return elfmap_msg__set(
				msg, -ENODEV,
				"TC_BPF_MNT=%s is not in a bpf file system; try 'mount -t bpf -o mode=0700 bpf %s'",
				asked, asked);
		return set_path(ret_path, size, msg, asked, "");
	}
	if (elfmap_bpffs__contains(ELFMAP_BPFFS_USUAL))
		return set_path(ret_path, size, msg, ELFMAP_BPFFS_USUAL, "");
	if (elfmap_bpffs__find_outside(ret_path, size))
		return 0;
	err = find_mounts(&found, msg);
	if (err)
		return err;
	if (!found.count)
		return elfmap_msg__set(
			msg, -ENODEV,
			"no bpf file system is mounted here; 'mount -t bpf -o mode=0700 bpf " ELFMAP_BPFFS_USUAL
			"' mounts one, "
			"'nsenter --net=...' keeps the mounts that 'ip netns exec' hides");
	if (found.count > 1)
		return elfmap_msg__set(msg, -ENOTUNIQ, "several bpf file systems: %s; choose: 'export TC_BPF_MNT=%s'",
				       found.all, found.first);
	return set_path(ret_path, size, msg, found.first, "");
}

int elfmap_bpffs__tc_dir(char *ret_path, size_t size, struct elfmap_msg *msg)
{
	char mount[PATH_MAX];
	int err = elfmap_bpffs__find(mount, sizeof(mount), msg);

	err = err ?: set_path(ret_path, size, msg, mount, "/tc");
	return err ?: elfmap_trust__check(ret_path, msg);
}

int elfmap_bpffs__make_links(int bpffs)
{
	static const char *const names[] = {"xdp", "ip"};
	char target[PATH_MAX];

	if (mkdirat(bpffs, "tc", 0700) && errno != EEXIST)
		return -errno;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		ssize_t length = readlinkat(bpffs, names[i], target, sizeof(target));

		if (length > 0 && target[0] == '/' && unlinkat(bpffs, names[i], 0) && errno != ENOENT)
			return -errno;
		if (length > 0 && target[0] != '/')
			continue;
		if (symlinkat("tc", bpffs, names[i]) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

static bool is_path(const char *word)
{
	return word[0] == '/' || !strncmp(word, "./", 2) || !strncmp(word, "../", 3);
}

/* /sys/fs/bpf is the host's, also where `ip netns exec` covers it: scripts and messages name pins by their paths. */
static int path_as_said(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	const char *below = word + strlen(ELFMAP_BPFFS_USUAL);
	char outside[PATH_MAX];

	if (!strncmp(word, ELFMAP_BPFFS_USUAL, strlen(ELFMAP_BPFFS_USUAL)) && (*below == '/' || !*below) &&
	    !elfmap_bpffs__contains(ELFMAP_BPFFS_USUAL) && elfmap_bpffs__find_outside(outside, sizeof(outside)))
		return set_path(ret_path, size, msg, outside, below);
	return set_path(ret_path, size, msg, word, "");
}

/* WORD below TC_DIR, which is found if it is NULL; without a slash, below tc/BARE. */
static int path_below_tc(const char *tc_dir, const char *word, const char *bare, char *ret_path, size_t size,
			 struct elfmap_msg *msg)
{
	bool marked = !strncmp(word, "m:", 2);
	const char *name = marked ? word + 2 : word;
	char found[PATH_MAX], dir[PATH_MAX + 16];
	int err;

	if (!*name)
		return elfmap_msg__set(msg, -EINVAL, "empty name; 'elfmap map list' shows the pins");
	err = tc_dir ? 0 : elfmap_bpffs__tc_dir(found, sizeof(found), msg);
	if (err)
		return err;
	tc_dir = tc_dir ?: found;
	snprintf(dir, sizeof(dir), "%s/%s", tc_dir, marked || strchr(name, '/') ? "" : bare);
	return set_path(ret_path, size, msg, dir, name);
}

int elfmap_bpffs__pin_path(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	if (elfmap_map_word__is(word))
		return elfmap_map_word__resolve(word, ret_path, size, msg);
	if (is_path(word))
		return path_as_said(word, ret_path, size, msg);
	return path_below_tc(NULL, word, "globals/", ret_path, size, msg);
}

int elfmap_bpffs__pin_path_in(const char *tc_dir, const char *word, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	if (is_path(word))
		return path_as_said(word, ret_path, size, msg);
	return path_below_tc(tc_dir, word, "globals/", ret_path, size, msg);
}

int elfmap_bpffs__dir_path(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	if (is_path(word) || !strcmp(word, ".") || !strcmp(word, ".."))
		return path_as_said(word, ret_path, size, msg);
	return path_below_tc(NULL, word, "", ret_path, size, msg);
}
