// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The slots of a CGROUP_ARRAY as text: the kernel does not show them, but what was noted beside them does. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/map/map_save.h"
#include "map/cgroup_slots.h"
#include "pins/bpffs.h"
#include "text/types.h"

static int print_path(const struct elfmap_cgroup_slot *slot, __u32 index, struct elfmap_resolver *names)
{
	struct elfmap_type *type = elfmap_type__new(ELFMAP_CGROUP_ID, sizeof(slot->cgroup));
	struct elfmap_value value = {.bytes = &slot->cgroup, .copies = 1};
	struct elfmap_buffer text = {};
	int err;

	if (!type)
		return -ENOMEM;
	elfmap_text__write(&text, type, &value, names);
	err = text.error;
	if (!err)
		printf("%u %.*s\n", index, (int)text.length, text.bytes);
	elfmap_buffer__free(&text);
	elfmap_type__free(type);
	return err;
}

int map_save_cgroups(const char *word, struct elfmap_resolver *names, size_t *ret_unknown, struct elfmap_msg *msg)
{
	struct elfmap_cgroup_slots slots;
	char path[PATH_MAX];
	size_t unknown = 0;
	int err;

	err = elfmap_bpffs__pin_path(word, path, sizeof(path), msg);
	err = err ?: elfmap_cgroup_slots__open(path, &slots, msg);
	if (err)
		return err;
	for (__u32 i = 0; i < slots.count && !err; i++) {
		struct elfmap_cgroup_slot slot;

		err = elfmap_cgroup_slots__read(&slots, i, &slot, msg);
		if (!err && slot.state == CGROUP_SLOT_SET && print_path(&slot, i, names))
			err = elfmap_msg__set(msg, -ENOMEM, "no memory");
		unknown += !err && slot.state == CGROUP_SLOT_UNKNOWN;
	}
	elfmap_cgroup_slots__close(&slots);
	*ret_unknown = unknown;
	return err;
}
