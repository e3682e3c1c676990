// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Is a program that runs the one that an object has? */
#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook/same_program.h"
#include "map/map.h"

#define MAX_PROG_MAPS 64 /* the kernel's own limit */

struct facts {
	struct bpf_prog_info info;
	__u32 maps[MAX_PROG_MAPS]; /* in the order in which the program uses them */
};

static bool read_facts(int fd, struct facts *facts)
{
	__u32 size = sizeof(facts->info);

	facts->info = (struct bpf_prog_info){
		.nr_map_ids = MAX_PROG_MAPS,
		.map_ids = (__u64)(unsigned long)facts->maps,
	};
	return !bpf_obj_get_info_by_fd(fd, &facts->info, &size) && facts->info.nr_map_ids <= MAX_PROG_MAPS;
}

/* The one value of libbpf's map for .rodata, or of what variables start with (start_values.c). */
static bool same_constants(__u32 a, __u32 b, const struct bpf_map_info *info)
{
	int fd_a = bpf_map_get_fd_by_id(a), fd_b = bpf_map_get_fd_by_id(b);
	char *values = calloc(2, info->value_size);
	bool same = false;
	__u32 key = 0;

	if (fd_a >= 0 && fd_b >= 0 && values && !bpf_map_lookup_elem(fd_a, &key, values) &&
	    !bpf_map_lookup_elem(fd_b, &key, values + info->value_size))
		same = !memcmp(values, values + info->value_size, info->value_size);
	free(values);
	if (fd_a >= 0)
		close(fd_a);
	if (fd_b >= 0)
		close(fd_b);
	return same;
}

static bool is_map(int fd, __u32 id)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) && info.id == id;
}

/* Is map ID one that LOAD makes and nobody pins? */
static bool is_made_anew(const struct elfmap_load *load, __u32 id)
{
	for (size_t i = 0; load && i < load->nr_maps; i++)
		if (!load->maps[i].pin_path && is_map(elfmap_pair__fd(load->maps[i].bpf), id))
			return true;
	return load && is_map(load->start_map, id);
}

/* A is ours. */
static bool same_map(__u32 a, __u32 b, const struct elfmap_load *load)
{
	struct bpf_map_info left, right;

	if (a == b)
		return true;
	if (!is_made_anew(load, a) || !elfmap_map__describe(a, &left) || !elfmap_map__describe(b, &right) ||
	    left.type != right.type || left.key_size != right.key_size || left.value_size != right.value_size ||
	    left.max_entries != right.max_entries || left.map_flags != right.map_flags ||
	    strcmp(left.name, right.name) != 0)
		return false;
	if (left.type == BPF_MAP_TYPE_ARRAY && (left.map_flags & BPF_F_RDONLY_PROG) && left.max_entries == 1)
		return same_constants(a, b, &left);
	return true;
}

bool elfmap_program__is_same(__u32 id, int prog_fd, const struct elfmap_load *load)
{
	int fd = bpf_prog_get_fd_by_id(id);
	struct facts ours, theirs;
	bool same;

	if (fd < 0)
		return false;
	same = read_facts(prog_fd, &ours) && read_facts(fd, &theirs) && ours.info.type == theirs.info.type &&
	       !memcmp(ours.info.tag, theirs.info.tag, sizeof(ours.info.tag)) &&
	       !strcmp(ours.info.name, theirs.info.name) && ours.info.nr_map_ids == theirs.info.nr_map_ids;
	close(fd);
	for (__u32 i = 0; same && i < ours.info.nr_map_ids; i++)
		same = same_map(ours.maps[i], theirs.maps[i], load);
	return same;
}
