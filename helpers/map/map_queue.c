// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map push`, `pop` and `peek`: queues and stacks, whose values have no keys. */
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/entries.h"
#include "map/map_write.h"

/* ---- push --------------------------------------------------------------------------------------- */

static int read_values(const struct target *target, char *line, struct elfmap_entries *entries)
{
	struct elfmap_msg msg;
	struct elfmap_text text = elfmap_text__new(line, strlen(line), target->resolver, &msg);
	void *key, *value;

	while (!elfmap_text__is_at_end(&text)) {
		if (elfmap_entries__reserve(entries, &key, &value))
			return complain(target->pin, "no memory");
		if (elfmap_text__read_value(&text, &target->map.format, value))
			return complain(target->pin, "value: %s", msg.text);
		if (elfmap_entries__add(entries, entries->count + 1))
			return complain(target->pin, "no memory");
	}
	return elfmap_entries__finish(entries, NULL, NULL) ? complain(target->pin, "no memory") : EXIT_SUCCESS;
}

struct queue_request {
	const char *pin;
	struct option_words values;
	struct elfmap_type_words words;
};

/* bpftool writes `update PIN value DATA`; the word `value` is taken here, too. */
static struct option_words skip_value(struct option_words values)
{
	if (values.nr < 2 || strcmp(values.words[0], "value") != 0)
		return values;
	return (struct option_words){values.words + 1, values.nr - 1};
}

static int push(const struct target *target, const struct option_words *values)
{
	struct elfmap_job job = {.map = &target->map};
	struct elfmap_entries entries;
	struct elfmap_msg msg;
	char *line;
	int status;

	elfmap_entries__init(&entries, 0, elfmap_map__value_size(&target->map));
	line = join_words(values);
	status = line ? read_values(target, line, &entries) : complain(target->pin, "no memory");
	if (!status && elfmap_job__update(&job, NULL, entries.values, entries.count, &msg))
		status = complain(target->pin, "%s; %zu of %zu values were pushed", msg.text, job.done, entries.count);
	if (!status)
		output__add("pushed", json_object_new_uint64(entries.count));
	elfmap_entries__free(&entries);
	free(line);
	return status;
}

static int run_push(const void *words)
{
	const struct queue_request *request = words;
	struct option_words values = skip_value(request->values);
	struct target target = {.map.fd = -1};
	int status;

	status = target__open(&target, request->pin, ELFMAP_READ_WRITE, &request->words);
	if (!status && !elfmap_map_kind__of(target.map.info.type)->is_pushed)
		status = target__check_queue(&target);
	status = status ?: push(&target, &values);
	target__close(&target);
	return status;
}

static const struct option_row push_options[] = {
	PIN_ROW(struct queue_request),
	{NULL, "VALUE", OPTION_REQUIRED, OPTION_WORDS_AT(struct queue_request, values)},
	TYPES_ROW(struct queue_request),
	{},
};

const struct verb map_push_verb = {
	.name = "push",
	.summary = "add to a queue or stack",
	.run = run_push,
	.options = push_options,
	.request_size = sizeof(struct queue_request),
	.changes = true,
};

/* ---- pop, peek ---------------------------------------------------------------------------------- */

static int show_next(const struct queue_request *request, bool takes)
{
	struct target target = {.map.fd = -1};
	struct elfmap_msg msg;
	void *value = NULL;
	int status;

	status = target__open(&target, request->pin, takes ? ELFMAP_READ_WRITE : ELFMAP_READ, &request->words);
	status = status ?: target__check_queue(&target);
	if (status)
		goto out;
	value = calloc(1, elfmap_map__value_size(&target.map));
	if (!value)
		status = complain(request->pin, "no memory");
	else if (takes ? elfmap_map__pop(&target.map, value, &msg) : elfmap_map__lookup(&target.map, NULL, value, &msg))
		status = complain(request->pin, "%s", msg.text);
	else
		status = target__print_entry(&target, NULL, value, false);
out:
	free(value);
	target__close(&target);
	return status;
}

static int run_pop(const void *request)
{
	return show_next(request, true);
}

static int run_peek(const void *request)
{
	return show_next(request, false);
}

static const struct option_row next_options[] = {PIN_ROW(struct queue_request), TYPES_ROW(struct queue_request), {}};

const struct verb map_pop_verb = {
	.name = "pop",
	.summary = "take the next value out of a queue or stack",
	.run = run_pop,
	.options = next_options,
	.request_size = sizeof(struct queue_request),
	.changes = true,
};
const struct verb map_peek_verb = {
	.name = "peek",
	.summary = "show that value",
	.run = run_peek,
	.options = next_options,
	.request_size = sizeof(struct queue_request),
};
