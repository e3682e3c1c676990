// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Opens pinned maps, and lists what is pinned below a directory. The kernel gives few reasons for what it does not
 * open: what is in the way is looked for here. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/path.h"
#include "pins/bpffs.h"
#include "pins/map_id.h"
#include "pins/map_word.h"
#include "pins/pins.h"

/* ---- opening a map -------------------------------------------------------------------------------------- */

/* "mode 0640, owner 0:0". Names would need what a static command has not. Returns what PATH is called. */
static const char *describe_owner(const char *path, char *text, size_t size)
{
	struct stat file;

	if (stat(path, &file)) {
		snprintf(text, size, "a directory above it cannot be searched");
		return "pin";
	}
	snprintf(text, size, "mode %04o, owner %u:%u", file.st_mode & 07777, file.st_uid, file.st_gid);
	return S_ISDIR(file.st_mode) ? "directory" : "pin";
}

int elfmap_refusal__explain_open(const char *path, bool writing, int error, struct elfmap_msg *msg)
{
	char owner[128];

	if (error == EPERM && strchr(elfmap_path__name(path), '.'))
		error = ENOENT; /* bpffs returns EPERM for any name with a dot */
	if (error == ENOENT || error == ENOTDIR)
		return elfmap_msg__set(msg, -ENOENT, "no pin at %s; 'elfmap map list' shows the pins", path);
	if (error == EACCES) {
		bool cannot_read = faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) != 0;
		bool cannot_write = writing && faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) != 0;

		const char *what = describe_owner(path, owner, sizeof(owner));

		return elfmap_msg__set(msg, -error,
				       "not permitted to %s%s%s the %s (%s); run it as root, or ask "
				       "the owner to change that",
				       cannot_read ? "read" : "", cannot_read && cannot_write ? " or " : "",
				       cannot_write ? "write" : "", what, owner);
	}
	if (error == EPERM)
		return elfmap_msg__set(msg, -error, "not permitted: the capability CAP_BPF is missing; run it as root");
	return elfmap_msg__set(msg, -error, "cannot be opened: %s", strerror(error));
}

/* Cases for which the kernel returns EACCES, too. */
static int check_path(const char *path, bool writing, struct elfmap_msg *msg)
{
	struct stat file;

	if (stat(path, &file))
		return elfmap_refusal__explain_open(path, writing, errno, msg);
	if (S_ISDIR(file.st_mode))
		return elfmap_msg__set(msg, -EISDIR, "is a directory; 'elfmap map list %s' shows its pins", path);
	if (!elfmap_bpffs__contains(path))
		return elfmap_msg__set(
			msg, -EINVAL, "is not a pin: it is not in a bpf file system; 'elfmap map list' shows the pins");
	return 0;
}

static int explain_open(const char *path, bool writing, int error, struct elfmap_msg *msg)
{
	int err = check_path(path, writing, msg);

	if (err)
		return err;
	if (error == -EINVAL) /* the kernel opens links for reading and writing only */
		return elfmap_msg__set(msg, -EMEDIUMTYPE,
				       "is a link, not a map; 'bpftool link show pinned %s' shows it", path);
	return elfmap_refusal__explain_open(path, writing, -error, msg);
}

/* By the descriptor's name: the information on another kind of object would be misread. */
static int check_is_map(int fd, const char *path, struct elfmap_msg *msg)
{
	char link[32], kind[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, kind, sizeof(kind) - 1) < 0)
		return elfmap_msg__set(msg, -errno, "%s: %s", link, strerror(errno));
	if (strstr(kind, "bpf-map"))
		return 0;
	if (strstr(kind, "bpf-prog"))
		return elfmap_msg__set(msg, -EMEDIUMTYPE,
				       "is a program, not a map; 'bpftool prog show pinned %s' shows it", path);
	return elfmap_msg__set(msg, -EMEDIUMTYPE, "is not a map (%s); 'elfmap map list' shows the maps", kind);
}

