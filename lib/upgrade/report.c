// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list of reports on maps. */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "upgrade/report.h"

static const char *const fate_words[] = {
	[ELFMAP_MAP_NEW] = "new",	  [ELFMAP_MAP_KEPT] = "kept",	  [ELFMAP_MAP_COPIED] = "copied",
	[ELFMAP_MAP_DRAINED] = "drained", [ELFMAP_MAP_MERGED] = "merged",
};

const char *elfmap_map_fate__word(enum elfmap_map_fate fate)
{
	return fate_words[fate];
}

struct elfmap_map_report *elfmap_map_reports__get(struct elfmap_map_reports *reports, const char *name)
{
	struct elfmap_map_report *grown;
	char *copy;

	for (size_t i = 0; i < reports->nr; i++)
		if (!strcmp(reports->at[i].name, name))
			return &reports->at[i];
	copy = strdup(name);
	grown = copy ? elfmap_array__grow(reports->at, reports->nr, sizeof(*grown)) : NULL;
	if (!grown) {
		free(copy);
		return NULL;
	}
	reports->at = grown;
	grown[reports->nr] = (struct elfmap_map_report){.name = copy};
	return &grown[reports->nr++];
}

void elfmap_map_reports__free(struct elfmap_map_reports *reports)
{
	for (size_t i = 0; i < reports->nr; i++)
		free(reports->at[i].name);
	free(reports->at);
	*reports = (struct elfmap_map_reports){};
}
