// SPDX-License-Identifier: GPL-2.0-only
/* The second version, with room for more state. */
#define GENERATION 2
#define GEN_STATE_ENTRIES 64
#include "generation.h"
