// SPDX-License-Identifier: GPL-2.0-only
/* The second version, with the same state. */
#define GENERATION 2
#define GEN_STATE_ENTRIES 16
#include "generation.h"
