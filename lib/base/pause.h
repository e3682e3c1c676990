/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Waiting for the kernel, which frees a program or map some milliseconds after its last reference has gone. */
#ifndef ELFMAP_PAUSE_H
#define ELFMAP_PAUSE_H

#include <stdbool.h>
#include <time.h>

/* Pauses for 4 ms, and counts in NR, which starts at 0. False, and no pause: 200 ms have passed. */
static inline bool elfmap_pause(int *nr)
{
	const struct timespec pause = {.tv_nsec = 4000000};

	if (*nr == 50)
		return false;
	++*nr;
	nanosleep(&pause, NULL);
	return true;
}

#endif
