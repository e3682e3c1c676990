// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map check`: verifies that the device numbers in a map still refer to the intended devices. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "map/device_names.h"
#include "map/resolve.h"
#include "pins/bpffs.h"

struct request {
	const char *pin;
	char path[PATH_MAX];
	bool fix;
	struct elfmap_reader map;
	struct elfmap_device_names names;
	struct elfmap_device_check check;
	struct elfmap_resolver *resolver;
};

static const char *const state_names[] = {
	[ELFMAP_DEVICE_OK] = "ok",	     [ELFMAP_DEVICE_UNNOTED] = "unnoted",
	[ELFMAP_DEVICE_RENAMED] = "renamed", [ELFMAP_DEVICE_RENUMBERED] = "renumbered",
	[ELFMAP_DEVICE_GONE] = "gone",	     [ELFMAP_DEVICE_ELSEWHERE] = "elsewhere",
};

static const char *member_of(const struct request *request, const struct elfmap_device_finding *finding)
{
	return request->names.members[finding->member].name;
}

/* ---- text --------------------------------------------------------------------------------------- */

/* The details after the name of the state. */
static void explain(const struct elfmap_device_finding *finding, char text[64])
{
	char more[32] = "";

	if (finding->state == ELFMAP_DEVICE_RENUMBERED)
		snprintf(more, sizeof(more), " to %u", finding->now);
	else if (finding->state == ELFMAP_DEVICE_RENAMED)
		snprintf(more, sizeof(more), " to %s", finding->new_name);
	snprintf(text, 64, "%s%s", more, finding->fixed ? ", fixed" : "");
}

static int print_rows(const struct request *request)
{
	struct elfmap_buffer key = {};
	int err;

	printf("%-24s %-12s %8s %-15s %s\n", "KEY", "MEMBER", "IFINDEX", "DEVICE", "STATE");
	for (size_t i = 0; i < request->check.nr_findings && !key.error; i++) {
		const struct elfmap_device_finding *finding = &request->check.findings[i];
		struct elfmap_value bytes = {.bytes = finding->key, .copies = 1};
		const char *member = member_of(request, finding);
		char what[64];

		key.length = 0;
		elfmap_text__write(&key, request->map.format.key, &bytes, request->resolver);
		explain(finding, what);
		printf("%-24.*s %-12s %8u %-15s %s%s\n", (int)key.length, key.bytes, *member ? member : "-",
		       finding->ifindex, *finding->name ? finding->name : "-", state_names[finding->state], what);
	}
	err = key.error;
	elfmap_buffer__free(&key);
	return err;
}

/* ---- JSON --------------------------------------------------------------------------------------- */

static void add_string(struct elfmap_json *json, const char *name, const char *text)
{
	if (!*text)
		return;
	elfmap_json__name(json, name);
	elfmap_json__string(json, text);
}

static void add_row_json(struct elfmap_json *json, const struct request *request,
			 const struct elfmap_device_finding *finding)
{
	struct elfmap_value key = {.bytes = finding->key, .copies = 1};

	elfmap_json__open(json, '{');
	elfmap_json__name(json, "key");
	elfmap_json__value(json, request->map.format.key, &key);
	add_string(json, "member", member_of(request, finding));
	elfmap_json__name(json, "ifindex");
	elfmap_json__number(json, finding->ifindex);
	add_string(json, "ifname", finding->name);
	add_string(json, "state", state_names[finding->state]);
	add_string(json, "new_ifname", finding->new_name);
	if (finding->now) {
		elfmap_json__name(json, "new_ifindex");
		elfmap_json__number(json, finding->now);
	}
	elfmap_json__name(json, "fixed");
	elfmap_json__word(json, finding->fixed ? "true" : "false");
	elfmap_json__close(json, '}');
}

static int print_rows_json(const struct request *request)
{
	struct elfmap_buffer text = {};
	struct elfmap_json json = {.to = &text, .pretty = output.pretty};
	int err;

	elfmap_json__open(&json, '[');
	for (size_t i = 0; i < request->check.nr_findings; i++)
		add_row_json(&json, request, &request->check.findings[i]);
	elfmap_json__close(&json, ']');
	elfmap_buffer__add(&text, "\n", 1);
	err = flush_output(&text, 0);
	elfmap_buffer__free(&text);
	return err;
}

/* ------------------------------------------------------------------------------------------------- */

static int query(struct request *request, struct elfmap_msg *msg)
{
	int err = elfmap_bpffs__pin_path(request->pin, request->path, sizeof(request->path), msg);

	err = err ?: elfmap_reader__open(request->path, &request->map, msg);
	err = err ?: elfmap_device_names__open(request->path, &request->map, &request->names, msg);
	err = err ?: elfmap_resolver__new(&request->resolver, msg);
	err = err ?: elfmap_device_check__run(&request->map, &request->names, &request->check, msg);
	if (!err && request->fix)
		err = elfmap_device_check__fix(&request->check, request->path, &request->map, &request->names, msg);
	return err;
}

/* A number that is still wrong is a failure. */
static int judge(const struct request *request)
{
	size_t gone = 0, renumbered = 0;

	for (size_t i = 0; i < request->check.nr_findings; i++) {
		const struct elfmap_device_finding *finding = &request->check.findings[i];

		gone += finding->state == ELFMAP_DEVICE_GONE;
		renumbered += finding->state == ELFMAP_DEVICE_RENUMBERED && !finding->fixed;
	}
	if (renumbered)
		return complain(request->pin,
				"%zu of %zu device numbers are wrong now; 'elfmap map check %s --fix' fixes %s",
				renumbered + gone, request->check.nr_findings, request->pin,
				gone ? "those whose device is there" : "them");
	if (gone)
		return complain(request->pin,
				"%zu of %zu device numbers are of devices that are gone; create the devices again, or "
				"set others "
				"with 'elfmap map set'",
				gone, request->check.nr_findings);
	return EXIT_SUCCESS;
}

static int render(const struct request *request)
{
	begin_output();
	if ((output.json ? print_rows_json(request) : print_rows(request)) == -ENOMEM)
		return complain(request->pin, "no memory");
	return end_output();
}

static int run(const void *words)
{
	struct request request = *(const struct request *)words;
	struct elfmap_msg msg = {};
	int status;

	request.map.fd = request.names.fd = -1;
	if (query(&request, &msg)) {
		status = complain(request.pin, "%s", msg.text);
	} else {
		status = render(&request);
		status = status ?: judge(&request);
	}
	elfmap_device_check__free(&request.check);
	elfmap_device_names__close(&request.names);
	elfmap_resolver__free(request.resolver);
	elfmap_reader__close(&request.map);
	return status;
}

static const struct option_row options[] = {
	PIN_ROW(struct request),
	{"--fix|--mend", NULL, 0, OPTION_FLAG_AT(struct request, fix),
	 .help = "write the new numbers of devices that were renumbered"},
	{},
};

const struct verb map_check_verb = {
	.name = "check",
	.summary = "compare device numbers with the recorded names",
	.run = run,
	.options = options,
	.request_size = sizeof(struct request),
};