__u32 elfmap_map__id(int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

bool elfmap_map__describe(__u32 id, struct bpf_map_info *ret_info)
{
	__u32 size = sizeof(*ret_info);
	int fd = elfmap_map__open_id(id), err;

	if (fd < 0)
		return false;
	*ret_info = (struct bpf_map_info){};
	err = bpf_obj_get_info_by_fd(fd, ret_info, &size);
	close(fd);
	return !err;
}

int elfmap_map__open_for(const char *path, enum elfmap_access access, int *ret_fd, struct bpf_map_info *ret_info,
			 struct elfmap_msg *msg)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = access);
	bool writing = access != ELFMAP_READ;
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int err, fd;

	fd = elfmap_map_word__is(path) ? elfmap_map_word__open(path, access) : bpf_obj_get_opts(path, &opts);
	if (fd < 0)
		return explain_open(path, writing, fd, msg);
	err = check_is_map(fd, path, msg);
	if (err)
		goto out;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (err) {
		elfmap_msg__set(msg, err, "the kernel does not describe the map: %s", strerror(-err));
		goto out;
	}
	*ret_fd = fd;
	*ret_info = info;
	return 0;
out:
	close(fd);
	return err;
}

int elfmap_map__open(const char *path, int *ret_fd, struct bpf_map_info *ret_info, struct elfmap_msg *msg)
{
	return elfmap_map__open_for(path, ELFMAP_READ, ret_fd, ret_info, msg);
}

/* ---- what is pinned below a directory ------------------------------------------------------------------- */

static int add_directory(struct elfmap_pins *pins, const char *path);

/* PATH is taken over, also on failure. */
static int add_row(struct elfmap_pins *pins, struct elfmap_pinned row, char *path)
{
	struct elfmap_pinned *grown = path ? elfmap_array__grow(pins->pins, pins->nr, sizeof(*grown)) : NULL;

	if (!grown) {
		free(path);
		return -ENOMEM;
	}
	row.path = path;
	pins->pins = grown;
	grown[pins->nr++] = row;
	return 0;
}

static void identify(int fd, struct elfmap_pinned *row)
{
	union {
		struct bpf_map_info map;
		struct bpf_prog_info prog;
	} info = {};
	__u32 size = sizeof(info);
	char link[32], kind[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, kind, sizeof(kind) - 1) < 0) {
		row->kind = ELFMAP_PIN_UNREADABLE;
		row->err = -errno;
		return;
	}
	row->kind = strstr(kind, "bpf-map")    ? ELFMAP_PIN_MAP
		    : strstr(kind, "bpf-prog") ? ELFMAP_PIN_PROG
					       : ELFMAP_PIN_LINK;
	if (row->kind == ELFMAP_PIN_LINK)
		return;
	if (row->kind == ELFMAP_PIN_MAP)
		size = sizeof(info.map);
	row->err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (row->err)
		row->kind = ELFMAP_PIN_UNREADABLE;
	else
		row->id = row->kind == ELFMAP_PIN_MAP ? info.map.id : info.prog.id;
}

static int add_pin(struct elfmap_pins *pins, const char *path, const struct stat *file, bool is_link)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = BPF_F_RDONLY);
	struct elfmap_pinned row = {.dev = file->st_dev, .ino = file->st_ino, .is_link = is_link};
	int fd = bpf_obj_get_opts(path, &opts);

	if (fd == -ENOENT)
		return 0; /* gone meanwhile */
	if (fd >= 0) {
		identify(fd, &row);
		close(fd);
	} else if (fd == -EINVAL) { /* the kernel opens links for writing only */
		row.kind = ELFMAP_PIN_LINK;
	} else {
		row.kind = ELFMAP_PIN_UNREADABLE;
		row.err = fd;
	}
	return add_row(pins, row, strdup(path));
}

/* tc/elfmap has what elfmap notes. */
static bool is_note(const char *dir, const char *name)
{
	size_t length = strlen(dir);

	return !strcmp(name, "elfmap") && length > 3 && !strcmp(dir + length - 3, "/tc");
}

