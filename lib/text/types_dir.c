// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Looks a map's types up in files. Two files that know the same map are a mistake, whatever they say. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "text/types_dir.h"

struct search {
	const char *dir;
	const char *name;
	size_t key_size;
	size_t value_size;
	struct elfmap_type *key;
	struct elfmap_type *value;
	char found[PATH_MAX]; /* FILE:LINE of the one that was found; "": none yet */
	struct elfmap_msg *msg;
};

/* Nobody wants an editor's copy, or a hidden file. */
static int is_file(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[length - 1] != '~' &&
	       (entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_UNKNOWN);
}

static int parse_column(const char **at, size_t size, const char *what, struct elfmap_type **ret_type,
			struct elfmap_msg *msg)
{
	*at += strspn(*at, " \t");
	if (!size) {
		if (**at != '-')
			return elfmap_msg__set(msg, -EINVAL, "the map has no %s: '-' stands for their type", what);
		++*at;
		return 0;
	}
	return elfmap_type__parse(at, size, ret_type, msg);
}

static int parse_types(struct search *search, const char *at, struct elfmap_msg *msg)
{
	int err = parse_column(&at, search->key_size, "keys", &search->key, msg);

	err = err ?: parse_column(&at, search->value_size, "values", &search->value, msg);
	if (err)
		return err;
	at += strspn(at, " \t");
	return *at ? elfmap_msg__set(msg, -EINVAL, "'%s' is more than two types", at) : 0;
}

/* LINE is ours to change. */
static int read_line(struct search *search, char *line, const char *file, unsigned int number)
{
	struct elfmap_msg why;
	char place[PATH_MAX];
	size_t length;
	int err;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	length = strcspn(line, " \t");
	if (length != strlen(search->name) || memcmp(line, search->name, length) != 0)
		return 0;
	snprintf(place, sizeof(place), "%s/%s:%u", search->dir, file, number);
	if (*search->found)
		return elfmap_msg__set(search->msg, -ENOTUNIQ, "%s and %s both have types for '%s'", search->found,
				       place, search->name);
	strcpy(search->found, place);
	err = parse_types(search, line + length, &why);
	return err ? elfmap_msg__set(search->msg, err, "%s: %s", place, why.text) : 0;
}

static int read_file(struct search *search, const char *file)
{
	char path[PATH_MAX], *line = NULL;
	unsigned int number = 0;
	size_t room = 0;
	FILE *from = NULL;
	int err = 0, fd;

	snprintf(path, sizeof(path), "%s/%s", search->dir, file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* what looks like a file may be a FIFO */
	if (fd >= 0)
		from = fdopen(fd, "r");
	if (!from) {
		err = elfmap_msg__set(search->msg, -errno, "%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && getline(&line, &room, from) >= 0)
		err = read_line(search, line, file, ++number);
	if (!err && ferror(from))
		err = elfmap_msg__set(search->msg, -EIO, "%s: cannot be read", path);
	free(line);
	fclose(from);
	return err;
}

int elfmap_types_dir__find(const char *dir, const char *name, size_t key_size, size_t value_size,
			   struct elfmap_type **ret_key, struct elfmap_type **ret_value, struct elfmap_msg *msg)
{
	struct search search = {
		.dir = dir,
		.name = name,
		.key_size = key_size,
		.value_size = value_size,
		.msg = msg,
	};
	struct dirent **files;
	int nr = scandir(dir, &files, is_file, alphasort), err = 0;

	if (nr < 0 && errno != ENOENT && errno != ENOTDIR)
		return elfmap_msg__set(msg, -errno, "%s: %s", dir, strerror(errno));
	for (int i = 0; i < nr; i++) {
		err = err ?: read_file(&search, files[i]->d_name);
		free(files[i]);
	}
	if (nr >= 0)
		free(files);
	if (err) {
		elfmap_type__free(search.key);
		elfmap_type__free(search.value);
		return err;
	}
	*ret_key = search.key;
	*ret_value = search.value;
	return 0;
}
