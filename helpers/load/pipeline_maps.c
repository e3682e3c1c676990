// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Lines map and cgroup: what they would change, the change, and the way back. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/netns.h"
#include "base/path.h"
#include "cgroup_filter.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "helpers/map/map_file.h"
#include "kinds/maps.h"
#include "pins/pin_change.h"

/* ---- map: the words -------------------------------------------------------------------------------------- */

const struct option_row line_map_rows[] = {
	{NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct line_map, pin)},
	{NULL, "FILE", OPTION_REQUIRED, OPTION_TEXT_AT(struct line_map, file)},
	{"types", "KEY:VALUE", 0, OPTION_TEXT_AT(struct line_map, types)},
	{"exact", NULL, 0, OPTION_FLAG_AT(struct line_map, exact)},
	{},
};

/* tc/filling/MAP. The name does not depend on the path by which the bpf file system was found. */
static int find_mark(const struct pipeline *pipeline, struct line_map *map, struct elfmap_msg *msg)
{
	size_t above = strlen(pipeline->tc_dir);
	char name[NAME_MAX + 1];

	above = strncmp(map->path, pipeline->tc_dir, above) != 0 ? 0 : above;
	if (elfmap_pin_name__escape(map->path + above, name, sizeof(name)))
		return elfmap_msg__set(msg, -ENAMETOOLONG, "%s: the path is too long", map->pin);
	if (asprintf(&map->mark, "%s/filling/%s", pipeline->tc_dir, name) < 0) {
		map->mark = NULL;
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	return 0;
}

int line_map__finish(struct pipeline *pipeline, struct pipeline_line *line, struct pipeline_netns *netns,
		     struct elfmap_msg *msg)
{
	struct line_map *map = line->map;

	map->netns = netns;
	if (!strcmp(map->file, "-"))
		return elfmap_msg__set(msg, -EINVAL, "%s: requires a file, not standard input", map->pin);
	return pipeline__find_pin(pipeline, map->pin, &map->path, msg) ?: find_mark(pipeline, map, msg);
}

/* Splits a copy, since the plan prints the line as it was written. */
static int read_types(struct line_map *map, struct elfmap_type_words *ret_types, struct elfmap_msg *msg)
{
	int err;

	*ret_types = (struct elfmap_type_words){};
	if (!map->types)
		return 0;
	free(map->split);
	map->split = strdup(map->types);
	if (!map->split)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	err = elfmap_type_words__split(map->split, ret_types, msg);
	if (!err && !*ret_types->key)
		ret_types->key = NULL; /* a queue's values: types :VALUE */
	return err;
}

/* Opens the pin, or the map MADE that will be pinned there if that is a descriptor. */
static int open_map(struct line_map *map, int made, enum elfmap_access access, struct elfmap_reader *ret_reader,
		    struct elfmap_msg *msg)
{
	struct elfmap_type_words types;
	int err = read_types(map, &types, msg);

	if (!err && made >= 0)
		err = elfmap_reader__open_fd(made, elfmap_path__name(map->path), &types, ret_reader, msg);
	else if (!err)
		err = elfmap_reader__open_for(map->path, access, &types, ret_reader, msg);
	return err ? pipeline__name_culprit(map->pin, err, msg) : 0;
}

/* ---- map: differences ---------------------------------------------------------------------------------------- */

struct printer {
	struct line_map *map;
	const struct elfmap_format *format;
	struct elfmap_json json;
};

static int print_json_difference(struct printer *printer, const void *key, const void *old_value, const void *new_value)
{
	struct elfmap_json *json = &printer->json;

	elfmap_json__open(json, '{');
	if (old_value) {
		elfmap_json__name(json, "old");
		elfmap_json__entry(json, printer->format, key, old_value, false);
	}
	if (new_value) {
		elfmap_json__name(json, "new");
		elfmap_json__entry(json, printer->format, key, new_value, false);
	}
	elfmap_json__close(json, '}');
	return json->to->error;
}

/* Adds " -> " and the text of NEW_VALUE to the line before. */
static void add_new_value(struct printer *printer, const void *key, const void *new_value)
{
	struct elfmap_buffer *to = &printer->map->differences, line = {}, word = {};
	struct elfmap_value value = {.bytes = key, .copies = 1};

	elfmap_text__write_entry(&line, printer->format, key, new_value, false, printer->map->contents.resolver);
	elfmap_text__write(&word, printer->format->key, &value, printer->map->contents.resolver);
	if (!line.error && !word.error && to->length && word.length < line.length) {
		to->length--; /* the line break */
		elfmap_buffer__add(to, " ->", 3);
		elfmap_buffer__add(to, line.bytes + word.length, line.length - word.length);
	}
	elfmap_buffer__free(&line);
	elfmap_buffer__free(&word);
}

static int print_difference(void *context, const void *key, const void *old_value, const void *new_value)
{
	struct printer *printer = context;
	struct elfmap_buffer *to = &printer->map->differences;

	if (output.json)
		return print_json_difference(printer, key, old_value, new_value);
	elfmap_buffer__add(to, !old_value ? "  + " : new_value ? "  ~ " : "  - ", 4);
	elfmap_text__write_entry(to, printer->format, key, old_value ?: new_value, false,
				 printer->map->contents.resolver);
	if (old_value && new_value)
		add_new_value(printer, key, new_value);
	return to->error;
}

static int compare_map(struct pipeline *pipeline, struct line_map *map, const struct elfmap_reader *reader,
		       struct elfmap_msg *msg)
{
	struct printer printer = {
		.map = map, .format = &reader->format, .json = {.to = &map->differences, .pretty = false}};
	int err;

	if (pipeline->dry_run && output.json)
		elfmap_json__open(&printer.json, '[');
	err = elfmap_contents__compare(&map->contents, reader, pipeline->dry_run ? print_difference : NULL, &printer,
				       msg);
	if (pipeline->dry_run && output.json)
		elfmap_json__close(&printer.json, ']');
	return err ? pipeline__name_culprit(map->pin, err, msg) : 0;
}

/* ---- map: plan ----------------------------------------------------------------------------------------------- */

static void refuse_line(void *context, const char *place, const char *why)
{
	struct elfmap_msg msg;

	elfmap_msg__set(&msg, -EINVAL, "%s: %s", place, why);
	pipeline_line__fail(context, -EINVAL, &msg);
}

/* In the namespace of the line, for names of devices. */
static int read_file(struct pipeline_line *line, const struct elfmap_reader *reader, struct elfmap_msg *msg)
{
	struct line_map *map = line->map;
	int back, err = elfmap_netns__visit(map->netns->fd, &back, msg);

	if (err)
		return err;
	map->contents.exact = map->exact;
	map->contents.stop = &interrupted;
	map->contents.source.refused = refuse_line;
	map->contents.source.context = line;
	err = elfmap_contents__read(&map->contents, map->file, reader, map->path, msg);
	err = elfmap_netns__leave(back, err, msg);
	map->is_read = !err;
	if (err && line->error) /* it has the refused lines */
		return -ECANCELED;
	return err;
}

static int judge(struct pipeline *pipeline, struct pipeline_line *line, const struct elfmap_reader *reader,
		 struct elfmap_msg *msg)
{
	struct line_map *map = line->map;
	struct elfmap_msg why;
	int err;

	if (elfmap_map__check_readable(&reader->info, &why)) {
		if (map->exact)
			return elfmap_msg__set(msg, -EOPNOTSUPP, "%s: %s", map->pin, why.text);
		return 0;
	}
	err = compare_map(pipeline, map, reader, msg);
	if (err || line->intent != WILL_KEEP)
		return err;
	if (map->contents.nr_changed + map->contents.nr_missing + map->contents.nr_extra)
		line->intent = map->exact ? WILL_CHANGE : HAS_DRIFTED;
	if (line->intent != WILL_CHANGE)
		return 0;
	err = elfmap_map__check_writable(reader, msg);
	if (!err && map->contents.nr_extra && !elfmap_map_kind__of(reader->info.type)->keeps_slots)
		err = elfmap_map__check_deletable(reader, msg);
	return err ? pipeline__name_culprit(map->pin, err, msg) : 0;
}

int line_map__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_map *map = line->map;
	struct elfmap_reader reader = {.fd = -1};
	int err, made = -1;

	if (access(map->file, R_OK))
		return elfmap_msg__set(msg, -errno, "%s: %s", map->file, strerror(errno));
	map->is_there = !access(map->path, F_OK);
	/* A marked map was pinned by an apply that was interrupted before it wrote the entries. */
	line->intent = map->is_there && access(map->mark, F_OK) ? WILL_KEEP : WILL_ADD;
	if (!map->is_there && !pipeline__find_maker(pipeline, map->path, &made))
		return pipeline__refuse_absent(pipeline, map->pin, msg);
	if (!map->is_there && made < 0)
		return 0; /* its object was released again: the file is checked before the entries are written */
	err = open_map(map, made, ELFMAP_READ, &reader, msg);
	if (err)
		return err;
	/* Programs and maps that the file names may be pinned by this pipeline. */
	if (map->exact || !reader.format.value || !reader.format.value->has_objects) {
		err = read_file(line, &reader, msg);
		err = err ?: judge(pipeline, line, &reader, msg);
	}
	elfmap_reader__close(&reader);
	return err;
}

