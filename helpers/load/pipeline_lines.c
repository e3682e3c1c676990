// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Parses the lines of a pipeline by the tables of their options. Changes nothing; only devices and namespaces are
 * looked up. */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/msg.h"
#include "base/netns.h"
#include "helpers/command.h"
#include "helpers/load/pipeline.h"
#include "pins/bpffs.h"

#define MAX_WORDS 64

struct parser {
	struct pipeline *pipeline;
	struct pipeline_netns *netns; /* of the following lines */
};

/* ---- network namespaces ---------------------------------------------------------------------------------- */

static bool is_name(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

int pipeline__find_netns(struct pipeline *pipeline, const char *name, struct pipeline_netns **ret_netns,
			 struct elfmap_msg *msg)
{
	struct pipeline_netns *netns, **grown;
	int err = 0;

	for (size_t i = 0; i < pipeline->nr_netns; i++)
		if (is_name(pipeline->netns[i]->name, name)) {
			*ret_netns = pipeline->netns[i];
			return 0;
		}
	netns = calloc(1, sizeof(*netns));
	grown = netns ? elfmap_array__grow(pipeline->netns, pipeline->nr_netns, sizeof(*grown)) : NULL;
	if (!grown) {
		free(netns);
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	}
	pipeline->netns = grown;
	netns->fd = -1;
	netns->name = name ? strdup(name) : NULL;
	if (name)
		err = netns->name ? elfmap_netns__open(name, &netns->fd, msg)
				  : elfmap_msg__set(msg, -ENOMEM, "no memory");
	if (err) {
		free(netns->name);
		free(netns);
		return name ? pipeline__name_culprit(name, err, msg) : err;
	}
	grown[pipeline->nr_netns++] = *ret_netns = netns;
	return 0;
}

/* Takes the words `netns NS` out of LINE. */
static int take_netns(struct parser *parser, int *argc, char **argv, struct pipeline_netns **ret_netns,
		      struct elfmap_msg *msg)
{
	int at = 2, err;

	*ret_netns = parser->netns;
	while (at < *argc && strcmp(argv[at], "netns") != 0)
		at++;
	if (at >= *argc)
		return 0;
	if (at + 1 == *argc)
		return elfmap_msg__set(msg, -EINVAL, "netns: requires a value");
	err = pipeline__find_netns(parser->pipeline, argv[at + 1], ret_netns, msg);
	memmove(argv + at, argv + at + 2, (size_t)(*argc - at - 1) * sizeof(*argv));
	*argc -= 2;
	return err;
}

/* ---- attach, detach -------------------------------------------------------------------------------------- */

/* Parses a copy, since options__parse() sorts it and the plan prints the line as it was written. */
static int parse_options(const struct option_row *rows, int argc, char **argv, void *request, struct elfmap_msg *msg)
{
	struct options_common common = {};
	int err = options__parse(rows, argc, argv, request, &common, msg);

	if (!err && (common.json || common.netns))
		err = elfmap_msg__set(msg, -EINVAL,
				      "'-j', '-p' and '-n' are options of 'elfmap apply', not of its lines");
	return err;
}

/* Is the first word a file, or a pin? */
static int find_what(struct elfmap_attach_request *request, struct elfmap_msg *msg)
{
	struct stat file;

	request->source = ELFMAP_FROM_PIN;
	if (!request->what)
		return 0;
	if (stat(request->what, &file)) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return elfmap_msg__set(msg, -errno, "%s: %s", request->what, strerror(errno));
	}
	if (!S_ISDIR(file.st_mode) && !elfmap_bpffs__contains(request->what))
		request->source = ELFMAP_FROM_FILE;
	return 0;
}

