// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap check FILE`: would this machine's kernel load the object, and would its maps match their pins? Attaches and
 * pins nothing, and changes nothing that is in use.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "helpers/object/check.h"
#include "map/map.h"
#include "pins/bpffs.h"
#include "pins/map_id.h"
#include "pins/pin.h"

/* ---- lines ----------------------------------------------------------------------------------------------- */

int lines__add(struct lines *lines, const char *format, ...)
{
	char text[LINE_SIZE], **grown;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = *at == '\t' ? ' ' : '?';
	grown = elfmap_array__grow(lines->text, lines->nr, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	lines->text = grown;
	grown[lines->nr] = strdup(text);
	return grown[lines->nr] ? (lines->nr++, 0) : -ENOMEM;
}

void lines__free(struct lines *lines)
{
	for (size_t i = 0; i < lines->nr; i++)
		free(lines->text[i]);
	free(lines->text);
	*lines = (struct lines){};
}

/* ---- pins -------------------------------------------------------------------------------------------------- */

static int conclude(struct check_map *map, enum pin_state state, const char *why)
{
	map->pin = state;
	map->pin_why = why ? strdup(why) : NULL;
	return why && !map->pin_why ? -ENOMEM : 0;
}

/* The type of the programs that would share the PROG_ARRAY. */
static enum bpf_prog_type find_user(const struct check *check)
{
	for (size_t i = 0; i < check->nr_progs; i++)
		if (check->progs[i].is_chosen)
			return check->progs[i].type;
	return BPF_PROG_TYPE_UNSPEC;
}

static int compare(const struct check *check, const struct elfmap_load_map *of, struct check_map *map, int fd)
{
	const struct elfmap_pin_user user = {.type = find_user(check), .words = "what uses it here"};
	struct bpf_map_info info;
	struct elfmap_msg msg;

	if (elfmap_pin__take(&of->map, of->pin_path, fd, &user, 1, &info, &msg))
		return conclude(map, PIN_DIFFERENT, msg.text);
	return conclude(map, PIN_EQUAL, NULL);
}

static int look_at(const struct check *check, const struct elfmap_load_map *of, struct check_map *map)
{
	const char *path = of->pin_path;
	struct bpf_map_info info;
	struct elfmap_msg msg;
	char why[LINE_SIZE];
	int err, fd;

	if (!path)
		return 0;
	if (access(path, F_OK) && (errno == ENOENT || errno == ENOTDIR))
		return conclude(map, PIN_ABSENT, NULL);
	err = elfmap_map__open(path, &fd, &info, &msg);
	if (err) {
		snprintf(why, sizeof(why), "map '%s': %s: %s", of->map.name, path, msg.text);
		return conclude(map, err == -EMEDIUMTYPE ? PIN_DIFFERENT : PIN_UNKNOWN, why);
	}
	err = compare(check, of, map, fd);
	close(fd);
	return err;
}

/* They are opened read only, compared and closed. */
static int compare_pins(struct check *check)
{
	int err = 0;

	for (size_t i = 0; !err && i < check->nr_maps; i++) {
		const struct elfmap_load_map *of = &check->load->maps[i];

		err = of->unpinned_why ? lines__add(&check->warnings, "%s", of->unpinned_why)
				       : look_at(check, of, &check->maps[i]);
	}
	return err;
}

/* The first inner map in the pinned outer MAP: a descriptor, or -1. */
static int borrow_inner(const struct check_map *map)
{
	unsigned char key[256];
	struct bpf_map_info info;
	struct elfmap_msg msg;
	int outer, inner = -1;
	__u32 id;

	if (map->pin != PIN_EQUAL || map->of->map.def.size_key > sizeof(key) ||
	    elfmap_map__open(map->of->pin_path, &outer, &info, &msg))
		return -1;
	for (int err = bpf_map_get_next_key(outer, NULL, key); !err && inner < 0;
	     err = bpf_map_get_next_key(outer, key, key))
		if (!bpf_map_lookup_elem(outer, key, &id))
			inner = elfmap_map__open_id(id);
	close(outer);
	return inner;
}

/* ---- the steps ------------------------------------------------------------------------------------------ */

/* A missing bpffs is not an error: tc mounts one, which is empty. */
static int find_bpffs(struct check *check, char tc_dir[PATH_MAX])
{
	struct elfmap_msg msg;
	int err = elfmap_bpffs__tc_dir(tc_dir, PATH_MAX, &msg);

	if (err == -ENODEV && !getenv("TC_BPF_MNT"))
		return 0;
	if (err)
		return lines__add(&check->problems, "%s", msg.text);
	check->load->opts.tc_dir = tc_dir;
	return 0;
}

static void list_prog(struct check *check, const struct elfmap_load_prog *prog)
{
	check->progs[check->nr_progs++] = (struct check_prog){
		.name = prog->name,
		.section = prog->section,
		.type = prog->type,
		.is_chosen = prog->is_wanted,
		.nr_insns = bpf_program__insn_cnt(prog->bpf),
	};
}

/* Transcoding removes programs with undefined symbols, since libbpf would refuse the whole object for one of them. */
static int list_undefined(struct check *check, const struct elfmap_prog *read)
{
	struct check_prog *prog = &check->progs[check->nr_progs];

	if (!check->load->object->needs_help || !read->undefined ||
	    (check->section && strcmp(read->section, check->section) != 0))
		return 0;
	check->nr_progs++;
	*prog = (struct check_prog){
		.name = read->name,
		.section = read->section,
		.type = check->type ?: read->type_hint ?: BPF_PROG_TYPE_SCHED_CLS,
		.is_chosen = true,
		.nr_insns = read->size / sizeof(struct bpf_insn),
	};
	return check__explain_undefined(prog, read);
}

static int list_all(struct check *check)
{
	const struct elfmap_load *load = check->load;
	int err = 0;

	check->maps = calloc(load->nr_maps + 1, sizeof(*check->maps));
	check->progs = calloc(load->nr_progs + load->object->nr_progs + 1, sizeof(*check->progs));
	if (!check->maps || !check->progs)
		return -ENOMEM;
	for (size_t i = 0; i < load->nr_maps; i++)
		check->maps[check->nr_maps++].of = &load->maps[i];
	for (size_t i = 0; i < load->nr_progs; i++)
		list_prog(check, &load->progs[i]);
	for (size_t i = 0; !err && i < load->object->nr_progs; i++)
		err = list_undefined(check, &load->object->progs[i]);
	return err;
}

static int open_object(struct check *check)
{
	struct elfmap_msg msg;

	elfmap_load__listen();
	if (!elfmap_load__list(check->load, &msg))
		return list_all(check);
	if (!check->load->bpf && *elfmap_load__said())
		return lines__add(&check->problems, "libbpf cannot open it: %s", elfmap_load__said());
	return lines__add(&check->problems, "%s", msg.text);
}

static int check_wanted(struct check *check)
{
	bool found = !check->section;

	for (size_t i = 0; !found && i < check->nr_progs; i++) {
		const char *section = check->progs[i].section;

		found = section && !strcmp(section, check->section);
	}
	if (!found)
		return lines__add(&check->problems, "section '%s': there is no such program; 'elfmap show' lists them",
				  check->section);
	if (!check->nr_progs)
		return lines__add(&check->problems, "has no program");
	return 0;
}

/* ---- the trial ------------------------------------------------------------------------------------------- */

static int hear_map(void *context, size_t nth, const struct elfmap_verdict *verdict)
{
	struct check *check = context;
	struct check_map *map = &check->maps[nth];

	map->err = verdict->err;
	free(map->why);
	return check__explain_map(check, map, verdict->err, verdict->said);
}

static int hear_prog(void *context, size_t nth, const struct elfmap_verdict *verdict)
{
	struct check *check = context;
	struct check_prog *prog = &check->progs[nth];
	int err;

	prog->err = verdict->err;
	prog->xlated = verdict->xlated;
	prog->verified = verdict->verified;
	if (!prog->err)
		return 0;
	err = check__keep_log(prog, verdict->log);
	return err ?: check__explain_prog(check, prog, verdict->err, verdict->said, verdict->log);
}

static int lend_inner(void *context, size_t nth)
{
	const struct check *check = context;

	return borrow_inner(&check->maps[nth]);
}

static int run_steps(struct check *check, char tc_dir[PATH_MAX])
{
	const struct elfmap_trial trial = {hear_map, hear_prog, lend_inner, check};
	const struct elfmap_object *object = check->load->object;
	int err = 0;

	for (size_t i = 0; !err && i < object->nr_problems; i++)
		err = lines__add(&check->problems, "%s", object->problems[i]);
	err = err ?: find_bpffs(check, tc_dir);
	if (err || check->problems.nr)
		return err;
	err = open_object(check);
	if (err || check->problems.nr)
		return err;
	err = check_wanted(check);
	err = err ?: compare_pins(check);
	return err ?: elfmap_load__try(check->load, &trial);
}

static void free_findings(struct check *check)
{
	for (size_t i = 0; i < check->nr_maps; i++) {
		free(check->maps[i].why);
		free(check->maps[i].pin_why);
	}
	for (size_t i = 0; i < check->nr_progs; i++) {
		free(check->progs[i].why);
		lines__free(&check->progs[i].log);
	}
	free(check->maps);
	free(check->progs);
	lines__free(&check->problems);
	lines__free(&check->warnings);
	elfmap_load__free(check->load);
}

static int run_trial(struct check *check)
{
	char tc_dir[PATH_MAX];
	int err = run_steps(check, tc_dir);

	if (err)
		return complain(check->file, "the check itself failed: %s", strerror(-err));
	check__print(check);
	return check__is_fine(check) ? EXIT_SUCCESS : EXIT_FAILURE;
}

struct request {
	const char *file, *section;
	__u32 type; /* of program; BPF_PROG_TYPE_UNSPEC: from the sections' names */
	bool old_tc;
};

static int run(const void *words)
{
	const struct request *request = words;
	struct elfmap_load_opts opts = {.is_locked = true, .section = request->section, .type = request->type};
	struct check check = {
		.file = request->file, .section = request->section, .type = request->type, .old_tc = request->old_tc};
	struct elfmap_msg msg;
	int status;

	if (elfmap_load__read(check.file, &opts, &check.load, &msg))
		return complain(check.file, "%s", msg.text);
	status = check.old_tc ? check__old_tc(&check) : run_trial(&check);
	free_findings(&check);
	return status;
}

static const struct option_row options[] = {
	{NULL, "FILE", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct request, file),
	 .completes = COMPLETE_FILE},
	{"sec|section", "NAME", 0, OPTION_TEXT_AT(struct request, section), .completes = COMPLETE_SECTION,
	 .help = "only the programs of this section"},
	OPTION_PROG_TYPE_ROW(struct request, type),
	{"--old-tc", NULL, 0, OPTION_FLAG_AT(struct request, old_tc),
	 .help = "check for a tc without libbpf or with libbpf 0.x"},
	{},
};

const struct verb check_verb = {
	.name = "check",
	.summary = "check whether an object would load on this machine",
	.run = run,
	.options = options,
	.request_size = sizeof(struct request),
};
