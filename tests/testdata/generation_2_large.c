// SPDX-License-Identifier: GPL-2.0-only
/* The second version, with a larger state map. */
#define GENERATION 2
#define GEN_STATE_ENTRIES 64
#include "generation.h"
