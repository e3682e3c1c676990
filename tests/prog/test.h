/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* cmocka.h after the four headers that it requires, in the required order. */
#ifndef PROG_TEST_H
#define PROG_TEST_H

/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#endif