static int add_name(struct elfmap_pins *pins, const char *dir, const char *name)
{
	struct stat file;
	char *path;
	int err = 0;

	/* Pins have no dots: what has is bpffs' own, like maps.debug. */
	if (strchr(name, '.') || is_note(dir, name))
		return 0;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	if (!lstat(path, &file)) {
		bool is_link = S_ISLNK(file.st_mode);

		if (S_ISDIR(file.st_mode))
			err = add_directory(pins, path);
		else if (!is_link || (!stat(path, &file) && !S_ISDIR(file.st_mode)))
			err = add_pin(pins, path, &file, is_link);
	}
	free(path);
	return err;
}

static int add_directory(struct elfmap_pins *pins, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int err = 0;

	if (!dir && errno == ENOENT)
		return 0;
	if (!dir)
		return add_row(pins, (struct elfmap_pinned){.kind = ELFMAP_PIN_UNREADABLE, .err = -errno},
			       strdup(path));
	while (!err && (entry = readdir(dir)))
		err = add_name(pins, path, entry->d_name);
	closedir(dir);
	return err;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct elfmap_pinned *)a)->path, ((const struct elfmap_pinned *)b)->path);
}

/* Hands over what was found, or frees it. */
static int finish(struct elfmap_pins *pins, int err, struct elfmap_pins *ret_pins)
{
	if (err) {
		elfmap_pins__free(pins);
		return err;
	}
	if (pins->nr)
		qsort(pins->pins, pins->nr, sizeof(*pins->pins), by_path);
	*ret_pins = *pins;
	return 0;
}

int elfmap_pins__read(const char *dir, struct elfmap_pins *ret_pins)
{
	struct elfmap_pins pins = {};

	return finish(&pins, add_directory(&pins, dir), ret_pins);
}

static int by_file(const void *a, const void *b)
{
	const struct elfmap_pinned *one = a, *other = b;

	if (one->dev != other->dev)
		return one->dev < other->dev ? -1 : 1;
	if (one->ino != other->ino)
		return one->ino < other->ino ? -1 : 1;
	if (one->is_link != other->is_link)
		return one->is_link - other->is_link;
	return strcmp(one->path, other->path);
}

static void drop_doubles(struct elfmap_pins *pins)
{
	size_t kept = 0;

	if (pins->nr)
		qsort(pins->pins, pins->nr, sizeof(*pins->pins), by_file);
	for (size_t i = 0; i < pins->nr; i++) {
		const struct elfmap_pinned *last = kept ? &pins->pins[kept - 1] : NULL;

		if (last && pins->pins[i].ino && last->dev == pins->pins[i].dev && last->ino == pins->pins[i].ino)
			free(pins->pins[i].path);
		else
			pins->pins[kept++] = pins->pins[i];
	}
	pins->nr = kept;
}

int elfmap_pins__read_all(struct elfmap_pins *ret_pins)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct elfmap_pins pins = {};
	char line[8192], outside[64];
	struct mntent entry;
	int err = 0;

	while (!err && mounts && getmntent_r(mounts, &entry, line, sizeof(line)))
		if (!strcmp(entry.mnt_type, "bpf") && elfmap_bpffs__contains(entry.mnt_dir))
			err = add_directory(&pins, entry.mnt_dir);
	if (mounts)
		endmntent(mounts);
	if (!err && !elfmap_bpffs__contains(ELFMAP_BPFFS_USUAL) && elfmap_bpffs__find_outside(outside, sizeof(outside)))
		err = add_directory(&pins, outside);
	drop_doubles(&pins);
	return finish(&pins, err, ret_pins);
}

void elfmap_pins__free(struct elfmap_pins *pins)
{
	for (size_t i = 0; i < pins->nr; i++)
		free(pins->pins[i].path);
	free(pins->pins);
	*pins = (struct elfmap_pins){};
}
