/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Shared by the benchmarks: a clock, a random order, medians. */
#ifndef ELFMAP_TIMING_H
#define ELFMAP_TIMING_H

#include <stdlib.h>
#include <time.h>

static inline double now_ns(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static inline double now_ms(void)
{
	return now_ns() / 1e6;
}

/* A random order: the kernel frees the objects of one turn while the next one runs, which in a fixed order would
 * always be the same. random() has its default seed, so that runs are repeatable. */
static inline void shuffle(size_t *order, size_t nr)
{
	for (size_t i = nr; i > 1; i--) {
		size_t j = (size_t)random() % i, last = order[i - 1];

		order[i - 1] = order[j];
		order[j] = last;
	}
}

static inline int compare_doubles(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

/* Sorts VALUES. */
static inline double median(double *values, size_t nr)
{
	qsort(values, nr, sizeof(*values), compare_doubles);
	return values[nr / 2];
}

#endif
