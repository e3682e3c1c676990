/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What verbs that convert entries share: the option --merge, and the output of changed members. */
#ifndef ELFMAP_MAP_MIGRATE_H
#define ELFMAP_MAP_MIGRATE_H

#include "helpers/command.h"
#include "map/migrate.h"

extern const struct option_choice merge_choices[];

/* The request's member is an int, of enum elfmap_merge. */
#define MERGE_ROW(request)                                                                    \
	{                                                                                     \
		"--merge", "first|last", 0, OPTION_CHOICE_AT(request, merge, merge_choices),  \
			.help = "of old keys that become one, keep the first or the last one" \
	}

/* Prints ", new value.b" for each member, with FIRST before the first one. */
void print_members(const char *first, const struct elfmap_member_change *members, size_t nr);
/* [{"member":"value.b","change":"new"}] */
json_object *json_members(const struct elfmap_member_change *members, size_t nr);

#endif
