// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map dump`: all entries of a pinned map, in the words of its types, as they come from the kernel. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "bpffs.h"
#include "command.h"
#include "map.h"
#include "map_verbs.h"
#include "resolve.h"

struct dump {
	struct elfmap_reader map;
	bool sum;
	struct elfmap_resolver *names;
	struct elfmap_buffer text;
	bool comma; /* JSON: an entry stands before */
};

#define WRITE_AT (64u << 10) /* bytes of text that are worth a system call */

static int write_text(struct dump *dump, size_t least)
{
	if (dump->text.error)
		return dump->text.error;
	if (dump->text.length < least)
		return 0;
	fwrite(dump->text.bytes, 1, dump->text.length, stdout);
	dump->text.length = 0;
	return ferror(stdout) ? -EIO : 0;
}

static int print_entry(void *context, const void *key, const void *value)
{
	struct dump *dump = context;

	elfmap_text__write_entry(&dump->text, &dump->map.format, key, value, dump->sum, dump->names);
	return write_text(dump, WRITE_AT);
}

/* JSON: an array, written entry by entry, since the whole would not fit in memory. */
static int print_json_entry(void *context, const void *key, const void *value)
{
	struct dump *dump = context;

	if (dump->comma)
		elfmap_buffer__add(&dump->text, ",", 1);
	dump->comma = true;
	if (output.pretty)
		elfmap_buffer__add(&dump->text, "\n  ", 3);
	elfmap_json__write_entry(&dump->text, &dump->map.format, key, value, dump->sum, output.pretty ? 1 : -1);
	return write_text(dump, WRITE_AT);
}

static int print_all(struct dump *dump, struct elfmap_msg *msg)
{
	int err;

	if (output.json)
		elfmap_buffer__add(&dump->text, "[", 1);
	err = elfmap_reader__each(&dump->map, output.json ? print_json_entry : print_entry, dump, msg);
	/* After a failure the array stays open, so that nobody takes half of it for the whole. */
	if (!err && output.json)
		elfmap_buffer__add(&dump->text, "\n]\n" + !(output.pretty && dump->comma),
				   2 + (output.pretty && dump->comma));
	return err ?: write_text(dump, 0);
}

/* ------------------------------------------------------------------------------------------------- */

static int check_sum(const struct dump *dump, struct elfmap_msg *msg)
{
	const char *culprit = "";

	if (!dump->sum)
		return 0;
	if (!dump->map.format.per_cpu) {
		snprintf(msg->text, sizeof(msg->text),
			 "a %s has one value a key, there is nothing to sum; leave 'sum' out",
			 elfmap_map_type_name(dump->map.info.type) ?: "map of this type");
		return -EINVAL;
	}
	if (elfmap_type__can_sum(dump->map.format.value, &culprit))
		return 0;
	if (dump->map.format.value->notation == ELFMAP_HEX)
		snprintf(msg->text, sizeof(msg->text),
			 "the map has no types, and bytes cannot be summed; BPF_ANNOTATE_KV_PAIR in its source gives "
			 "it types");
	else
		snprintf(msg->text, sizeof(msg->text), "%s%s is not a number and cannot be summed",
			 *culprit ? "member " : "the value", culprit);
	return -EINVAL;
}

int map_dump(int argc, char **argv)
{
	struct elfmap_msg msg = {.text = "no memory"};
	struct dump dump = {.map.fd = -1};
	char path[PATH_MAX];
	int err, status;

	argc = take_options(argc, argv, NULL);
	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "sum") != 0))
		return EXIT_USAGE;
	dump.sum = argc == 3;
	begin_output();
	err = elfmap_bpffs__pin_path(argv[1], path, sizeof(path), &msg);
	err = err ?: elfmap_reader__open(path, &dump.map, &msg);
	err = err ?: check_sum(&dump, &msg);
	err = err ?: elfmap_resolver__new(&dump.names, &msg);
	err = err ?: print_all(&dump, &msg);
	status = end_output();
	if (err && status == EXIT_SUCCESS)
		status = complain(argv[1], "%s", msg.text);
	elfmap_reader__close(&dump.map);
	elfmap_resolver__free(dump.names);
	elfmap_buffer__free(&dump.text);
	return status;
}
