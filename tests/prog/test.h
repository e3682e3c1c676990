/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cmocka.h after the four headers that it requires, in the required order. And fail_msg() that prints its reason also
 * in a bench: newer versions of cmocka keep it until the end of a test. */
#ifndef PROG_TEST_H
#define PROG_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>

#undef fail_msg
#define fail_msg(...)                         \
	do {                                  \
		fprintf(stderr, "# ");        \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr);          \
		_fail(__FILE__, __LINE__);    \
	} while (0)

#endif
