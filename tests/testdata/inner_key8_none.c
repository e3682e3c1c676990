// SPDX-License-Identifier: GPL-2.0-only
/* inner_key8.c corrected: the template is not inserted into the outer map. */
#define INNER_IDX -1

#include "inner_key8.c"
