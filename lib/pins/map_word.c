// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds maps by id and by name. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pins/bpffs.h"
#include "pins/map_word.h"
#include "pins/pins.h"

static bool begins(const char *word, const char *with)
{
	return !strncmp(word, with, strlen(with));
}

bool elfmap_map_word__is(const char *word)
{
	return begins(word, "id ") || begins(word, "name ");
}

static int find_name(const char *name, __u32 *ret_id, struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	char ids[96] = "";
	size_t used = 0;
	__u32 id = 0;
	int found = 0;

	while (!bpf_map_get_next_id(id, &id)) {
		if (!elfmap_map__describe(id, &info) || strncmp(info.name, name, sizeof(info.name) - 1) != 0)
			continue;
		*ret_id = id;
		found++;
		if (used + 16 < sizeof(ids))
			used += (size_t)snprintf(ids + used, sizeof(ids) - used, "%sid %u", used ? ", " : "", id);
	}
	if (!found)
		return elfmap_msg__set(msg, -ENOENT, "no map has this name; 'bpftool map list' lists them");
	if (found > 1)
		return elfmap_msg__set(msg, -ENOTUNIQ, "%d maps have this name; choose one by its id: %s", found, ids);
	return 0;
}

/* A pin of map ID that no other rule hides; false: none. */
static bool find_pin(__u32 id, char *ret_path, size_t size)
{
	struct elfmap_pins pins = {};
	bool found = false;

	if (elfmap_pins__read_all(&pins))
		return false;
	for (size_t i = 0; i < pins.nr && !found; i++)
		if (pins.pins[i].kind == ELFMAP_PIN_MAP && pins.pins[i].id == id && !pins.pins[i].is_link)
			found = snprintf(ret_path, size, "%s", pins.pins[i].path) < (int)size;
	elfmap_pins__free(&pins);
	return found;
}

int elfmap_map_word__resolve(const char *word, char *ret_path, size_t size, struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	__u64 number;
	__u32 id = 0;
	int err;

	if (begins(word, "name ")) {
		err = find_name(word + strlen("name "), &id, msg);
		if (err)
			return err;
	} else {
		if (elfmap_number__read(word + strlen("id "), 10, 0, UINT32_MAX, &number))
			return elfmap_msg__set(msg, -EINVAL, "'%s' is not the id of a map", word + strlen("id "));
		id = (__u32)number;
		if (!elfmap_map__describe(id, &info))
			return elfmap_msg__set(msg, errno == EPERM ? -EPERM : -ENOENT,
					       errno == EPERM ? "not permitted to open maps by id; run it as root"
							      : "no map has this id; 'bpftool map list' lists them");
	}
	if (!find_pin(id, ret_path, size))
		snprintf(ret_path, size, "id %u", id);
	return 0;
}

int elfmap_map_word__open(const char *word, unsigned int flags)
{
	LIBBPF_OPTS(bpf_get_fd_by_id_opts, opts, .open_flags = flags);
	__u64 id;

	if (elfmap_number__read(word + strlen("id "), 10, 0, UINT32_MAX, &id))
		return -EINVAL;
	return bpf_map_get_fd_by_id_opts((__u32)id, &opts);
}
