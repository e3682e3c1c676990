/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The calls of the command that end in another program: `elfmap tc`, `elfmap ip`, `elfmap exec`, and
 * all calls under the name tc or ip. Starting is most of what a tc costs, so what runs them needs no
 * library but libc, and need not be started the way the verbs are (start.c).
 */
#ifndef ELFMAP_LAUNCHER_H
#define ELFMAP_LAUNCHER_H

#include <stdbool.h>

/* Is the call with ARGV (ends in NULL, may have nothing before it) one of them? Needs nothing but the
 * words: it may be asked before there is a libc. */
bool launcher__is_called(char **argv);

/* Runs what ARGV, which must be such a call, asks for. Returns only when that fails, with EXIT_FAILURE
 * after complaining. */
int launcher__run(char **argv);

#endif
