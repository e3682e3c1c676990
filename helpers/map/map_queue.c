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

/* bpftool writes `update PIN value DATA`; the word `value` is taken here, too. */
static int push(const struct target *target, int count, char **words)
{
	struct elfmap_job job = {.map = &target->map};
	struct elfmap_entries entries;
	struct elfmap_msg msg;
	char *line;
	int status;

	elfmap_entries__init(&entries, 0, elfmap_map__value_size(&target->map));
	line = join_words(count, words);
	status = line ? read_values(target, line, &entries) : complain(target->pin, "no memory");
	if (!status && elfmap_job__update(&job, NULL, entries.values, entries.count, &msg))
		status = complain(target->pin, "%s; %zu of %zu values were pushed", msg.text, job.done, entries.count);
	elfmap_entries__free(&entries);
	free(line);
	return status;
}

int map_push(int argc, char **argv)
{
	struct target target = {.map.fd = -1};
	struct elfmap_type_words words;
	bool has_word;
	int status;

	argc = take_options(argc, argv, NULL);
	status = take_types(&argc, argv, false, &words);
	has_word = argc > 3 && !strcmp(argv[2], "value");
	if (status || argc < 3)
		return status ?: EXIT_USAGE;
	status = target__open(&target, argv[1], ELFMAP_READ_WRITE, &words);
	if (!status && !elfmap_map_kind__of(target.map.info.type)->is_pushed)
		status = target__check_queue(&target);
	status = status ?: push(&target, argc - 2 - has_word, argv + 2 + has_word);
	target__close(&target);
	return status;
}

/* ---- pop, peek ---------------------------------------------------------------------------------- */

static int show_next(int argc, char **argv, bool takes)
{
	struct target target = {.map.fd = -1};
	struct elfmap_type_words words;
	struct elfmap_msg msg;
	void *value = NULL;
	int status;

	argc = take_options(argc, argv, NULL);
	status = take_types(&argc, argv, false, &words);
	if (status || argc != 2)
		return status ?: EXIT_USAGE;
	status = target__open(&target, argv[1], takes ? ELFMAP_READ_WRITE : ELFMAP_READ, &words);
	status = status ?: target__check_queue(&target);
	if (status)
		goto out;
	value = calloc(1, elfmap_map__value_size(&target.map));
	if (!value)
		status = complain(argv[1], "no memory");
	else if (takes ? elfmap_map__pop(&target.map, value, &msg) : elfmap_map__lookup(&target.map, NULL, value, &msg))
		status = complain(argv[1], "%s", msg.text);
	else
		status = target__print_entry(&target, NULL, value, false);
out:
	free(value);
	target__close(&target);
	return status;
}

int map_pop(int argc, char **argv)
{
	return show_next(argc, argv, true);
}

int map_peek(int argc, char **argv)
{
	return show_next(argc, argv, false);
}
