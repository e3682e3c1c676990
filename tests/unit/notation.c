// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reads lines with a type in words, and fails if the result is not the expected one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notation.h"

/* ---- names ------------------------------------------------------------------------------------------------ */

static int find_device(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg)
{
	(void)self;
	*ret_ifindex = !strcmp(name, "eth0") ? 7 : !strcmp(name, "7up") ? 8 : !strcmp(name, "a b") ? 9 : 0;
	if (*ret_ifindex)
		return 0;
	snprintf(msg->text, sizeof(msg->text), "'%s': no such device", name);
	return -ENODEV;
}

static int find_object(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		       __u64 *ret_id, struct elfmap_msg *msg)
{
	(void)self;
	*ret_id = reference->id;
	if (reference->path && !strcmp(reference->path, "jmp/a"))
		*ret_id = 5;
	else if (reference->path && reference->section && !strcmp(reference->section, "1/0"))
		*ret_id = 6;
	else if (reference->path && !strcmp(reference->path, "/web one"))
		*ret_id = 1ull << 40 | 3;
	if (!*ret_id || *ret_id == 404) {
		snprintf(msg->text, sizeof(msg->text), "no such thing");
		return -ENOENT;
	}
	if (ret_fd)
		*ret_fd = (int)(*ret_id % 1000) + 100;
	return 0;
}

struct elfmap_resolver names = {.device = find_device, .object = find_object};

/* ---- expectations ------------------------------------------------------------------------------------ */

struct elfmap_type *type_of(const char *words, size_t size)
{
	struct elfmap_type *type = NULL;
	struct elfmap_msg msg = {};

	if (elfmap_type__parse(&words, size, &type, &msg))
		fail_msg("%s", msg.text);
	return type;
}

void assert_reads_as(const struct elfmap_type *type, const char *line, const void *expected)
{
	struct elfmap_msg msg = {};
	struct elfmap_text text = elfmap_text__new(line, strlen(line), &names, &msg);
	unsigned char *bytes = malloc(type->size);

	memset(bytes, 0xa5, type->size);
	if (elfmap_text__read(&text, type, bytes))
		fail_msg("%s: column %zu: %s", line, elfmap_text__column(&text), msg.text);
	if (!elfmap_text__is_at_end(&text))
		fail_msg("%s: something is left", line);
	if (memcmp(bytes, expected, type->size) != 0)
		fail_msg("%s: other bytes", line);
	free(bytes);
}

void assert_refuses(const struct elfmap_type *type, const char *line, size_t column, const char *why)
{
	struct elfmap_msg msg = {};
	struct elfmap_text text = elfmap_text__new(line, strlen(line), &names, &msg);
	unsigned char *bytes = malloc(type->size);

	if (!elfmap_text__read(&text, type, bytes))
		fail_msg("%s: is taken", line);
	if (!strstr(msg.text, why) || elfmap_text__column(&text) != column)
		fail_msg("%s: column %zu: %s", line, elfmap_text__column(&text), msg.text);
	free(bytes);
}

void check_notation(const struct reading *readings, size_t nr_readings, const struct refusal *refusals,
		    size_t nr_refusals)
{
	for (size_t i = 0; i < nr_readings; i++) {
		struct elfmap_type *type = type_of(readings[i].words, readings[i].size);

		assert_reads_as(type, readings[i].line, readings[i].bytes);
		elfmap_type__free(type);
	}
	for (size_t i = 0; i < nr_refusals; i++) {
		struct elfmap_type *type = type_of(refusals[i].words, refusals[i].size);

		assert_refuses(type, refusals[i].line, refusals[i].column, refusals[i].why);
		elfmap_type__free(type);
	}
}
