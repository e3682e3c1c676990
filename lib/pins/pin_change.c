// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Adds and replaces pins. Commands take turns by a lock on a directory: below tc/ that is tc/ itself,
 * which those that load objects hold shared from opening a pin until its program is attached.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "pins/bpffs.h"
#include "pins/pin_change.h"

#define LOCK_TRIES 250 /* five seconds; a tc that reads a terminal may hold it for hours */
#define PAUSE_NS 20000000
#define MAX_DEPTH 16

static bool strip_name(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash || slash == path)
		return false;
	*slash = '\0';
	return true;
}

/* Without links and dots, so that paths can be compared; -errno. The root of another mount namespace
 * (/proc/PID/root) looks like a link to ours, and is not. */
static int resolve(const char *path, char real[PATH_MAX])
{
	struct stat file;

	if (strncmp(path, "/proc/", 6) != 0)
		return realpath(path, real) ? 0 : -errno;
	if (stat(path, &file))
		return -errno;
	return snprintf(real, PATH_MAX, "%s", path) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The directory whose lock PATH is under: tc/ if that is above it, else the one it is in, or the
 * nearest that there is. */
static int lock_directory(const char *path, char dir[PATH_MAX], struct elfmap_msg *msg)
{
	char real[PATH_MAX], tc_dir[PATH_MAX], tc_real[PATH_MAX];
	size_t length;

	if (snprintf(dir, PATH_MAX, "%s%s", strchr(path, '/') ? "" : "./", path) >= PATH_MAX)
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is too long");
	do
		if (!strip_name(dir))
			return 0; /* something right below the root */
	while (resolve(dir, real));
	strcpy(dir, real);
	if (elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), NULL) || resolve(tc_dir, tc_real))
		return 0;
	length = strlen(tc_real);
	if (!strncmp(real, tc_real, length) && (!real[length] || real[length] == '/'))
		strcpy(dir, tc_real);
	return 0;
}

/* -EWOULDBLOCK: another command held it all the time. */
static int wait_for_lock(int lock)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(lock, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EWOULDBLOCK;
}

int elfmap_pin__lock(const char *path, int *ret_lock, struct elfmap_msg *msg)
{
	char dir[PATH_MAX];
	int err, lock;

	err = lock_directory(path, dir, msg);
	if (err)
		return err;
	lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return elfmap_msg__set(msg, -errno, "%s: %s", dir, strerror(errno));
	err = wait_for_lock(lock);
	if (!err) {
		*ret_lock = lock;
		return 0;
	}
	close(lock);
	if (err != -EWOULDBLOCK)
		return elfmap_msg__set(msg, err, "%s: cannot be locked: %s", dir, strerror(-err));
	return elfmap_msg__set(msg, -EBUSY,
			       "another command is loading objects or changing pins in %s; try again when it has "
			       "ended ('fuser -v %s' names it)",
			       dir, dir);
}

/* ---- adding --------------------------------------------------------------------------------------- */

static void remove_parents(const char *path, size_t keep)
{
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	while (strip_name(dir) && strlen(dir) > keep)
		rmdir(dir); /* fails if another command has pinned there since */
}

/* Makes the directories above PATH, all or none. *RET_KEEP: the length of the part of PATH that existed before. */
static int make_parents(const char *path, size_t *ret_keep, struct elfmap_msg *msg)
{
	size_t keep = strlen(path);
	char dir[PATH_MAX];

	snprintf(dir, sizeof(dir), "%s", path);
	for (char *at = strchr(dir + 1, '/'); at; at = strchr(at + 1, '/')) {
		struct stat file;
		int err;

		*at = '\0';
		err = mkdir(dir, 0700) ? -errno : 0;
		if (!err) {
			keep = keep < (size_t)(at - dir) ? keep : (size_t)(at - dir) - 1;
		} else if (stat(dir, &file) || !S_ISDIR(file.st_mode)) {
			err = err == -EEXIST ? -ENOTDIR : err;
			remove_parents(path, keep);
			if (err == -EPERM && strchr(strrchr(dir, '/'), '.'))
				return elfmap_msg__set(msg, -EINVAL, "%s: names in a bpf file system cannot have a dot",
						       dir);
			return elfmap_msg__set(msg, err, "%s: %s", dir, strerror(-err));
		}
		*at = '/';
	}
	*ret_keep = keep;
	return 0;
}

static int explain_pin(const char *path, int err, struct elfmap_msg *msg)
{
	const char *name = elfmap_path__name(path);

	if (err == -EPERM && strchr(name, '.'))
		return elfmap_msg__set(msg, -EINVAL, "the name of a pin cannot have a dot");
	if (err == -EEXIST)
		return elfmap_msg__set(msg, err, "%s exists already; 'elfmap map show %s' shows it", path, path);
	if ((err == -EPERM || err == -EACCES) && geteuid() != 0)
		return elfmap_msg__set(msg, err, "not permitted to pin at %s; run it as root, with 'sudo elfmap ...'",
				       path);
	return elfmap_msg__set(msg, err, "cannot be pinned at %s: %s", path, strerror(-err));
}

