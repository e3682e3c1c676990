// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A line with two types, followed by entries of these types: `KEY VALUE\nentries ...`. Both are refused with a
 * reason or accepted, and accepted entries that are written as text are read back as the same bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "text/values.h"

#define MAX_SIZE 512 /* bytes of a key or a value */
#define COPIES 2

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each name stands for a number, and no number has a name. */
static int find_device(struct elfmap_resolver *self, const char *name, __u32 *ret_ifindex, struct elfmap_msg *msg)
{
	(void)self;
	(void)msg;
	*ret_ifindex = (__u32)strlen(name);
	return 0;
}

static int find_object(struct elfmap_resolver *self, const struct elfmap_reference *reference, int *ret_fd,
		       __u64 *ret_id, struct elfmap_msg *msg)
{
	(void)self;
	(void)msg;
	*ret_id = reference->path ? strlen(reference->path) : reference->id;
	if (ret_fd)
		*ret_fd = 3;
	return 0;
}

static struct elfmap_resolver names = {.device = find_device, .object = find_object};

/* The type defines the size; the message that refuses another size contains it. */
static struct elfmap_type *parse(const char **words)
{
	struct elfmap_type *type = NULL;
	struct elfmap_msg msg = {};
	const char *at = *words, *has;
	size_t size = 0;

	if (!elfmap_type__parse(&at, MAX_SIZE, &type, &msg)) {
		*words = at;
		return type;
	}
	assert(msg.text[0] && !strchr(msg.text, '\n'));
	has = strstr(msg.text, "' has ");
	size = has ? strtoul(has + 6, NULL, 10) : 0;
	if (!size || size > MAX_SIZE || elfmap_type__parse(words, size, &type, &msg))
		return NULL;
	return type;
}

static void check_again(const struct elfmap_format *format, const void *key, const void *value)
{
	struct elfmap_buffer line = {}, object = {};
	struct elfmap_json json = {.to = &object, .pretty = true};
	unsigned char key_again[MAX_SIZE], value_again[COPIES * (MAX_SIZE + 8)];
	struct elfmap_msg msg;
	struct elfmap_text text;

	elfmap_text__write_entry(&line, format, key, value, false, &names);
	elfmap_json__entry(&json, format, key, value, false);
	assert(!line.error && !object.error);
	text = elfmap_text__new(line.bytes, line.length, &names, &msg);
	text.ids = true;
	assert(elfmap_text__read_entry(&text, format, key_again, value_again) == 1);
	assert(!memcmp(key, key_again, format->key->size));
	assert(!memcmp(value, value_again, format->copies * format->stride));
	elfmap_buffer__free(&line);
	elfmap_buffer__free(&object);
}

static void read_entries(const struct elfmap_format *format, const char *entries, size_t size)
{
	unsigned char key[MAX_SIZE], value[COPIES * (MAX_SIZE + 8)];
	struct elfmap_msg msg = {};
	struct elfmap_text text = elfmap_text__new(entries, size, &names, &msg);
	int err;

	text.ids = true;
	while ((err = elfmap_text__read_entry(&text, format, key, value))) {
		if (err > 0)
			check_again(format, key, value);
		else
			assert(msg.text[0] && text.wrong >= text.line && text.wrong <= entries + size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *newline = memchr(data, '\n', size), *at;
	struct elfmap_format format = {.copies = 1};
	struct elfmap_type *key, *value = NULL;
	char *words;

	if (!newline)
		return 0;
	words = strndup((const char *)data, (size_t)(newline - (const char *)data));
	at = words;
	key = parse(&at);
	if (key)
		value = parse(&at);
	if (value) {
		format.key = key;
		format.value = value;
		format.per_cpu = *at == '*';
		format.copies = format.per_cpu ? COPIES : 1;
		format.stride = format.per_cpu ? (value->size + 7) / 8 * 8 : value->size;
		read_entries(&format, newline + 1, size - (size_t)(newline + 1 - (const char *)data));
	}
	elfmap_type__free(key);
	elfmap_type__free(value);
	free(words);
	return 0;
}
