// SPDX-License-Identifier: GPL-2.0-only
/* Version 2 of the pipeline with an unpinned jump table, which only an upgrade keeps. */
#define GENERATION 2
#define GEN_STATE_ENTRIES 16
#define GEN_JMP_PINNING PIN_NONE
#include "generation.h"
