// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * transcode with arbitrary objects and the options in the first byte: the output is deterministic, read
 * accepts it, and libbpf opens or refuses it.
 */
#include <assert.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "object/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_same(const struct elfmap_object *obj, const struct elfmap_transcode_opts *opts, const void *made,
		       size_t size)
{
	struct elfmap_msg msg;
	size_t again_size;
	void *again;

	assert(!elfmap_object__transcode(obj, opts, &again, &again_size, &msg));
	assert(again_size == size && !memcmp(again, made, size));
	free(again);
}

static void check_readable(const void *made, size_t size)
{
	struct elfmap_object *obj;
	struct elfmap_msg msg;

	assert(!elfmap_object__read(made, size, &obj, &msg));
	assert(!obj->has_legacy_maps);
	elfmap_object__free(obj);
}

static void open_with_libbpf(const void *made, size_t size)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "fuzz");

	bpf_object__close(bpf_object__open_mem(made, size, &opts));
}

static void transcode(const struct elfmap_object *obj, uint8_t options)
{
	static const char *const sections[] = {NULL, "tc", "classifier/x", ".text"};
	const struct elfmap_transcode_opts opts = {.sz = sizeof(opts),
						   .slot_values = options & 1,
						   .pin_by_name = options & 2,
						   .rename_slots = options & 4,
						   .prog_section = sections[options >> 3 & 3]};
	struct elfmap_msg msg = {};
	void *made = NULL;
	size_t size;

	if (elfmap_object__transcode(obj, &opts, &made, &size, &msg)) {
		assert(!made && msg.text[0] && !strchr(msg.text, '\n'));
		return;
	}
	assert(!obj->nr_problems);
	check_same(obj, &opts, made, size);
	check_readable(made, size);
	open_with_libbpf(made, size);
	free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elfmap_object *obj;
	struct elfmap_msg msg;
	void *object;

	libbpf_set_print(NULL);
	if (!size)
		return 0;
	object = malloc(size - 1 ? size - 1 : 1); /* aligned, and with an end that the sanitizer checks */
	if (!object)
		return 0;
	memcpy(object, data + 1, size - 1);
	if (!elfmap_object__read(object, size - 1, &obj, &msg)) {
		transcode(obj, data[0]);
		elfmap_object__free(obj);
	}
	free(object);
	return 0;
}
