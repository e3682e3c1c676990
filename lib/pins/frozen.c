// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes frozen arrays with one value. */
#include <bpf/bpf.h>
#include <string.h>
#include <unistd.h>

#include "pins/frozen.h"

int elfmap_frozen__make(const char *name, const void *value, size_t size, unsigned int flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(__u32), (__u32)size, 1, &opts);
	const __u32 key = 0;
	int err;

	if (fd < 0)
		return fd;
	err = bpf_map_update_elem(fd, &key, value, BPF_ANY);
	err = err ?: bpf_map_freeze(fd);
	if (err)
		close(fd);
	return err ?: fd;
}

bool elfmap_frozen__is(const struct bpf_map_info *info, const char *name)
{
	return info->type == BPF_MAP_TYPE_ARRAY && info->max_entries == 1 && !strcmp(info->name, name);
}
