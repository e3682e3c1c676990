// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Prints what `elfmap check` found: plain or JSON, and each error on stderr. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/object/check.h"
#include "object/old_tc.h"
#include "pins/pin.h"

#define NOTHING "-" /* an empty cell */
#define MAX_COLUMNS 8
#define CELL_SIZE 512

static const char *const pin_words[] = {
	[PIN_UNASKED] = NOTHING,       [PIN_ABSENT] = "absent",	  [PIN_EQUAL] = "equal",
	[PIN_DIFFERENT] = "different", [PIN_UNKNOWN] = "unknown",
};

static bool is_shown(const struct check_map *map)
{
	return !map->of->is_internal || map->err;
}

static void map_type(const struct check_map *map, char *text, size_t size)
{
	const char *name = elfmap_map_type_name(map->of->map.def.type);

	if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "type %u", map->of->map.def.type);
}

static const char *prog_type(const struct check_prog *prog)
{
	const char *name = elfmap_prog_type_name(prog->type);

	return name ? name : "unknown";
}

/* ---- plain ------------------------------------------------------------------------------------------------- */

/* Fills the cells of row NTH; false: the row is not shown. */
typedef bool row_fn(const struct check *check, size_t nth, char cells[MAX_COLUMNS][CELL_SIZE]);

static void set_cell(char *cell, const char *text)
{
	snprintf(cell, CELL_SIZE, "%s", text);
	for (; *cell; cell++)
		if (*cell < ' ' || *cell > '~')
			*cell = '?';
}

static void set_number(char *cell, size_t number)
{
	if (number)
		snprintf(cell, CELL_SIZE, "%zu", number);
	else
		set_cell(cell, NOTHING);
}

static bool fill_map(const struct check *check, size_t nth, char cells[MAX_COLUMNS][CELL_SIZE])
{
	const struct check_map *map = &check->maps[nth];

	set_cell(cells[0], map->of->map.name);
	map_type(map, cells[1], CELL_SIZE);
	set_cell(cells[2], map->err ? "refused" : "ok");
	set_cell(cells[3], pin_words[map->pin]);
	set_cell(cells[4], map->of->pin_path ? map->of->pin_path : NOTHING);
	return is_shown(map);
}

static bool fill_prog(const struct check *check, size_t nth, char cells[MAX_COLUMNS][CELL_SIZE])
{
	const struct check_prog *prog = &check->progs[nth];

	set_cell(cells[0], prog->section);
	set_cell(cells[1], prog->name);
	set_cell(cells[2], prog_type(prog));
	set_cell(cells[3], prog->err ? "refused" : "ok");
	set_number(cells[4], prog->nr_insns);
	set_number(cells[5], prog->xlated / sizeof(struct bpf_insn));
	set_number(cells[6], prog->verified);
	return prog->is_chosen;
}

static void print_table(const char *title, const char *const *titles, const struct check *check, row_fn *fill,
			size_t nr)
{
	char cells[MAX_COLUMNS][CELL_SIZE];
	int widths[MAX_COLUMNS] = {};
	size_t columns = 0, rows = 0;

	while (titles[columns])
		columns++;
	for (size_t i = 0; i < columns; i++)
		widths[i] = (int)strlen(titles[i]);
	for (size_t nth = 0; nth < nr; nth++) {
		if (!fill(check, nth, cells))
			continue;
		rows++;
		for (size_t i = 0; i < columns; i++)
			widths[i] = (int)strlen(cells[i]) > widths[i] ? (int)strlen(cells[i]) : widths[i];
	}
	if (!rows)
		return;
	printf("\n%s\n", title);
	for (size_t i = 0; i < columns; i++)
		printf("  %-*s%s", i + 1 < columns ? widths[i] : 0, titles[i], i + 1 < columns ? "" : "\n");
	for (size_t nth = 0; nth < nr; nth++)
		for (size_t i = 0; fill(check, nth, cells) && i < columns; i++)
			printf("  %-*s%s", i + 1 < columns ? widths[i] : 0, cells[i], i + 1 < columns ? "" : "\n");
}

