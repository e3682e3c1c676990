// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The list of reports on maps. */
#include <errno.h>
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

int elfmap_map_report__add_members(struct elfmap_map_report *report, const struct elfmap_layout *layout)
{
	for (size_t i = 0; i < layout->nr_changes; i++) {
		struct elfmap_member_change *grown =
			elfmap_array__grow(report->members, report->nr_members, sizeof(*grown));
		char *name = strdup(layout->changes[i].name);

		if (grown)
			report->members = grown;
		if (!grown || !name) {
			free(name);
			return -ENOMEM;
		}
		grown[report->nr_members++] = (struct elfmap_member_change){layout->changes[i].fate, name};
	}
	return 0;
}

static void free_report(struct elfmap_map_report *report)
{
	for (size_t i = 0; i < report->nr_members; i++)
		free(report->members[i].name);
	free(report->members);
	free(report->name);
}

void elfmap_map_reports__free(struct elfmap_map_reports *reports)
{
	for (size_t i = 0; i < reports->nr; i++)
		free_report(&reports->at[i]);
	free(reports->at);
	*reports = (struct elfmap_map_reports){};
}
