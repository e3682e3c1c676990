// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * read with arbitrary bytes: it refuses or describes them, and the view that it makes for tc's own parser of
 * `maps` is an object without problems.
 */
#include <assert.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "object/object.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sink; /* keeps reads from being optimized away */

static void check_maps(const struct elfmap_object *obj)
{
	assert(obj->nr_maps <= ELF_MAX_MAPS);
	for (size_t i = 0; i < obj->nr_maps; i++) {
		sink += strlen(obj->maps[i].name) + obj->maps[i].def.type + obj->maps[i].def.inner_idx;
		assert(obj->maps[i].inner < (int)obj->nr_maps);
		assert(elfmap_object__map_order(obj, i) < obj->nr_maps);
	}
	assert(elfmap_object__map_order(obj, obj->nr_maps) == obj->nr_maps);
}

static void check_programs(const struct elfmap_object *obj)
{
	for (size_t i = 0; i < obj->nr_progs; i++) {
		sink += strlen(obj->progs[i].name) + strlen(obj->progs[i].section);
		assert(obj->progs[i].slot_map < (int)obj->nr_maps);
		assert(obj->progs[i].size || obj->nr_problems);
	}
}

static void check_view(const struct elfmap_object *obj)
{
	struct elfmap_object *again = NULL;
	struct elfmap_msg msg;
	void *view = NULL;
	size_t size;

	if (elfmap_object__tc_view(obj, &view, &size, &msg)) {
		assert(obj->nr_problems != 0);
		return;
	}
	if (obj->nr_maps) {
		assert(!elfmap_object__read(view, size, &again, &msg));
		assert(!again->nr_problems && again->nr_maps == obj->nr_maps && !again->nr_progs);
		for (size_t i = 0; i < obj->nr_maps; i++)
			assert(!strcmp(again->maps[i].name, obj->maps[i].name) &&
			       !memcmp(&again->maps[i].def, &obj->maps[i].def, offsetof(struct bpf_elf_map, id)));
	}
	elfmap_object__free(again);
	free(view);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elfmap_object *obj = NULL;
	struct elfmap_msg msg = {};

	libbpf_set_print(NULL);
	if (elfmap_object__read(data, size, &obj, &msg)) {
		assert(!obj && msg.text[0] && !strchr(msg.text, '\n'));
		return 0;
	}
	for (size_t i = 0; i < obj->nr_problems; i++)
		sink += strlen(obj->problems[i]);
	sink += strlen(obj->license);
	check_maps(obj);
	check_programs(obj);
	check_view(obj);
	elfmap_object__free(obj);
	return 0;
}