static void print_lines(const char *title, const struct lines *lines)
{
	for (size_t i = 0; i < lines->nr; i++)
		printf("%s%s%s  %s\n", i ? "" : "\n", i ? "" : title, i ? "" : "\n", lines->text[i]);
}

static void print_logs(const struct check *check)
{
	for (size_t i = 0; i < check->nr_progs; i++) {
		char title[CELL_SIZE];

		snprintf(title, sizeof(title), "the verifier on %.200s", check->progs[i].name);
		print_lines(title, &check->progs[i].log);
	}
}

static void print_plain(const struct check *check)
{
	static const char *const map_titles[] = {"name", "type", "verdict", "pin", "pinned", NULL};
	static const char *const prog_titles[] = {"section", "function", "type",     "verdict",
						  "insns",   "xlated",	 "verified", NULL};

	printf("%s: %s here\n", check->file, check__is_fine(check) ? "would load" : "would not load");
	print_table("maps", map_titles, check, fill_map, check->nr_maps);
	print_table("programs", prog_titles, check, fill_prog, check->nr_progs);
	print_logs(check);
	print_lines("problems", &check->problems);
	print_lines("warnings", &check->warnings);
}

/* ---- JSON --------------------------------------------------------------------------------------------------- */

static void add_text(json_object *root, const char *name, const char *text)
{
	char cell[CELL_SIZE * 2];

	if (!text)
		return;
	snprintf(cell, sizeof(cell), "%s", text);
	for (char *at = cell; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	json_object_object_add(root, name, json_object_new_string(cell));
}

static void add_number(json_object *root, const char *name, __u64 number)
{
	json_object_object_add(root, name, json_object_new_uint64(number));
}

static void add_lines(json_object *root, const char *name, const struct lines *lines)
{
	json_object *array = json_object_new_array();

	for (size_t i = 0; i < lines->nr; i++)
		json_object_array_add(array, json_object_new_string(lines->text[i]));
	json_object_object_add(root, name, array);
}

static json_object *json_map(const struct check_map *map)
{
	json_object *root = json_object_new_object();
	char type[32];

	add_text(root, "name", map->of->map.name);
	map_type(map, type, sizeof(type));
	add_text(root, "type", type);
	add_number(root, "bytes_key", map->of->map.def.size_key);
	add_number(root, "bytes_value", map->of->map.def.size_value);
	add_number(root, "max_entries", map->of->map.def.max_elem);
	add_number(root, "flags", map->of->map.def.flags);
	json_object_object_add(root, "ok", json_object_new_boolean(!map->err));
	add_text(root, "error", map->why);
	add_text(root, "pinned", map->of->pin_path);
	add_text(root, "pin", map->pin == PIN_UNASKED ? NULL : pin_words[map->pin]);
	add_text(root, "pin_error", map->pin_why);
	return root;
}

/* "; *value += 1; @ count.c:31" of the log's lines; NULL: no BTF. */
static const char *find_source(const struct check_prog *prog)
{
	for (size_t i = prog->log.nr; i-- > 0;)
		if (!strncmp(prog->log.text[i], "; ", 2))
			return prog->log.text[i] + 2;
	return NULL;
}

static json_object *json_prog(const struct check_prog *prog)
{
	json_object *root = json_object_new_object();

	add_text(root, "section", prog->section);
	add_text(root, "name", prog->name);
	add_text(root, "type", prog_type(prog));
	json_object_object_add(root, "ok", json_object_new_boolean(!prog->err));
	add_number(root, "insns", prog->nr_insns);
	if (!prog->err)
		add_number(root, "bytes_xlated", prog->xlated);
	if (prog->verified)
		add_number(root, "verified_insns", prog->verified);
	add_text(root, "error", prog->why);
	add_text(root, "source", find_source(prog));
	if (prog->err)
		add_lines(root, "log", &prog->log);
	return root;
}

static void print_as_json(const struct check *check)
{
	json_object *root = json_object_new_object(), *maps = json_object_new_array();
	json_object *progs = json_object_new_array();

	for (size_t i = 0; i < check->nr_maps; i++)
		if (is_shown(&check->maps[i]))
			json_object_array_add(maps, json_map(&check->maps[i]));
	for (size_t i = 0; i < check->nr_progs; i++)
		if (check->progs[i].is_chosen)
			json_object_array_add(progs, json_prog(&check->progs[i]));
	json_object_object_add(root, "file", json_object_new_string(check->file));
	json_object_object_add(root, "ok", json_object_new_boolean(check__is_fine(check)));
	json_object_object_add(root, "maps", maps);
	json_object_object_add(root, "progs", progs);
	add_lines(root, "problems", &check->problems);
	add_lines(root, "warnings", &check->warnings);
	print_json(root);
}

/* ---- both ---------------------------------------------------------------------------------------------------- */

static void complain_of_pin(const struct check *check, const struct check_map *map)
{
	struct elfmap_msg msg;

	snprintf(msg.text, sizeof(msg.text), "%s", map->pin_why);
	elfmap_pin__add_remedy(map->of->pin_path, &msg);
	complain(check->file, "%s", msg.text);
}

static void complain_of_all(const struct check *check)
{
	for (size_t i = 0; i < check->problems.nr; i++)
		complain(check->file, "%s", check->problems.text[i]);
	for (size_t i = 0; i < check->nr_maps; i++) {
		const struct check_map *map = &check->maps[i];

		if (map->why)
			complain(check->file, "map '%s': %s", map->of->map.name, map->why);
		if (map->pin_why && map->pin == PIN_DIFFERENT)
			complain_of_pin(check, map);
		else if (map->pin_why)
			complain(check->file, "%s", map->pin_why);
	}
	for (size_t i = 0; i < check->nr_progs; i++)
		if (check->progs[i].why)
			complain(check->file, "section '%s': program '%s': %s", check->progs[i].section,
				 check->progs[i].name, check->progs[i].why);
}

bool check__is_fine(const struct check *check)
{
	for (size_t i = 0; i < check->nr_maps; i++)
		if (check->maps[i].err || check->maps[i].pin == PIN_DIFFERENT || check->maps[i].pin == PIN_UNKNOWN)
			return false;
	for (size_t i = 0; i < check->nr_progs; i++)
		if (check->progs[i].err)
			return false;
	return !check->problems.nr;
}

void check__print(const struct check *check)
{
	if (output.json)
		print_as_json(check);
	else
		print_plain(check);
	fflush(stdout);
	complain_of_all(check);
}

/* ---- --old-tc ------------------------------------------------------------------------------------------------ */

static void print_old_tc(const char *file, const struct lines *reasons, const struct lines *warnings)
{
	printf("%s: a tc without libbpf %s\n", file, reasons->nr ? "does not take it" : "takes it");
	print_lines("reasons", reasons);
	print_lines("warnings", warnings);
}

static void print_old_tc_as_json(const char *file, const struct lines *reasons, const struct lines *warnings)
{
	json_object *root = json_object_new_object();

	json_object_object_add(root, "file", json_object_new_string(file));
	json_object_object_add(root, "ok", json_object_new_boolean(!reasons->nr));
	add_lines(root, "reasons", reasons);
	add_lines(root, "warnings", warnings);
	print_json(root);
}

int check__old_tc(const struct check *check)
{
	struct elfmap_old_tc verdict = {};
	struct lines reasons, warnings;

	if (elfmap_object__old_tc(check->load->object, check->section, &verdict))
		return complain(check->file, "%s", strerror(ENOMEM));
	reasons = (struct lines){verdict.reasons, verdict.nr_reasons};
	warnings = (struct lines){verdict.warnings, verdict.nr_warnings};
	if (output.json)
		print_old_tc_as_json(check->file, &reasons, &warnings);
	else
		print_old_tc(check->file, &reasons, &warnings);
	fflush(stdout);
	for (size_t i = 0; i < reasons.nr; i++)
		complain(check->file, "%s", reasons.text[i]);
	elfmap_old_tc__free(&verdict);
	return reasons.nr ? EXIT_FAILURE : EXIT_SUCCESS;
}
