/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Arrays that grow one element at a time. */
#ifndef ELFMAP_ARRAY_H
#define ELFMAP_ARRAY_H

#include <stdlib.h>

/* ARRAY, which holds NR elements of SIZE bytes and has only grown by this function, with room for one more; NULL: no
 * memory, and ARRAY is as it was. The room is 1, 2, 4, ... elements, so that adding takes constant time on average. */
static inline void *elfmap_array__grow(void *array, size_t nr, size_t size)
{
	return nr & (nr - 1) ? array : reallocarray(array, nr ? 2 * nr : 1, size);
}

#endif