/* ---- map: change --------------------------------------------------------------------------------------------- */

int line_map__mark(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_map *map = line->map;
	char *slash = strrchr(map->mark, '/');
	int err;

	(void)pipeline;
	if (line->intent != WILL_ADD)
		return 0;
	*slash = '\0';
	err = mkdir(map->mark, 0700) && errno != EEXIST ? -errno : 0;
	*slash = '/';
	map->is_marked = !err && !mkdir(map->mark, 0700);
	if (!err && !map->is_marked && errno != EEXIST)
		err = -errno;
	return err ? elfmap_msg__set(msg, err, "%s: %s", map->mark, strerror(-err)) : 0;
}

void line_map__unmark(struct line_map *map, bool kept)
{
	if (!map || !map->mark || (!map->is_marked && !kept))
		return;
	rmdir(map->mark);
	*strrchr(map->mark, '/') = '\0';
	rmdir(map->mark); /* fails where there are others */
	free(map->mark);
	map->mark = NULL;
	map->is_marked = false;
}

int line_map__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_map *map = line->map;
	struct elfmap_reader reader = {.fd = -1};
	int back, err;

	(void)pipeline;
	err = open_map(map, -1, ELFMAP_READ_WRITE, &reader, msg);
	if (!err && !map->is_read)
		err = read_file(line, &reader, msg);
	err = err ?: elfmap_netns__visit(map->netns->fd, &back, msg);
	if (!err) {
		map->is_done = map->is_there;
		err = elfmap_contents__write(&map->contents, &reader, map->path, !map->is_there, msg);
		err = elfmap_netns__leave(back, err, msg);
		if (err)
			pipeline__name_culprit(map->pin, err, msg);
	}
	elfmap_reader__close(&reader);
	return err;
}

