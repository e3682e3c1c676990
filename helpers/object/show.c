// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap show FILE`: what an object asks its loader for, so that one need not guess it from what
 * appears in bpffs. Nothing is loaded and nothing is asked of the kernel.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "object/object.h"

#define BPFFS_USUAL "/sys/fs/bpf" /* where tc looks for pins, unless TC_BPF_MNT is set */
#define BPF_INSN_SIZE 8
#define NOTHING "-" /* an empty cell */
#define CELL_SIZE 4096

/* The input of both printers: the object, and the path at which tc pins each of its maps. */
struct report {
	const char *file;
	const struct elfmap_object *object;
	char **pins;	 /* one per map; "": not pinned */
	char **warnings; /* one per map, then one per program; NULL: no warning */
};

/* ---- query ------------------------------------------------------------------------------------ */

static int query_pin(struct report *report, size_t nth, const char *sha1)
{
	const struct elfmap_map *map = &report->object->maps[nth];
	const char *mount = getenv("TC_BPF_MNT");
	struct elfmap_msg msg = {};
	char root[CELL_SIZE];
	char path[CELL_SIZE] = "";
	int err;

	snprintf(root, sizeof(root), "%s/tc", mount && *mount ? mount : BPFFS_USUAL);
	err = elfmap_pin__path(map, root, sha1, path, sizeof(path), &msg);
	report->pins[nth] = strdup(err ? "" : path);
	if (!report->pins[nth])
		return -ENOMEM;
	if (err && asprintf(&report->warnings[nth], "%s", msg.text) < 0) {
		report->warnings[nth] = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int query_program(struct report *report, size_t nth)
{
	const struct elfmap_prog *prog = &report->object->progs[nth];
	char **warning = &report->warnings[report->object->nr_maps + nth];

	if (prog->undefined &&
	    asprintf(warning, "section '%s': uses '%s', %s", prog->section, prog->undefined, prog->undefined_why) < 0) {
		*warning = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void free_report(struct report *report)
{
	for (size_t i = 0; report->pins && i < report->object->nr_maps; i++)
		free(report->pins[i]);
	for (size_t i = 0; report->warnings && i < report->object->nr_maps + report->object->nr_progs; i++)
		free(report->warnings[i]);
	free(report->pins);
	free(report->warnings);
}

static int query(struct report *report, const void *bytes, size_t size)
{
	size_t nr_maps = report->object->nr_maps, nr_progs = report->object->nr_progs;
	char sha1[41];
	int err = 0;

	elfmap_sha1(bytes, size, sha1);
	report->pins = calloc(nr_maps + 1, sizeof(*report->pins));
	report->warnings = calloc(nr_maps + nr_progs + 1, sizeof(*report->warnings));
	if (!report->pins || !report->warnings)
		return -ENOMEM;
	for (size_t i = 0; !err && i < nr_maps; i++)
		err = query_pin(report, i, sha1);
	for (size_t i = 0; !err && i < nr_progs; i++)
		err = query_program(report, i);
	return err;
}

/* ---- words ------------------------------------------------------------------------------------ */

/* Unprintable characters, which the kernel does not allow in names either, could confuse terminals and JSON parsers. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void copy_printable(char text[CELL_SIZE], const char *from)
{
	snprintf(text, CELL_SIZE, "%s", from);
	make_printable(text);
}

static void map_type_word(const struct elfmap_map *map, char *text, size_t size)
{
	const char *name = elfmap_map_type_name(map->def.type);

	if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "type %u", map->def.type);
}

static void pinning_word(const struct elfmap_map *map, char *text, size_t size)
{
	static const char *const words[] = {
		[PIN_NONE] = "none",
		[PIN_OBJECT_NS] = "object",
		[PIN_GLOBAL_NS] = "global",
	};

	if (map->def.pinning < sizeof(words) / sizeof(words[0]))
		snprintf(text, size, "%s", words[map->def.pinning]);
	else
		snprintf(text, size, "%u", map->def.pinning);
}

/* In a template 0 is a valid key; in other maps it is unset. */
static bool has_inner_idx(const struct elfmap_map *map)
{
	return map->is_inner || map->def.inner_idx;
}

/* ---- plain ------------------------------------------------------------------------------------ */

/* A column prints the cell of row NTH. A column that is empty in all rows is omitted. */
struct column {
	const char *title;
	bool is_number; /* right-aligned */
	void (*cell)(const struct report *report, size_t nth, char *text, size_t size);
};

#define MAX_COLUMNS 16

/* If the definitions differ in size (def_size 0), only the name of a map is known. */
#define MAP_CELL(field, format, value)                                                            \
	static void map_##field(const struct report *report, size_t nth, char *text, size_t size) \
	{                                                                                         \
		const struct elfmap_map *map = &report->object->maps[nth];                        \
                                                                                                  \
		if (report->object->def_size)                                                     \
			snprintf(text, size, format, value);                                      \
	}

MAP_CELL(key, "%u", map->def.size_key)
MAP_CELL(value, "%u", map->def.size_value)
MAP_CELL(entries, "%u", map->def.max_elem)
MAP_CELL(flags, "0x%x", map->def.flags)
MAP_CELL(id, "%u", map->def.id)

static void map_name(const struct report *report, size_t nth, char *text, size_t size)
{
	snprintf(text, size, "%s", report->object->maps[nth].name);
}

static void map_type(const struct report *report, size_t nth, char *text, size_t size)
{
	if (report->object->def_size)
		map_type_word(&report->object->maps[nth], text, size);
}

static void map_pinning(const struct report *report, size_t nth, char *text, size_t size)
{
	if (report->object->def_size)
		pinning_word(&report->object->maps[nth], text, size);
}

static void map_inner_id(const struct report *report, size_t nth, char *text, size_t size)
{
	if (report->object->maps[nth].def.inner_id)
		snprintf(text, size, "%u", report->object->maps[nth].def.inner_id);
}

static void map_inner_idx(const struct report *report, size_t nth, char *text, size_t size)
{
	if (has_inner_idx(&report->object->maps[nth]))
		snprintf(text, size, "%d", (int)report->object->maps[nth].def.inner_idx);
}

static void map_pinned(const struct report *report, size_t nth, char *text, size_t size)
{
	if (*report->pins[nth])
		snprintf(text, size, "%s", report->pins[nth]);
}

static const struct column map_columns[] = {
	{"name", false, map_name},
	{"type", false, map_type},
	{"key", true, map_key},
	{"value", true, map_value},
	{"entries", true, map_entries},
	{"flags", true, map_flags},
	{"id", true, map_id},
	{"inner_id", true, map_inner_id},
	{"inner_idx", true, map_inner_idx},
	{"pinning", false, map_pinning},
	{"pinned", false, map_pinned},
	{},
};

#define PROG_CELL(field, format, value)                                                            \
	static void prog_##field(const struct report *report, size_t nth, char *text, size_t size) \
	{                                                                                          \
		const struct elfmap_prog *prog = &report->object->progs[nth];                      \
                                                                                                   \
		snprintf(text, size, format, value);                                               \
	}

PROG_CELL(section, "%s", prog->section)
PROG_CELL(function, "%s", prog->name)
PROG_CELL(insns, "%zu", prog->size / BPF_INSN_SIZE)

static void prog_type(const struct report *report, size_t nth, char *text, size_t size)
{
	const char *name = elfmap_prog_type_name(report->object->progs[nth].type_hint);

	if (report->object->progs[nth].type_hint != BPF_PROG_TYPE_UNSPEC && name)
		snprintf(text, size, "%s", name);
}

static void prog_slot(const struct report *report, size_t nth, char *text, size_t size)
{
	const struct elfmap_prog *prog = &report->object->progs[nth];

	if (prog->slot_map >= 0)
		snprintf(text, size, "%s[%u]", report->object->maps[prog->slot_map].name, prog->slot_key);
	else if (prog->is_slot)
		snprintf(text, size, "no PROG_ARRAY has id %u", prog->slot_id);
}

static const struct column prog_columns[] = {
	{"section", false, prog_section}, {"function", false, prog_function},	{"insns", true, prog_insns},
	{"type", false, prog_type},	  {"tail-call slot", false, prog_slot}, {},
};

static void make_cell(const struct column *column, const struct report *report, size_t nth, char *text)
{
	strcpy(text, NOTHING);
	column->cell(report, nth, text, CELL_SIZE);
	make_printable(text);
}

/* The width of a column; 0: it is empty. */
static int column_width(const struct column *column, const struct report *report, size_t rows)
{
	size_t width = 0;
	char text[CELL_SIZE];

	for (size_t nth = 0; nth < rows; nth++) {
		make_cell(column, report, nth, text);
		if (strcmp(text, NOTHING) != 0 && width < strlen(text))
			width = strlen(text);
	}
	return (int)(width && width < strlen(column->title) ? strlen(column->title) : width);
}

static void print_cell(const char *text, int width, bool is_number, bool is_last)
{
	if (is_number)
		printf("  %*s", width, text);
	else
		printf("  %-*s", is_last ? 0 : width, text);
}

static void print_table(const char *title, const struct column *columns, const struct report *report, size_t rows)
{
	int widths[MAX_COLUMNS] = {};
	size_t last = 0;
	char text[CELL_SIZE];

	if (!rows)
		return;
	printf("\n%s\n", title);
	for (size_t i = 0; columns[i].title; i++) {
		widths[i] = column_width(&columns[i], report, rows);
		last = widths[i] ? i : last;
	}
	for (size_t i = 0; i <= last; i++)
		if (widths[i])
			print_cell(columns[i].title, widths[i], columns[i].is_number, i == last);
	putchar('\n');
	for (size_t nth = 0; nth < rows; nth++) {
		for (size_t i = 0; i <= last; i++) {
			if (!widths[i])
				continue;
			make_cell(&columns[i], report, nth, text);
			print_cell(text, widths[i], columns[i].is_number, i == last);
		}
		putchar('\n');
	}
}

static void print_lines(const char *title, char *const *lines, size_t nr_lines)
{
	char text[CELL_SIZE];

	for (size_t i = 0; i < nr_lines; i++) {
		if (!lines[i])
			continue;
		if (title)
			printf("\n%s\n", title);
		title = NULL;
		copy_printable(text, lines[i]);
		printf("  %s\n", text);
	}
}

static void print_plain(const struct report *report)
{
	const struct elfmap_object *object = report->object;
	char license[CELL_SIZE];

	copy_printable(license, *object->license ? object->license : "none");
	printf("%s: licence %s", report->file, license);
	if (object->def_size)
		printf(", 'maps' with definitions of %zu bytes", object->def_size);
	else if (object->has_legacy_maps)
		printf(", 'maps' with definitions of different sizes");
	else
		printf(", no section 'maps'%s", object->has_btf_maps ? " but a modern '.maps'" : "");
	if (object->has_legacy_maps)
		printf(", BTF %s", object->has_btf	 ? "yes"
				   : object->has_bad_btf ? "not readable, types are ignored"
							 : "no");
	putchar('\n');

	print_table("maps", map_columns, report, object->nr_maps);
	print_lines("maps in .maps, which libbpf reads", (char *const *)object->btf_maps, object->nr_btf_maps);
	print_table("programs", prog_columns, report, object->nr_progs);
	print_lines("problems", object->problems, object->nr_problems);
	print_lines("warnings", report->warnings, object->nr_maps + object->nr_progs);
}

/* ---- JSON ------------------------------------------------------------------------------------- */

static json_object *json_text(const char *from)
{
	char text[CELL_SIZE];

	copy_printable(text, from);
	return json_object_new_string(text);
}

static json_object *json_number(__u64 number)
{
	return json_object_new_uint64(number);
}

static json_object *json_map(const struct elfmap_map *map, bool has_definition, const char *pinned)
{
	json_object *root = json_object_new_object();
	char word[32];

	json_object_object_add(root, "name", json_text(map->name));
	if (!has_definition)
		return root;
	map_type_word(map, word, sizeof(word));
	json_object_object_add(root, "type", json_text(word));
	json_object_object_add(root, "bytes_key", json_number(map->def.size_key));
	json_object_object_add(root, "bytes_value", json_number(map->def.size_value));
	json_object_object_add(root, "max_entries", json_number(map->def.max_elem));
	json_object_object_add(root, "flags", json_number(map->def.flags));
	json_object_object_add(root, "id", json_number(map->def.id));
	pinning_word(map, word, sizeof(word));
	json_object_object_add(root, "pinning", json_text(word));
	if (*pinned)
		json_object_object_add(root, "pinned", json_text(pinned));
	if (map->def.inner_id)
		json_object_object_add(root, "inner_id", json_number(map->def.inner_id));
	if (has_inner_idx(map))
		json_object_object_add(root, "inner_idx", json_object_new_int((int)map->def.inner_idx));
	return root;
}

static json_object *json_prog(const struct elfmap_prog *prog, const struct elfmap_object *object)
{
	const char *type = elfmap_prog_type_name(prog->type_hint);
	json_object *root = json_object_new_object();

	json_object_object_add(root, "section", json_text(prog->section));
	json_object_object_add(root, "name", json_text(prog->name));
	if (prog->type_hint != BPF_PROG_TYPE_UNSPEC && type)
		json_object_object_add(root, "type", json_text(type));
	json_object_object_add(root, "insns", json_number(prog->size / BPF_INSN_SIZE));
	if (prog->is_slot) {
		json_object *slot = json_object_new_object();

		if (prog->slot_map >= 0)
			json_object_object_add(slot, "map", json_text(object->maps[prog->slot_map].name));
		json_object_object_add(slot, "id", json_number(prog->slot_id));
		json_object_object_add(slot, "key", json_number(prog->slot_key));
		json_object_object_add(root, "slot", slot);
	}
	return root;
}

static json_object *json_lines(char *const *lines, size_t nr_lines)
{
	json_object *root = json_object_new_array();

	for (size_t i = 0; i < nr_lines; i++)
		if (lines[i])
			json_object_array_add(root, json_text(lines[i]));
	return root;
}

static void print_report_json(const struct report *report)
{
	const struct elfmap_object *object = report->object;
	json_object *root = json_object_new_object();
	json_object *maps = json_object_new_array();
	json_object *progs = json_object_new_array();

	for (size_t i = 0; i < object->nr_maps; i++)
		json_object_array_add(maps, json_map(&object->maps[i], object->def_size != 0, report->pins[i]));
	for (size_t i = 0; i < object->nr_progs; i++)
		json_object_array_add(progs, json_prog(&object->progs[i], object));
	json_object_object_add(root, "file", json_object_new_string(report->file));
	json_object_object_add(root, "license", json_text(object->license));
	json_object_object_add(root, "bytes_definition", json_number(object->def_size));
	json_object_object_add(root, "legacy_maps", json_object_new_boolean(object->has_legacy_maps));
	json_object_object_add(root, "btf_maps", json_object_new_boolean(object->has_btf_maps));
	if (object->has_legacy_maps)
		json_object_object_add(root, "btf", json_object_new_boolean(object->has_btf));
	json_object_object_add(root, "maps", maps);
	json_object_object_add(root, "maps_of_libbpf",
			       json_lines((char *const *)object->btf_maps, object->nr_btf_maps));
	json_object_object_add(root, "progs", progs);
	json_object_object_add(root, "problems", json_lines(object->problems, object->nr_problems));
	json_object_object_add(root, "warnings", json_lines(report->warnings, object->nr_maps + object->nr_progs));
	print_json(root);
}

/* ---- the verb --------------------------------------------------------------------------------- */

static int render(const struct report *report)
{
	const struct elfmap_object *object = report->object;

	if (output.json)
		print_report_json(report);
	else
		print_plain(report);
	fflush(stdout);
	for (size_t i = 0; i < object->nr_problems; i++) {
		char line[CELL_SIZE];

		copy_printable(line, object->problems[i]);
		complain(report->file, "%s", line);
	}
	return object->nr_problems ? EXIT_FAILURE : EXIT_SUCCESS;
}

struct show_request {
	const char *file;
};

static int run(const void *words)
{
	const struct show_request *request = words;
	struct report report = {.file = request->file};
	struct elfmap_object *object = NULL;
	struct elfmap_msg msg = {};
	int status = EXIT_FAILURE;
	void *bytes = NULL;
	size_t size = 0;

	if (elfmap_file__read(report.file, &bytes, &size, &msg) || elfmap_object__read(bytes, size, &object, &msg)) {
		complain(report.file, "%s", msg.text);
		goto out;
	}
	report.object = object;
	if (query(&report, bytes, size)) {
		complain(report.file, "%s", strerror(ENOMEM));
		goto out;
	}
	status = render(&report);
out:
	free_report(&report);
	elfmap_object__free(object);
	free(bytes);
	return status;
}

static const struct option_row options[] = {
	{NULL, "FILE", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct show_request, file),
	 .completes = COMPLETE_FILE},
	{},
};

const struct verb show_verb = {
	.name = "show",
	.summary = "show maps, programs, tail-call slots and pins of an object",
	.run = run,
	.options = options,
	.request_size = sizeof(struct show_request),
};
