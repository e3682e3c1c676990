/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A second thread, for work on a map that two can do. */
#ifndef ELFMAP_SECOND_THREAD_H
#define ELFMAP_SECOND_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Starts WORK on any CPU but the one that the caller is on; pthread_join() *RET_THREAD. False: there is no
 * other CPU for us, or no thread, and everything is left to the caller. */
bool second_thread__start(pthread_t *ret_thread, void *(*work)(void *context), void *context);

#endif
