// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads a file of entries for replace, diff and swap. */
#include <stdlib.h>

#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/progress.h"

static void refuse(void *context, const char *place, const char *why)
{
	(void)context;
	complain(place, "%s", why);
}

int map_file__read(struct elfmap_source *file, const struct target *target, const char *name, enum map_file_taken taken)
{
	struct elfmap_msg msg;

	file->refused = refuse;
	if (elfmap_source__read(file, name, &target->map, target->resolver, &interrupted, &msg))
		return complain(file->name, "%s", msg.text);
	if (!file->nr_refused || taken == MAP_FILE_KEEP_GOING)
		return EXIT_SUCCESS;
	return complain(target->pin, "nothing was changed%s",
			taken == MAP_FILE_STRICT ? "; --keep-going takes the lines that are right" : "");
}

int map_file__open_objects(struct elfmap_source *file, const struct target *target)
{
	char place[PATH_MAX + 64];
	struct elfmap_msg msg;
	size_t entry;

	if (!elfmap_source__open_objects(file, &target->map, target->resolver, &entry, &msg))
		return EXIT_SUCCESS;
	elfmap_source__place(file, entry, place, sizeof(place));
	return complain(place, "%s", msg.text);
}
