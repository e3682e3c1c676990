// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map list`: the maps that are pinned below a directory, each by the word that other verbs take as PIN. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/map/map_facts.h"
#include "helpers/map/map_verbs.h"
#include "pins/bpffs.h"
#include "pins/pins.h"

struct list {
	struct elfmap_census census;
	struct map_facts *rows;
	size_t count;
	int status;
};

static void clear_list(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		map_facts__free(&list->rows[i]);
	free(list->rows);
	elfmap_census__free(&list->census);
}

/* ---- query -------------------------------------------------------------------------------------- */

static int complain_about(const struct elfmap_pinned *pin)
{
	struct elfmap_msg msg;

	elfmap_refusal__explain_open(pin->path, false, -pin->err, &msg);
	return complain(pin->path, "%s", msg.text);
}

/* One complaint is enough: the others are worth showing. */
static void read_row(struct list *list, const struct elfmap_pinned *pin)
{
	struct elfmap_msg msg;
	int err;

	if (pin->kind == ELFMAP_PIN_UNREADABLE) {
		list->status = list->status ?: complain_about(pin);
		return;
	}
	if (pin->kind != ELFMAP_PIN_MAP)
		return;
	err = map_facts__read(pin->path, &list->census, &list->rows[list->count], &msg);
	if (!err)
		list->count++;
	else if (err != -ENOENT) /* it may have gone meanwhile */
		list->status = list->status ?: complain(pin->path, "%s", msg.text);
}

static int read_rows(struct list *list, const char *dir, struct elfmap_msg *msg)
{
	struct elfmap_pins pins = {};
	int err = elfmap_pins__read(dir, &pins);

	list->rows = err ? NULL : calloc(pins.nr ?: 1, sizeof(*list->rows));
	if (!list->rows) {
		strcpy(msg->text, "no memory");
		err = -ENOMEM;
	}
	err = err ?: elfmap_census__take(&list->census, msg);
	for (size_t i = 0; i < pins.nr && !err; i++)
		read_row(list, &pins.pins[i]);
	elfmap_pins__free(&pins);
	return err;
}

/* ---- render ------------------------------------------------------------------------------------- */

static void print_row(const struct list *list, const struct map_facts *row, const char *tc_dir, int pin_width,
		      int type_width)
{
	static const char *const kept[] = {[ELFMAP_LOST] = "no", [ELFMAP_KEPT] = "yes", [ELFMAP_UNKNOWN] = "?"};
	const struct bpf_map_info *info = &row->info;
	char flags[16], type[16], entries[24] = "-";

	snprintf(flags, sizeof(flags), "0x%x", info->map_flags);
	if (row->entries >= 0)
		snprintf(entries, sizeof(entries), "%lld", row->entries);
	printf("%-*s %-*s %5u %5u %9s %10u %8s %6u %4s ", pin_width, map_pin_word(row->path, tc_dir), type_width,
	       map_facts__type(row, type), info->key_size, info->value_size, entries, info->max_entries, flags,
	       info->id, kept[row->survival]);
	map_print_users(stdout, row, &list->census, tc_dir);
	putchar('\n');
}

static void print_table(const struct list *list, const char *tc_dir)
{
	int pin_width = 3, type_width = 4;
	char text[16];

	for (size_t i = 0; i < list->count; i++) {
		int pin = (int)strlen(map_pin_word(list->rows[i].path, tc_dir));
		int type = (int)strlen(map_facts__type(&list->rows[i], text));

		pin_width = pin > pin_width ? pin : pin_width;
		type_width = type > type_width ? type : type_width;
	}
	printf("%-*s %-*s %5s %5s %9s %10s %8s %6s %4s %s\n", pin_width, "PIN", type_width, "TYPE", "KEY", "VALUE",
	       "ENTRIES", "MAX", "FLAGS", "ID", "KEPT", "USED BY");
	for (size_t i = 0; i < list->count; i++)
		print_row(list, &list->rows[i], tc_dir, pin_width, type_width);
}

static void print_rows_json(const struct list *list)
{
	json_object *root = json_object_new_array();

	for (size_t i = 0; i < list->count; i++)
		json_object_array_add(root, map_facts__json(&list->rows[i], &list->census));
	print_json(root);
}

/* ------------------------------------------------------------------------------------------------- */

static void strip_slashes(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
}

int map_find_start(const char *verb, const char *dir, char *path, char *tc_dir)
{
	struct elfmap_msg msg;
	const char *why = NULL;
	struct stat file;
	int err = elfmap_bpffs__tc_dir(tc_dir, PATH_MAX, &msg);

	if (!dir) {
		strcpy(path, err ? "" : tc_dir);
		return err ? complain(verb, "%s", msg.text) : EXIT_SUCCESS;
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

struct list_request {
	const char *dir;
};

static int run(const void *words)
{
	const struct list_request *request = words;
	struct list list = {.status = EXIT_SUCCESS};
	char path[PATH_MAX], tc_dir[PATH_MAX];
	struct elfmap_msg msg;

	if (map_find_start("map list", request->dir, path, tc_dir))
		return EXIT_FAILURE;
	begin_output();
	if (read_rows(&list, path, &msg)) {
		list.status = complain(path, "%s", msg.text);
		goto out;
	}
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

static const struct option_row options[] = {
	{NULL, "DIR", OPTION_FIRST, OPTION_TEXT_AT(struct list_request, dir), .completes = COMPLETE_PIN_DIR},
	{},
};

const struct verb map_list_verb = {
	.name = "list",
	.summary = "the maps pinned below tc/, or in DIR",
	.run = run,
	.options = options,
	.request_size = sizeof(struct list_request),
};