void line_map__undo(struct pipeline_line *line)
{
	struct line_map *map = line->map;
	struct elfmap_reader reader = {.fd = -1};

	if (!map->is_done || open_map(map, -1, ELFMAP_READ_WRITE, &reader, NULL))
		return;
	elfmap_contents__undo(&map->contents, &reader);
	elfmap_reader__close(&reader);
	map->is_done = false;
}

void line_map__free(struct line_map *map)
{
	if (!map)
		return;
	elfmap_contents__free(&map->contents);
	elfmap_buffer__free(&map->differences);
	free(map->split);
	free(map->path);
	free(map->mark);
	free(map);
}

/* ---- cgroup -------------------------------------------------------------------------------------------------- */

enum { CGROUP_SET, CGROUP_CLEAR };

static const struct option_choice cgroup_verbs[] = {{"set", CGROUP_SET, false}, {"clear", CGROUP_CLEAR, false}, {}};

const struct option_row line_cgroup_rows[] = {
	{NULL, NULL, OPTION_REQUIRED, OPTION_CHOICE_AT(struct line_cgroup, verb, cgroup_verbs)},
	{NULL, "PIN", OPTION_REQUIRED, OPTION_TEXT_AT(struct line_cgroup, pin)},
	{NULL, "SLOT", OPTION_REQUIRED, OPTION_NUMBER_AT(struct line_cgroup, slot, 0, UINT32_MAX)},
	{NULL, "DIR", 0, OPTION_TEXT_AT(struct line_cgroup, dir)},
	{"--create", NULL, 0, OPTION_FLAG_AT(struct line_cgroup, create)},
	{"entries", "N", 0, OPTION_NUMBER_AT(struct line_cgroup, entries, 1, UINT32_MAX), .needs = "--create"},
	{},
};