int elfmap_pin__add(int fd, const char *path, struct elfmap_msg *msg)
{
	char dir[PATH_MAX];
	size_t keep = strlen(path);
	bool has_parent;
	int err = 0;

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is too long");
	has_parent = !strip_name(dir) || !access(dir, F_OK);
	while (!has_parent && strip_name(dir) && access(dir, F_OK) && errno == ENOENT)
		;
	if (!elfmap_bpffs__contains(strchr(path, '/') ? dir : "."))
		return elfmap_msg__set(msg, -EINVAL, "%s is not in a bpf file system, where pins are; %s is one", path,
				       ELFMAP_BPFFS_USUAL);
	if (!has_parent)
		err = make_parents(path, &keep, msg);
	if (err)
		return err;
	err = bpf_obj_pin(fd, path);
	if (!err)
		return 0;
	remove_parents(path, keep);
	return explain_pin(path, err, msg);
}

/* ---- replacing ------------------------------------------------------------------------------------ */

/* Owner and mode of FILE, an O_PATH descriptor, which chmod() cannot take. */
static int set_file(int file, uid_t uid, gid_t gid, mode_t mode)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return fchownat(file, "", uid, gid, AT_EMPTY_PATH) || chmod(path, mode & 07777) ? -errno : 0;
}

int elfmap_pin__set_access(const char *path, uid_t uid, gid_t gid, mode_t mode, struct elfmap_msg *msg)
{
	int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), err = 0;
	struct stat pin;

	if (file < 0 || fstat(file, &pin))
		err = -errno;
	else if (!S_ISREG(pin.st_mode))
		err = -ELOOP; /* another file has taken its place */
	err = err ?: set_file(file, uid, gid, mode);
	if (file >= 0)
		close(file);
	return err ? elfmap_msg__set(msg, err, "its owner and mode cannot be set: %s", strerror(-err)) : 0;
}

int elfmap_pin__replace(int fd, const char *path, struct elfmap_msg *msg)
{
	char new[PATH_MAX];
	struct stat old;
	int err;

	if (snprintf(new, sizeof(new), "%s~new", path) >= (int)sizeof(new))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "the path is too long");
	if (stat(path, &old))
		return elfmap_msg__set(msg, -errno, "%s: %s", path, strerror(errno));
	unlink(new); /* left by a command that was killed: the lock excludes others */
	err = bpf_obj_pin(fd, new);
	if (err)
		return explain_pin(new, err, msg);
	err = elfmap_pin__set_access(new, old.st_uid, old.st_gid, old.st_mode, msg);
	if (!err && rename(new, path))
		err = elfmap_msg__set(msg, -errno, "the pin cannot be replaced: %s", strerror(errno));
	if (err)
		unlink(new);
	return err;
}

/* ---- removing ------------------------------------------------------------------------------------- */

int elfmap_pin__remove(const char *path, int levels)
{
	char dir[PATH_MAX];

	if (unlink(path))
		return -errno;
	snprintf(dir, sizeof(dir), "%s", path);
	while (levels-- && strip_name(dir) && !rmdir(dir))
		;
	return 0;
}

static int remove_one(const char *path, const struct stat *file, int type, struct FTW *walk)
{
	(void)file;
	(void)type;
	(void)walk;
	return remove(path) && errno != ENOENT ? -errno : 0;
}

void elfmap_pin__remove_directory(const char *dir)
{
	nftw(dir, remove_one, MAX_DEPTH, FTW_DEPTH | FTW_PHYS);
}

/* ---- any text as a name --------------------------------------------------------------------------------- */

int elfmap_pin_name__escape(const char *text, char *name, size_t size)
{
	size_t used = 0;

	for (; *text; text++) {
		if (used + sizeof("%2E") > size)
			return -ENAMETOOLONG;
		if (strchr("./%~", *text) || (unsigned char)*text <= ' ')
			used += (size_t)sprintf(name + used, "%%%02X", (unsigned char)*text);
		else
			name[used++] = *text;
	}
	name[used] = '\0';
	return 0;
}

static int hex_digit(char digit)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int)(at - digits) : -1;
}

void elfmap_pin_name__unescape(char *name)
{
	char *to = name;

	for (; *name; name++) {
		int high = *name == '%' ? hex_digit(name[1]) : -1, low = high < 0 ? -1 : hex_digit(name[2]);

		if (low >= 0) {
			*to++ = (char)(high * 16 + low);
			name += 2;
		} else {
			*to++ = *name;
		}
	}
	*to = '\0';
}
