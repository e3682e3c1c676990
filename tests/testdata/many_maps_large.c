// SPDX-License-Identifier: GPL-2.0-only
/* The same with larger maps. */
#define MANY_ENTRIES 4
#include "many_maps.c"
