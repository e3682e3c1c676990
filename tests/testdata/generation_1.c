// SPDX-License-Identifier: GPL-2.0-only
/* The first version of the pipeline. */
#define GENERATION 1
#define GEN_STATE_ENTRIES 16
#include "generation.h"
