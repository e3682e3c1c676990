// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map dump`: all entries of a pinned map, in the words of its types, as they come from the kernel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/taken.h"

struct dump {
	struct target target;
	bool sum;
	bool drain;
	struct elfmap_buffer text;
	struct elfmap_json json;
};

#define WRITE_AT (64u << 10) /* bytes of text per write(2) */

static int print_entry(void *context, const void *key, const void *value)
{
	struct dump *dump = context;

	elfmap_text__write_entry(&dump->text, &dump->target.map.format, key, value, dump->sum, dump->target.resolver);
	return flush_output(&dump->text, WRITE_AT);
}

/* JSON: an array, written entry by entry, because a whole map may not fit in memory. */
static int print_json_entry(void *context, const void *key, const void *value)
{
	struct dump *dump = context;

	elfmap_json__entry(&dump->json, &dump->target.map.format, key, value, dump->sum);
	return flush_output(&dump->text, WRITE_AT);
}

/* Reading a queue takes its values out: at most as many as it can hold, even if others keep pushing. Each one is
 * written before the next is taken, and put back if it cannot be. */
static int drain(struct dump *dump, int (*print)(void *context, const void *key, const void *value),
		 struct elfmap_msg *msg)
{
	struct elfmap_taken taken = {.map = &dump->target.map};
	struct elfmap_msg why;
	const void *value;
	int err = 0, number;

	interrupt__keep_output();
	for (__u32 i = 0; i < dump->target.map.info.max_entries && !err; i++) {
		if (interrupted)
			err = elfmap_msg__set(msg, -EINTR, "interrupted; %u values were taken out", i);
		err = err ?: elfmap_taken__next(&taken, &value, msg);
		err = err ?: print(dump, NULL, value) ?: write_output(&dump->text);
		if (!err)
			elfmap_taken__forget(&taken);
	}
	number = errno;
	if (elfmap_taken__put_back(&taken, &why))
		complain(dump->target.pin, "%s", why.text);
	elfmap_taken__free(&taken);
	errno = number; /* end_output() reports it */
	return err == -ENOENT ? 0 : err;
}

static int print_all(struct dump *dump, struct elfmap_msg *msg)
{
	int (*print)(void *context, const void *key, const void *value) = output.json ? print_json_entry : print_entry;
	int err;

	dump->json = (struct elfmap_json){.to = &dump->text, .pretty = output.pretty};
	if (output.json)
		elfmap_json__open(&dump->json, '[');
	err = dump->drain ? drain(dump, print, msg) : elfmap_reader__each(&dump->target.map, print, dump, msg);
	/* Also after a failure, so that the output can be parsed: the exit status shows that it is incomplete. If no
	 * entry was read, only the error is printed. */
	if (err && !output.is_written && dump->text.length <= 1)
		return err;
	if (output.json) {
		elfmap_json__close(&dump->json, ']');
		elfmap_buffer__add(&dump->text, "\n", 1);
	}
	return flush_output(&dump->text, 0) ?: err;
}

static int check(const struct dump *dump)
{
	const struct target *target = &dump->target;
	struct elfmap_msg msg;

	if (dump->drain)
		return target__check_queue(target);
	if (elfmap_map__check_readable(&target->map.info, &msg))
		return complain(target->pin, "%s%s", msg.text,
				elfmap_map_kind__of(target->map.info.type)->is_queue ? "; --drain does" : "");
	return dump->sum ? target__check_sum(target) : EXIT_SUCCESS;
}

struct dump_request {
	const char *pin;
	struct elfmap_type_words words;
	bool sum, drain;
};

static int run(const void *words)
{
	const struct dump_request *request = words;
	struct elfmap_msg msg = {.text = "no memory"};
	struct dump dump = {.target.map.fd = -1, .sum = request->sum, .drain = request->drain};
	int err, status;

	status =
		target__open(&dump.target, request->pin, dump.drain ? ELFMAP_READ_WRITE : ELFMAP_READ, &request->words);
	status = status ?: check(&dump);
	if (status)
		goto out;
	begin_output();
	err = print_all(&dump, &msg);
	status = end_output();
	if (err && status == EXIT_SUCCESS)
		status = complain(request->pin, "%s", msg.text);
out:
	target__close(&dump.target);
	elfmap_buffer__free(&dump.text);
	return status;
}

static const struct option_row options[] = {
	PIN_ROW(struct dump_request),
	{"sum", NULL, 0, OPTION_FLAG_AT(struct dump_request, sum), .help = "add up the values of the CPUs"},
	TYPES_ROW(struct dump_request),
	KEY_TYPE_ROW(struct dump_request),
	VALUE_TYPE_ROW(struct dump_request),
	{"--drain", NULL, 0, OPTION_FLAG_AT(struct dump_request, drain),
	 .help = "take the values out of a queue or stack"},
	{},
};

const struct verb map_dump_verb = {
	.name = "dump",
	.summary = "show all entries",
	.run = run,
	.options = options,
	.request_size = sizeof(struct dump_request),
};
