// SPDX-License-Identifier: GPL-2.0-only
/* Version 1 of the pipeline with an unpinned jump table, which only an upgrade keeps. */
#define GENERATION 1
#define GEN_STATE_ENTRIES 16
#define GEN_JMP_PINNING PIN_NONE
#include "generation.h"
