// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map`: what can be done with pinned maps, a table of its own. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_verbs.h"
#include "text/buffer.h"

static const struct verb map_verbs[] = {
	{"list", map_list, "[DIR]", "the maps pinned below tc/, or in DIR"},
	{"show", map_show, "PIN", "one map in full: types, entries, flags, who uses it"},
	{"pin", map_pin, "MAP PIN", "another pin of a map; MAP: a PIN, or 'id ID'"},
	{"unpin", map_unpin, "PIN [--force]", "remove a pin, unless a program needs it"},
	{"watch", map_watch, "PIN [interval SECONDS] [count N] [rows N]", "entries and their rates, refreshed"},
	{"types", map_types, "", "the names of types that keys and values can have"},
	{"resize", map_resize, "PIN MAX", "another maximum of entries, with the content"},
	{"swap", map_swap, "OUTER KEY FILE|- [like PIN]", "a new inner map in one step; --rollback: the one before"},
	{"save", map_save, "[DIR] [--drain]", "all maps with types and content, as text"},
	{"restore", map_restore, "[FILE|-] [--replace] [--keep-going]", "make and fill the maps that save wrote"},
	{"dump", map_dump, "PIN [sum] [--drain]", "all entries; 'sum' adds up what the CPUs counted"},
	{"get", map_get, "PIN KEY [sum]", "one entry, as dump shows it"},
	{"set", map_set, "PIN KEY VALUE ... [any|noexist|exist]", "add or overwrite entries"},
	{"del", map_del, "PIN KEY ...", "delete entries"},
	{"load", map_load, "PIN [FILE|-] [--keep-going]", "add or overwrite entries from lines KEY VALUE"},
	{"replace", map_replace, "PIN [FILE|-] [--dry-run]", "make the entries equal to a file's"},
	{"diff", map_diff, "PIN [FILE|-]", "what 'replace' would change; 0 nothing, 1 something"},
	{"clear", map_clear, "PIN", "delete all entries, or set them to zero"},
	{"push", map_push, "PIN VALUE ...", "add to a queue or stack"},
	{"pop", map_pop, "PIN", "take the next value out of a queue or stack"},
	{"peek", map_peek, "PIN", "show that value"},
	{"lookup", map_get, "PIN key DATA", "'get' in bpftool's words"},
	{"update", map_set, "PIN key DATA value DATA [any|noexist|exist]", "'set' in bpftool's words"},
	{"delete", map_del, "PIN key DATA", "'del' in bpftool's words"},
	{"check", map_check, "PIN [--fix]", "do device numbers still mean the devices that were meant"},
	{},
};

void begin_output(void)
{
	static char buffer[64 << 10];

	setvbuf(stdout, buffer, _IOFBF, sizeof(buffer));
}

int end_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return EXIT_SUCCESS;
	complain("standard output", "%s", strerror(errno));
	__fpurge(stdout); /* it has been said, and is not tried again */
	clearerr(stdout);
	return EXIT_FAILURE;
}

int flush_output(struct elfmap_buffer *buffer, size_t least)
{
	if (buffer->error)
		return buffer->error;
	if (buffer->length < least || !buffer->length)
		return 0;
	fwrite(buffer->bytes, 1, buffer->length, stdout);
	buffer->length = 0;
	return ferror(stdout) ? -EIO : 0;
}

/* bpftool says `dump pinned PATH` where we say `dump PATH`. */
static int skip_pinned(int argc, char **argv)
{
	if (argc < 4 || strcmp(argv[2], "pinned") != 0 || *argv[3] != '/')
		return argc;
	memmove(argv + 2, argv + 3, (size_t)(argc - 2) * sizeof(*argv)); /* with the NULL at the end */
	return argc - 1;
}

int verb_map(int argc, char **argv)
{
	argc = skip_pinned(argc, argv);
	libbpf_set_print(NULL); /* the verbs report by themselves */
	return run_verb(map_verbs, "elfmap map", argc - 1, argv + 1);
}
