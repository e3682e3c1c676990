// SPDX-License-Identifier: GPL-2.0-only
/* inner_key8.c as it has to be: the template goes nowhere by itself. */
#define INNER_IDX -1

#include "inner_key8.c"
