// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map list`: the maps pinned below a directory. `elfmap map show`: one of them in full. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/map/map_facts.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "pins/pins.h"
#include "text/values.h"

/* ---- list ------------------------------------------------------------------------------------------------ */

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

	list->rows = err ? NULL : calloc(pins.nr + 1, sizeof(*list->rows));
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
	const char *pin = map_pin_word(row->path, tc_dir);
	const struct bpf_map_info *info = &row->info;
	char flags[16], type[16], entries[24] = "-";

	snprintf(flags, sizeof(flags), "0x%x", info->map_flags);
	if (row->entries >= 0)
		snprintf(entries, sizeof(entries), "%lld", row->entries);
	print_name(stdout, pin);
	printf("%*s %-*s %5u %5u %9s %10u %8s %6u %4s ", pin_width - (int)strlen(pin), "", type_width,
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

static int run_list(const void *words)
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

static const struct option_row list_options[] = {
	{NULL, "DIR", OPTION_FIRST, OPTION_TEXT_AT(struct list_request, dir), .completes = COMPLETE_PIN_DIR},
	{},
};

const struct verb map_list_verb = {
	.name = "list",
	.summary = "list the maps pinned below tc/, or in DIR",
	.run = run_list,
	.options = list_options,
	.request_size = sizeof(struct list_request),
};

/* ---- show ------------------------------------------------------------------------------------------------ */

struct whole {
	struct map_facts facts;
	struct elfmap_census census;
	struct stat pin;
	char *key; /* in words; NULL: the map's entries have no keys or cannot be read */
	char *value;
	bool has_btf;
	char *why_unreadable;
};

/* ---- query ---------------------------------------------------------------------------------------- */

static char *in_words(const struct elfmap_type *type)
{
	struct elfmap_buffer text = {};

	elfmap_type__write(&text, type);
	elfmap_buffer__add(&text, "", 1);
	if (!text.error)
		return text.bytes;
	elfmap_buffer__free(&text);
	return NULL;
}

static int read_types(struct whole *whole, struct elfmap_msg *msg)
{
	struct elfmap_reader reader;
	int err = elfmap_reader__open(whole->facts.path, &reader, msg);

	whole->has_btf = whole->facts.info.btf_key_type_id || whole->facts.info.btf_value_type_id;
	if (err == -EOPNOTSUPP) {
		whole->why_unreadable = strdup(msg->text);
		return 0;
	}
	if (err)
		return err;
	whole->key = in_words(reader.format.key);
	whole->value = in_words(reader.format.value);
	elfmap_reader__close(&reader);
	return 0;
}

static int read_whole(const char *path, struct whole *whole, struct elfmap_msg *msg)
{
	int err;

	err = elfmap_census__take(&whole->census, msg);
	err = err ?: map_facts__read(path, &whole->census, &whole->facts, msg);
	if (!err && stat(path, &whole->pin)) {
		err = -errno;
		snprintf(msg->text, sizeof(msg->text), "%s", strerror(errno));
	}
	return err ?: read_types(whole, msg);
}

static void free_whole(struct whole *whole)
{
	map_facts__free(&whole->facts);
	elfmap_census__free(&whole->census);
	free(whole->key);
	free(whole->value);
	free(whole->why_unreadable);
}

/* ---- text ----------------------------------------------------------------------------------------- */

static const struct {
	__u32 flag;
	const char *name;
} flag_names[] = {
	{BPF_F_NO_PREALLOC, "no_prealloc"}, {BPF_F_NO_COMMON_LRU, "no_common_lru"},
	{BPF_F_NUMA_NODE, "numa_node"},	    {BPF_F_RDONLY, "rdonly"},
	{BPF_F_WRONLY, "wronly"},	    {BPF_F_STACK_BUILD_ID, "stack_build_id"},
	{BPF_F_ZERO_SEED, "zero_seed"},	    {BPF_F_RDONLY_PROG, "rdonly_prog"},
	{BPF_F_WRONLY_PROG, "wronly_prog"}, {BPF_F_CLONE, "clone"},
	{BPF_F_MMAPABLE, "mmapable"},	    {BPF_F_PRESERVE_ELEMS, "preserve_elems"},
	{BPF_F_INNER_MAP, "inner_map"},
};

static void print_flags(__u32 flags)
{
	printf("flags 0x%x", flags);
	for (size_t i = 0; i < sizeof(flag_names) / sizeof(*flag_names); i++)
		if (flags & flag_names[i].flag)
			printf(" %s", flag_names[i].name);
	putchar('\n');
}

static void print_types(const struct whole *whole)
{
	const struct bpf_map_info *info = &whole->facts.info;

	printf("key %u", info->key_size);
	if (whole->key)
		printf(" %s", whole->key);
	printf("\nvalue %u", info->value_size);
	if (whole->value)
		printf(" %s", whole->value);
	printf("\ntypes %s\n", whole->has_btf ? "btf" : "none");
}

static void print_users(const struct whole *whole)
{
	const struct elfmap_census *census = &whole->census;
	__u32 id = whole->facts.info.id;

	for (size_t i = 0; i < census->nr_progs; i++) {
		const struct elfmap_program *prog = &census->progs[i];
		const char *type = elfmap_prog_type_name(prog->type);

		if (!elfmap_program__uses(prog, id))
			continue;
		printf("used by prog %u %s %.*s\n", prog->id, type ?: "of unknown type", (int)sizeof(prog->name),
		       prog->name);
		map_print_places(stdout, prog->id, census, true, "\tat ", "\n\tat ", "\n");
	}
	if (!census->complete)
		puts("used by ?");
	for (size_t i = 0; i < census->nr_holdings; i++)
		if (census->holdings[i].inner == id)
			printf("used by map %u\n", census->holdings[i].outer);
	for (size_t i = 0; i < census->pins.nr; i++)
		if (elfmap_pinned__is_other(&census->pins.pins[i], id, whole->facts.path)) {
			fputs("used by pin ", stdout);
			print_name(stdout, census->pins.pins[i].path);
			putchar('\n');
		}
}

static void print_whole(const struct whole *whole)
{
	const struct map_facts *facts = &whole->facts;
	const struct bpf_map_info *info = &facts->info;
	static const char *const kept[] = {[ELFMAP_LOST] = "no", [ELFMAP_KEPT] = "yes", [ELFMAP_UNKNOWN] = "?"};
	char text[16];

	fputs("pin ", stdout);
	print_name(stdout, facts->path);
	printf("\nid %u\n", info->id);
	if (*info->name)
		printf("name %.*s\n", (int)sizeof(info->name), info->name);
	printf("type %s\n", map_facts__type(facts, text));
	print_types(whole);
	if (facts->entries >= 0)
		printf("entries %lld of %u\n", facts->entries, info->max_entries);
	else
		printf("entries - of %u\n", info->max_entries);
	print_flags(info->map_flags);
	if (info->map_extra)
		printf("extra 0x%llx\n", info->map_extra);
	printf("frozen %s\n", facts->frozen ? "yes" : "no");
	printf("owner %u group %u mode %04o\n", whole->pin.st_uid, whole->pin.st_gid, whole->pin.st_mode & 07777);
	printf("kept %s\n", kept[facts->survival]);
	print_users(whole);
	if (whole->why_unreadable)
		printf("note %s\n", whole->why_unreadable);
}

/* ------------------------------------------------------------------------------------------------- */

static void print_whole_json(const struct whole *whole)
{
	json_object *root = map_facts__json(&whole->facts, &whole->census);

	json_object_object_add(root, "key_type", whole->key ? json_object_new_string(whole->key) : NULL);
	json_object_object_add(root, "value_type", whole->value ? json_object_new_string(whole->value) : NULL);
	json_object_object_add(root, "btf_id", json_object_new_int64(whole->facts.info.btf_id));
	json_object_object_add(root, "map_extra", json_object_new_int64((int64_t)whole->facts.info.map_extra));
	json_object_object_add(root, "uid", json_object_new_int64(whole->pin.st_uid));
	json_object_object_add(root, "gid", json_object_new_int64(whole->pin.st_gid));
	json_object_object_add(root, "mode", json_object_new_int64(whole->pin.st_mode & 07777));
	print_json(root);
}

struct show_request {
	const char *pin;
};

static int run_show(const void *words)
{
	const struct show_request *request = words;
	struct whole whole = {};
	struct elfmap_msg msg;
	char path[PATH_MAX];
	int status = EXIT_SUCCESS;

	if (elfmap_bpffs__pin_path(request->pin, path, sizeof(path), &msg) || read_whole(path, &whole, &msg))
		status = complain(request->pin, "%s", msg.text);
	else if (output.json)
		print_whole_json(&whole);
	else
		print_whole(&whole);
	free_whole(&whole);
	return status;
}

static const struct option_row show_options[] = {PIN_ROW(struct show_request), {}};

const struct verb map_show_verb = {
	.name = "show",
	.summary = "show a map in full: types, entries, flags, who uses it",
	.run = run_show,
	.options = show_options,
	.request_size = sizeof(struct show_request),
};
