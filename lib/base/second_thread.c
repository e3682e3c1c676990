// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Starts a second thread on another CPU: left to the scheduler, two threads that never sleep may
 * share a CPU until their work is done, a second later, with another CPU idle. */
#include <sched.h>

#include "base/second_thread.h"

bool second_thread__start(pthread_t *ret_thread, void *(*work)(void *context), void *context)
{
	int here = sched_getcpu();
	pthread_attr_t attr;
	cpu_set_t cpus;
	bool started;

	if (here < 0 || sched_getaffinity(0, sizeof(cpus), &cpus))
		return false;
	CPU_CLR(here, &cpus);
	if (!CPU_COUNT(&cpus) || pthread_attr_init(&attr))
		return false;
	started = !pthread_attr_setaffinity_np(&attr, sizeof(cpus), &cpus) &&
		  !pthread_create(ret_thread, &attr, work, context);
	pthread_attr_destroy(&attr);
	return started;
}