int line_cgroup__finish(const struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_cgroup *cgroup = line->cgroup;

	if (cgroup->verb == CGROUP_SET && !cgroup->dir)
		return elfmap_msg__set(msg, -EINVAL, "cgroup set: requires DIR");
	if (cgroup->verb == CGROUP_CLEAR && (cgroup->dir || cgroup->create))
		return elfmap_msg__set(msg, -EINVAL, "cgroup clear: unexpected argument '%s'",
				       cgroup->dir ?: "--create");
	return pipeline__find_pin(pipeline, cgroup->pin, &cgroup->path, msg);
}

static int check_slot(const struct line_cgroup *cgroup, __u32 slots, struct elfmap_msg *msg)
{
	if (cgroup->slot < slots)
		return 0;
	return elfmap_msg__set(msg, -E2BIG, "%s: slot %u: the array has slots 0 to %u", cgroup->pin, cgroup->slot,
			       slots - 1);
}

static int judge_slot(struct pipeline_line *line, __u64 wanted, struct elfmap_msg *msg)
{
	struct line_cgroup *cgroup = line->cgroup;
	struct elfmap_cgroup_slots slots;
	int err = elfmap_cgroup_slots__open(cgroup->path, &slots, msg);

	if (err)
		return pipeline__name_culprit(cgroup->pin, err, msg);
	err = check_slot(cgroup, slots.count, msg);
	if (!err) {
		err = elfmap_cgroup_slots__read(&slots, cgroup->slot, &cgroup->before, msg);
		if (err)
			pipeline__name_culprit(cgroup->pin, err, msg);
	}
	elfmap_cgroup_slots__close(&slots);
	if (cgroup->verb == CGROUP_CLEAR)
		line->intent = cgroup->before.state == CGROUP_SLOT_EMPTY ? WILL_KEEP : WILL_REMOVE;
	else if (cgroup->before.state == CGROUP_SLOT_EMPTY)
		line->intent = WILL_ADD;
	else if (cgroup->before.state == CGROUP_SLOT_SET && cgroup->before.cgroup == wanted)
		line->intent = WILL_KEEP;
	else
		line->intent = WILL_CHANGE;
	return err;
}

/* Will a line before this one make the map? */
static bool is_created(const struct pipeline *pipeline, const struct pipeline_line *line)
{
	for (const struct pipeline_line *at = pipeline->lines; at <= line; at++)
		if (at->kind == LINE_CGROUP && at->cgroup && at->cgroup->create && at->cgroup->path &&
		    !strcmp(at->cgroup->path, line->cgroup->path))
			return true;
	return false;
}

