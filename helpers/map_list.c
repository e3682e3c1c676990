// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map list`: the maps that are pinned below a directory, each by the word that other verbs take as PIN. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bpffs.h"
#include "command.h"
#include "map.h"
#include "map_verbs.h"

struct row {
	char *path;
	struct bpf_map_info info;
};

struct list {
	struct row *rows;
	size_t count;
	int status;
};

static void clear_list(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->rows[i].path);
	free(list->rows);
}

/* ---- query -------------------------------------------------------------------------------------- */

static int add_row(struct list *list, const char *path, const struct bpf_map_info *info)
{
	struct row *rows = reallocarray(list->rows, list->count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	list->rows = rows;
	rows[list->count] = (struct row){.path = strdup(path), .info = *info};
	if (!rows[list->count].path)
		return -ENOMEM;
	list->count++;
	return 0;
}

static int add_pin(struct list *list, const char *path)
{
	struct bpf_map_info info;
	struct elfmap_msg msg;
	int fd, err;

	err = elfmap_map__open(path, &fd, &info, &msg);
	if (err == -EMEDIUMTYPE || err == -ENOENT)
		return 0; /* a program or a link; or it has gone meanwhile */
	if (err) {	  /* the others are worth showing, and one complaint is enough */
		list->status = list->status ?: complain(path, "%s", msg.text);
		return 0;
	}
	close(fd);
	return add_row(list, path, &info);
}

static int add_directory(struct list *list, const char *path);

static int add_name(struct list *list, const char *dir, const char *name)
{
	struct stat file;
	char *path;
	int err = 0;

	/* Pins have no dots: what has is bpffs' own, like maps.debug. */
	if (strchr(name, '.'))
		return 0;
	if (asprintf(&path, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	if (!lstat(path, &file)) {
		if (S_ISDIR(file.st_mode))
			err = add_directory(list, path);
		else if (!S_ISLNK(file.st_mode) || (!stat(path, &file) && !S_ISDIR(file.st_mode)))
			err = add_pin(list, path);
	}
	free(path);
	return err;
}

static int add_directory(struct list *list, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int err = 0;

	if (!dir) {
		if (errno == EACCES && geteuid() != 0)
			list->status = complain(path, "not permitted; run it as root, with 'sudo elfmap ...'");
		else if (errno != ENOENT)
			list->status = complain(path, "%s", strerror(errno));
		return 0;
	}
	while (!err && (entry = readdir(dir)))
		err = add_name(list, path, entry->d_name);
	closedir(dir);
	return err;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->path, ((const struct row *)b)->path);
}

/* ---- render ------------------------------------------------------------------------------------- */

static const char *type_name(const struct bpf_map_info *info, char text[16])
{
	const char *name = elfmap_map_type_name(info->type);

	if (name)
		return name;
	snprintf(text, 16, "%u", info->type);
	return text;
}

/* The shortest word that means this pin: relative to tc/, or its path. */
static const char *pin_word(const struct row *row, const char *tc_dir)
{
	size_t length = strlen(tc_dir);

	if (length && !strncmp(row->path, tc_dir, length) && row->path[length] == '/')
		return row->path + length + 1;
	return row->path;
}

static void print_table(const struct list *list, const char *tc_dir)
{
	int pin_width = 3, type_width = 4;
	char text[16];

	for (size_t i = 0; i < list->count; i++) {
		int pin = (int)strlen(pin_word(&list->rows[i], tc_dir));
		int type = (int)strlen(type_name(&list->rows[i].info, text));

		pin_width = pin > pin_width ? pin : pin_width;
		type_width = type > type_width ? type : type_width;
	}
	printf("%-*s %-*s %5s %5s %10s %8s %6s\n", pin_width, "PIN", type_width, "TYPE", "KEY", "VALUE", "ENTRIES",
	       "FLAGS", "ID");
	for (size_t i = 0; i < list->count; i++) {
		const struct bpf_map_info *info = &list->rows[i].info;
		char flags[16];

		snprintf(flags, sizeof(flags), "0x%x", info->map_flags);
		printf("%-*s %-*s %5u %5u %10u %8s %6u\n", pin_width, pin_word(&list->rows[i], tc_dir), type_width,
		       type_name(info, text), info->key_size, info->value_size, info->max_entries, flags, info->id);
	}
}

static void print_rows_json(const struct list *list)
{
	json_object *root = json_object_new_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct bpf_map_info *info = &list->rows[i].info;
		json_object *row = json_object_new_object(), *pins = json_object_new_array();
		char text[16];

		json_object_object_add(row, "id", json_object_new_int64(info->id));
		json_object_object_add(row, "type", json_object_new_string(type_name(info, text)));
		json_object_object_add(row, "flags", json_object_new_int64(info->map_flags));
		json_object_object_add(row, "bytes_key", json_object_new_int64(info->key_size));
		json_object_object_add(row, "bytes_value", json_object_new_int64(info->value_size));
		json_object_object_add(row, "max_entries", json_object_new_int64(info->max_entries));
		json_object_array_add(pins, json_object_new_string(list->rows[i].path));
		json_object_object_add(row, "pinned", pins);
		json_object_array_add(root, row);
	}
	print_json(root);
}

/* ------------------------------------------------------------------------------------------------- */

static void strip_slashes(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
}

/* Without DIR: all that tc has pinned, which may be nothing. What the user names must be there.
 * Returns an exit status. */
static int find_start(const char *dir, char path[PATH_MAX], char tc_dir[PATH_MAX])
{
	struct elfmap_msg msg;
	const char *why = NULL;
	struct stat file;
	int err = elfmap_bpffs__tc_dir(tc_dir, PATH_MAX, &msg);

	if (!dir) {
		strcpy(path, err ? "" : tc_dir);
		return err ? complain("map list", "%s", msg.text) : EXIT_SUCCESS;
	}
	if (err)
		*tc_dir = '\0'; /* a path needs none */
	if (elfmap_bpffs__dir_path(dir, path, PATH_MAX, &msg))
		return complain(dir, "%s", msg.text);
	strip_slashes(path);
	if (stat(path, &file))
		why = strerror(errno);
	else if (!S_ISDIR(file.st_mode))
		why = strerror(ENOTDIR);
	else if (!elfmap_bpffs__contains(path))
		why = "not in a bpf file system";
	return why ? complain(dir, "%s: %s; 'elfmap map list' shows all below tc/", path, why) : EXIT_SUCCESS;
}

int map_list(int argc, char **argv)
{
	struct list list = {.status = EXIT_SUCCESS};
	char path[PATH_MAX], tc_dir[PATH_MAX];
	int err;

	argc = take_options(argc, argv, NULL);
	if (argc < 1 || argc > 2)
		return EXIT_USAGE;
	if (find_start(argv[1], path, tc_dir))
		return EXIT_FAILURE;
	begin_output();
	err = add_directory(&list, path);
	if (err) {
		list.status = complain(path, "%s", strerror(-err));
		goto out;
	}
	if (list.count)
		qsort(list.rows, list.count, sizeof(*list.rows), by_path);
	if (output.json)
		print_rows_json(&list);
	else
		print_table(&list, tc_dir);
	if (end_output())
		list.status = EXIT_FAILURE;
out:
	clear_list(&list);
	return list.status;
}