static int find_program(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	struct line_hook *hook = line->hook;
	struct pipeline_object like = {
		.file = hook->request.what,
		.section = hook->request.section,
		.type = hook->request.kind->prog_type,
		.is_pin = hook->request.source == ELFMAP_FROM_PIN,
		.settings = hook->request.settings,
	};

	if (line->kind == LINE_DETACH)
		return 0;
	hook->object = pipeline__find_object(pipeline, line, &like);
	return hook->object ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

/* Sets the device of a line. */
static int set_device(struct pipeline *pipeline, struct pipeline_line *line, const char *dev, struct elfmap_msg *msg)
{
	struct line_hook *hook = line->hook;
	struct elfmap_hook found;
	int err;

	hook->request.dev = dev;
	err = elfmap_hook__init(hook->request.kind, hook->netns->fd, dev, &found, msg);
	if (err)
		return pipeline__name_culprit(dev, err, msg);
	hook->ifindex = found.ifindex;
	return find_program(pipeline, line, msg);
}

/* Which word is the device? */
static int find_word(const struct pipeline_line *line, const char *word)
{
	int at = 1;

	while (line->argv[at] != word)
		at++;
	return at;
}

/* A line for each device of the namespace that matches the pattern. The line itself gets the first one. */
static int match_devices(struct pipeline *pipeline, struct pipeline_line *line, const struct if_nameindex *devices,
			 struct elfmap_msg *msg)
{
	struct pipeline_line like = *line;
	const char *pattern = like.hook->request.dev;
	int err = 0, nth = find_word(line, pattern);
	size_t nr = 0;

	for (const struct if_nameindex *at = devices; !err && at->if_index; at++) {
		struct pipeline_line *added;
		struct line_hook *hook;

		if (fnmatch(pattern, at->if_name, 0))
			continue;
		added = pipeline__add_line(pipeline, &like, nth, at->if_name);
		hook = added ? malloc(sizeof(*hook)) : NULL;
		if (!hook)
			return elfmap_msg__set(msg, -ENOMEM, "no memory");
		*hook = *like.hook;
		added->hook = hook;
		err = set_device(pipeline, added, added->argv[nth], msg);
		nr++;
	}
	if (!err && !nr)
		err = elfmap_msg__set(msg, -ENODEV, "%s: no device matches; 'ip link' lists them", pattern);
	return err;
}

/* LINE is the last one. It is replaced by a line for each device. */
static int expand_pattern(struct pipeline *pipeline, struct pipeline_line *line, struct elfmap_msg *msg)
{
	size_t nth = pipeline->nr_lines - 1;
	struct if_nameindex *devices;
	int back, err;

	err = elfmap_netns__visit(line->hook->netns->fd, &back, msg);
	if (err)
		return err;
	devices = if_nameindex();
	if (!devices)
		return elfmap_netns__leave(
			back, elfmap_msg__set(msg, -errno, "cannot list the devices: %s", strerror(errno)), msg);
	err = elfmap_netns__leave(back, 0, msg);
	if (!err)
		err = match_devices(pipeline, line, devices, msg);
	if_freenameindex(devices);
	if (err)
		return err;
	line = &pipeline->lines[nth];
	line_hook__free(line->hook);
	free(line->argv);
	memmove(line, line + 1, (pipeline->nr_lines - nth - 1) * sizeof(*line));
	pipeline->nr_lines--;
	return 0;
}

static int check_detach(const struct elfmap_attach_request *request, struct elfmap_msg *msg)
{
	if (request->what || (request->prio && request->handle) || !(request->kind->has & ELFMAP_HOOK_PLACE))
		return 0;
	return elfmap_msg__set(msg, -EINVAL, "requires FILE sec NAME, a PIN, or prio and handle");
}

static int parse_hook(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	bool is_attach = line->kind == LINE_ATTACH;
	struct attach_words words = {};
	char *argv[MAX_WORDS + 1];
	int argc = line->argc, err;

	line->hook = calloc(1, sizeof(*line->hook));
	if (!line->hook)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	memcpy(argv, line->argv, (size_t)(argc + 1) * sizeof(*argv));
	err = take_netns(parser, &argc, argv, &line->hook->netns, msg);
	err = err ?: parse_options(is_attach ? attach_options : detach_options, argc, argv, &words, msg);
	err = err ?: attach_words__finish(&words, &line->hook->request, msg);
	err = err ?: is_attach ? err : check_detach(&line->hook->request, msg);
	err = err ?: find_what(&line->hook->request, msg);
	if (err)
		return err;
	err = set_device(parser->pipeline, line, line->hook->request.dev, msg);
	if (err == -ENODEV && strpbrk(line->hook->request.dev, "*?["))
		err = expand_pattern(parser->pipeline, line, msg);
	return err;
}

/* ---- the other lines ------------------------------------------------------------------------------------- */

static const struct option_row load_rows[] = {
	{NULL, "FILE", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct line_load, file)},
	{"sec", "NAME", 0, OPTION_TEXT_AT(struct line_load, section)},
	{"set", "NAME=VALUE", 0, OPTION_SETTINGS_AT(struct line_load, settings)},
	{},
};

