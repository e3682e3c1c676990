// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Takes values out of a QUEUE or STACK, and puts them back. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "kinds/maps.h"
#include "map/taken.h"

#define FIRST_ROOM 16

int elfmap_taken__next(struct elfmap_taken *taken, const void **ret_value, struct elfmap_msg *msg)
{
	size_t size = elfmap_map__value_size(taken->map), room = taken->room ? 2 * taken->room : FIRST_ROOM;
	unsigned char *grown;
	int err;

	if (taken->count == taken->room) {
		grown = reallocarray(taken->values, room, size);
		if (!grown)
			return elfmap_msg__set(msg, -ENOMEM, "no memory");
		taken->values = grown;
		taken->room = room;
	}
	err = elfmap_map__pop(taken->map, taken->values + taken->count * size, msg);
	if (err)
		return err;
	*ret_value = taken->values + taken->count++ * size;
	return 0;
}

void elfmap_taken__forget(struct elfmap_taken *taken)
{
	taken->count = 0;
}

/* A queue is filled at its end: all other values are taken out, too, and follow. */
static void take_others(struct elfmap_taken *taken)
{
	struct elfmap_msg msg;
	const void *value;

	for (__u32 i = 0; i < taken->map->info.max_entries && !elfmap_taken__next(taken, &value, &msg); i++)
		;
}

int elfmap_taken__put_back(struct elfmap_taken *taken, struct elfmap_msg *msg)
{
	bool is_lifo = elfmap_map_kind__of(taken->map->info.type)->is_lifo;
	size_t size = elfmap_map__value_size(taken->map), done = 0;
	int err = 0;

	if (!taken->count)
		return 0;
	if (!is_lifo)
		take_others(taken);
	for (; done < taken->count && !err; done += !err) {
		size_t nth = is_lifo ? taken->count - 1 - done : done;

		err = bpf_map_update_elem(taken->map->fd, NULL, taken->values + nth * size, BPF_ANY);
	}
	if (err)
		elfmap_msg__set(msg, err, "%zu values that were taken out cannot be put back: %s", taken->count - done,
				strerror(-err));
	taken->count = 0;
	return err;
}

void elfmap_taken__free(struct elfmap_taken *taken)
{
	free(taken->values);
	taken->values = NULL;
	taken->count = taken->room = 0;
}
