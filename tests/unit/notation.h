/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Checks of lines of text for the tests of lib/text. */
#ifndef TESTS_NOTATION_H
#define TESTS_NOTATION_H

#include "text/values.h"

/* Knows the devices eth0 (7), 7up (8) and "a b" (9); objects by their ids but 404, jmp/a (5), obj ... sec 1/0 (6)
 * and the cgroup "/web one". Descriptors are ids plus 100. */
extern struct elfmap_resolver names;

/* Parses a type in words, which must have SIZE bytes. */
struct elfmap_type *type_of(const char *words, size_t size);

/* LINE has the bytes EXPECTED in TYPE; or it is refused at COLUMN with a reason that contains WHY. */
void assert_reads_as(const struct elfmap_type *type, const char *line, const void *expected);
void assert_refuses(const struct elfmap_type *type, const char *line, size_t column, const char *why);

/* A line for a type in words: its bytes, or the column and the reason of the refusal. */
struct reading {
	const char *words;
	const char *line;
	size_t size;
	unsigned char bytes[24];
};

struct refusal {
	const char *words;
	size_t size;
	const char *line;
	size_t column;
	const char *why;
};

#define READS(words, line, ...)                                            \
	{                                                                  \
		words, line, sizeof((const unsigned char[]){__VA_ARGS__}), \
		{                                                          \
			__VA_ARGS__                                        \
		}                                                          \
	}
#define REFUSES(words, size, line, column, why) \
	{                                       \
		words, size, line, column, why  \
	}

void check_notation(const struct reading *readings, size_t nr_readings, const struct refusal *refusals,
		    size_t nr_refusals);
#define CHECK(readings, refusals)                                                  \
	check_notation(readings, sizeof(readings) / sizeof(*(readings)), refusals, \
		       sizeof(refusals) / sizeof(*(refusals)))

#endif