static int finish_load(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	const struct pipeline_object like = {
		.file = line->load->file, .section = line->load->section, .settings = line->load->settings};

	line->load->object = pipeline__find_object(parser->pipeline, line, &like);
	return line->load->object ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

static const struct option_row slot_rows[] = {
	{NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct line_slot, pin)},
	{NULL, "SLOT", OPTION_REQUIRED, OPTION_TEXT_AT(struct line_slot, slot)},
	{NULL, "FILE", OPTION_REQUIRED, OPTION_TEXT_AT(struct line_slot, file)},
	{"sec", "NAME", OPTION_REQUIRED, OPTION_TEXT_AT(struct line_slot, section)},
	{},
};

int pipeline__find_pin(const struct pipeline *pipeline, const char *pin, char **ret_path, struct elfmap_msg *msg)
{
	char path[PATH_MAX];
	int err = elfmap_bpffs__pin_path_in(pipeline->tc_dir, pin, path, sizeof(path), msg);

	if (err)
		return err;
	*ret_path = strdup(path);
	return *ret_path ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

static int finish_slot(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return pipeline__find_pin(parser->pipeline, line->slot->pin, &line->slot->path, msg);
}

static int finish_map(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return line_map__finish(parser->pipeline, line, parser->netns, msg);
}

static int finish_cgroup(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return line_cgroup__finish(parser->pipeline, line, msg);
}

struct netns_words {
	const char *name;
};

static const struct option_row netns_rows[] = {
	{NULL, "NS", 0, OPTION_TEXT_AT(struct netns_words, name)},
	{},
};

static int finish_netns(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	return pipeline__find_netns(parser->pipeline, line->argv[1], &parser->netns, msg);
}

/* One row for each kind of line. A line of attach or detach has the options of the verb. */
static const struct {
	const char *name;
	const struct option_row *rows; /* NULL: those of the verb */
	size_t size;		       /* of its request */
	int (*finish)(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg);
} kinds[] = {
	[LINE_LOAD] = {"load", load_rows, sizeof(struct line_load), finish_load},
	[LINE_ATTACH] = {.name = "attach"},
	[LINE_DETACH] = {.name = "detach"},
	[LINE_MAP] = {"map", line_map_rows, sizeof(struct line_map), finish_map},
	[LINE_SLOT] = {"slot", slot_rows, sizeof(struct line_slot), finish_slot},
	[LINE_CGROUP] = {"cgroup", line_cgroup_rows, sizeof(struct line_cgroup), finish_cgroup},
	[LINE_NETNS] = {"netns", netns_rows, sizeof(struct netns_words), finish_netns},
};
#define NR_KINDS (sizeof(kinds) / sizeof(*kinds))

static int count_required(const struct option_row *rows)
{
	int words = 0;

	for (; rows->kind; rows++)
		if (rows->flags & OPTION_REQUIRED)
			words += rows->words ? 2 : 1;
	return words;
}

/* The usage of the line, and what is wrong with it unless words are missing. */
static int add_usage(const struct pipeline_line *line, int err, struct elfmap_msg *msg)
{
	struct elfmap_msg why = *msg;
	char usage[256] = "", words[256] = "";
	FILE *to = fmemopen(usage, sizeof(usage), "w");
	size_t used = 0;

	if (!to)
		return err;
	options__print_usage(to, kinds[line->kind].rows);
	fclose(to);
	for (int i = 0; i < line->argc && used < sizeof(words); i++)
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s", i ? " " : "", line->argv[i]);
	if (line->argc - 1 < count_required(kinds[line->kind].rows))
		return elfmap_msg__set(msg, err, "expected '%s%s'", kinds[line->kind].name, usage);
	return elfmap_msg__set(msg, err, "expected '%s%s' (%s), not '%s'", kinds[line->kind].name, usage, why.text,
			       words);
}

static int parse_other(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	char *argv[MAX_WORDS + 1];
	void *request = calloc(1, kinds[line->kind].size);
	int err;

	if (!request)
		return elfmap_msg__set(msg, -ENOMEM, "no memory");
	memcpy(argv, line->argv, (size_t)(line->argc + 1) * sizeof(*argv));
	err = parse_options(kinds[line->kind].rows, line->argc, argv, request, msg);
	if (err)
		add_usage(line, err, msg);
	if (line->kind == LINE_NETNS)
		free(request);
	else
		line->load = request; /* of the union */
	return err ?: kinds[line->kind].finish(parser, line, msg);
}

static int refuse_kind(const char *word, struct elfmap_msg *msg)
{
	struct elfmap_nearest nearest = {.distance = ELFMAP_FAR};
	char names[128] = "";

	for (size_t i = 0; i < NR_KINDS; i++) {
		size_t used = strlen(names);

		options__find_nearest(word, kinds[i].name, &nearest);
		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", kinds[i].name);
	}
	if (!*nearest.word)
		return elfmap_msg__set(msg, -EINVAL, "'%s' is not one of %s", word, names);
	return elfmap_msg__set(msg, -EINVAL, "'%s' is not one of %s; did you mean '%s'?", word, names, nearest.word);
}

/* LINE is the last line of the pipeline. */
static int parse_line(struct parser *parser, struct pipeline_line *line, struct elfmap_msg *msg)
{
	size_t kind = 0;

	while (kind < NR_KINDS && strcmp(line->argv[0], kinds[kind].name) != 0)
		kind++;
	if (kind == NR_KINDS)
		return refuse_kind(line->argv[0], msg);
	line->kind = (enum line_kind)kind;
	return kinds[kind].rows ? parse_other(parser, line, msg) : parse_hook(parser, line, msg);
}

/* The lines move to a new array, where a pattern can become several. */
int pipeline__parse(struct pipeline *pipeline, struct elfmap_msg *msg)
{
	struct pipeline read = {.lines = pipeline->lines, .nr_lines = pipeline->nr_lines};
	struct parser parser = {.pipeline = pipeline};
	int err = pipeline__find_netns(pipeline, NULL, &parser.netns, msg);

	if (err)
		return err;
	pipeline->lines = NULL;
	pipeline->nr_lines = 0;
	for (size_t i = 0; !err && i < read.nr_lines; i++) {
		size_t nth = pipeline->nr_lines;
		struct pipeline_line *line = pipeline__push_line(pipeline, &read.lines[i]);
		struct elfmap_msg why;
		int failed;

		if (!line) {
			err = elfmap_msg__set(msg, -ENOMEM, "no memory");
			break;
		}
		read.lines[i] = (struct pipeline_line){};
		failed = line->error ? 0 : parse_line(&parser, line, &why);
		if (failed)
			pipeline_line__fail(&pipeline->lines[nth], failed, &why);
	}
	pipeline__free(&read);
	return err;
}
