/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* `elfmap map set PIN KEY member=value ...` and `... cpu N`: parts of a value. */
#ifndef ELFMAP_MAP_MEMBER_H
#define ELFMAP_MAP_MEMBER_H

#include "helpers/map/map_target.h"

struct member_request {
	const char *pin;
	const struct option_words *data; /* KEY member=value ..., or KEY VALUE of one CPU */
	const struct elfmap_type_words *words;
	int cpu; /* -1: not given */
	bool racy;
};

/* Is the last word `member=value`, with a name as C has it? */
bool map_member__is_last(const struct option_words *data);

/* Changes the value of one entry. Complains, and returns an exit status. */
int map_member__set(const struct member_request *request);

#endif
