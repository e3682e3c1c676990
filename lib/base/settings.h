/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Words NAME=VALUE of a request. */
#ifndef ELFMAP_SETTINGS_H
#define ELFMAP_SETTINGS_H

#include <stddef.h>

#define ELFMAP_MAX_SETTINGS 64

struct elfmap_settings {
	const char *at[ELFMAP_MAX_SETTINGS];
	size_t nr;
};

#endif
