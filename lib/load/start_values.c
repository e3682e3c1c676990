// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the variables of an object start with. Once the program runs nobody can tell any more: the map of its
 * .data has changed, and instructions are the same whatever is in it. So a digest of it goes into a map of its
 * own, which is bound to the programs and lives as long as they do.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/load.h"

#define DIGEST_MAP "elfmap.start" /* bpffs takes no dots, so nobody's pin is called so */

static bool is_zero(const char *bytes, size_t size)
{
	while (size && !bytes[size - 1])
		size--;
	return !size;
}

/* The first values of one map that programs write; NULL: it has none, or nothing but zeros. */
static const void *start_of(const struct elfmap_load_map *map, size_t *ret_size)
{
	const void *values;

	if (!map->is_internal || bpf_map__map_flags(map->bpf) & BPF_F_RDONLY_PROG)
		return NULL;
	values = bpf_map__initial_value(map->bpf, ret_size);
	return values && !is_zero(values, *ret_size) ? values : NULL;
}

/* Returns -ENODATA when everything starts at zero. */
static int digest(const struct elfmap_load *load, char ret_hex[41])
{
	char *all = NULL;
	size_t used = 0;
	int err = 0;

	for (size_t i = 0; !err && i < load->nr_maps; i++) {
		size_t size = 0;
		const void *values = start_of(&load->maps[i], &size);
		char *grown = values ? realloc(all, used + size) : NULL;

		if (!values)
			continue;
		if (grown) {
			all = grown;
			memcpy(all + used, values, size);
			used += size;
		} else {
			err = -ENOMEM;
		}
	}
	if (!err && used)
		elfmap_sha1(all, used, ret_hex);
	free(all);
	if (err)
		return err;
	return used ? 0 : -ENODATA;
}

static int make_map(const char hex[41], int *ret_fd)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_RDONLY_PROG);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, DIGEST_MAP, sizeof(__u32), 40, 1, &opts);
	const __u32 key = 0;
	int err;

	if (fd < 0)
		return fd;
	err = bpf_map_update_elem(fd, &key, hex, BPF_ANY);
	err = err ?: bpf_map_freeze(fd);
	if (err)
		close(fd);
	else
		*ret_fd = fd;
	return err;
}

int elfmap_load__note_start(struct elfmap_load *load)
{
	char hex[41];
	int err = digest(load, hex);

	if (err)
		return err == -ENODATA ? 0 : err;
	err = make_map(hex, &load->start_map);
	for (size_t i = 0; !err && i < load->nr_progs; i++)
		if (load->progs[i].is_wanted)
			err = bpf_prog_bind_map(bpf_program__fd(load->progs[i].bpf), load->start_map, NULL);
	return err == -EINVAL ? 0 : err; /* before Linux 5.10 */
}