/* Two lines that write one slot would replace each other on every run. */
static int check_other_lines(const struct pipeline *pipeline, const struct pipeline_line *line, struct elfmap_msg *msg)
{
	const struct line_cgroup *cgroup = line->cgroup;

	for (const struct pipeline_line *at = pipeline->lines; at < line; at++)
		if (at->kind == LINE_CGROUP && at->cgroup && at->cgroup->path && at->cgroup->slot == cgroup->slot &&
		    !strcmp(at->cgroup->path, cgroup->path) &&
		    (at->cgroup->verb != cgroup->verb || (cgroup->dir && strcmp(at->cgroup->dir, cgroup->dir) != 0)))
			return elfmap_msg__set(msg, -EEXIST, "line %zu writes another cgroup into this slot",
					       at->number);
	return 0;
}

int line_cgroup__plan(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_cgroup *cgroup = line->cgroup;
	int fd = -1, made, err = check_other_lines(pipeline, line, msg);
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	__u64 id = 0;

	if (!err && cgroup->verb == CGROUP_SET) {
		err = elfmap_cgroup__open(cgroup->dir, &fd, msg);
		err = err ?: elfmap_cgroup__id(fd, &id, msg);
		if (fd >= 0)
			close(fd);
		if (err)
			return pipeline__name_culprit(cgroup->dir, err, msg);
	}
	if (err)
		return err;
	line->intent = cgroup->verb == CGROUP_SET ? WILL_ADD : WILL_KEEP;
	if (!access(cgroup->path, F_OK))
		return judge_slot(line, id, msg);
	if (is_created(pipeline, line))
		return 0;
	if (!pipeline__find_maker(pipeline, cgroup->path, &made))
		return pipeline__refuse_absent(pipeline, cgroup->pin, msg);
	if (made >= 0 && !bpf_obj_get_info_by_fd(made, &info, &size))
		return check_slot(cgroup, info.max_entries, msg);
	return 0;
}

static int set(struct line_cgroup *cgroup, int fd, struct elfmap_msg *msg)
{
	struct elfmap_cgroup_slots slots;
	int err;

	if (cgroup->create && access(cgroup->path, F_OK)) {
		err = elfmap_cgroup_slots__create(cgroup->path, cgroup->entries ?: CGROUP_SLOTS, false, cgroup->slot,
						  fd, msg);
		cgroup->is_made = !err;
		return err;
	}
	err = elfmap_cgroup_slots__open(cgroup->path, &slots, msg);
	if (err)
		return err;
	err = fd >= 0 ? elfmap_cgroup_slots__set(&slots, cgroup->slot, fd, msg)
		      : elfmap_cgroup_slots__clear(&slots, cgroup->slot, msg);
	elfmap_cgroup_slots__close(&slots);
	return err == -ENOENT && fd < 0 ? 0 : err;
}

int line_cgroup__change(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_cgroup *cgroup = line->cgroup;
	int fd = -1, err = 0;

	(void)pipeline;
	if (cgroup->verb == CGROUP_SET) {
		err = elfmap_cgroup__open(cgroup->dir, &fd, msg);
		if (err)
			return pipeline__name_culprit(cgroup->dir, err, msg);
	}
	err = set(cgroup, fd, msg);
	if (fd >= 0)
		close(fd);
	cgroup->is_done = !err;
	return err ? pipeline__name_culprit(cgroup->pin, err, msg) : 0;
}

void line_cgroup__undo(struct pipeline_line *line)
{
	struct line_cgroup *cgroup = line->cgroup;
	char notes[PATH_MAX];
	int fd = -1;

	if (!cgroup->is_done)
		return;
	cgroup->is_done = false;
	if (cgroup->is_made) {
		snprintf(notes, sizeof(notes), "%s" CGROUP_NOTES_SUFFIX, cgroup->path);
		elfmap_pin__remove(notes, 0);
		elfmap_pin__remove(cgroup->path, 1);
		return;
	}
	if (cgroup->before.state == CGROUP_SLOT_SET && elfmap_cgroup__open(cgroup->before.path, &fd, NULL))
		return; /* removed since */
	cgroup->create = false;
	set(cgroup, fd, NULL);
	if (fd >= 0)
		close(fd);
}

void line_cgroup__free(struct line_cgroup *cgroup)
{
	if (!cgroup)
		return;
	free(cgroup->path);
	free(cgroup);
}
