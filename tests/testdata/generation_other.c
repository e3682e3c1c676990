// SPDX-License-Identifier: GPL-2.0-only
/* An incompatible version: one of its maps has values of another size. */
#define GENERATION 2
#define GEN_STATE_ENTRIES 8
#include "generation.h"
