// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Makes, binds and reads notes of files. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load/note.h"
#include "pins/frozen.h"
#include "pins/map_id.h"

#define NOTE_NAME "elfmap.file"
#define MAX_MAPS 128 /* of a program: 64, and those that were bound */

int elfmap_note__make(const char *file)
{
	char *absolute = realpath(file, NULL);
	int fd;

	if (!absolute)
		return -errno;
	fd = elfmap_frozen__make(NOTE_NAME, absolute, strlen(absolute) + 1, BPF_F_RDONLY_PROG);
	free(absolute);
	return fd;
}

void elfmap_note__bind(int prog, int note)
{
	if (prog >= 0 && note >= 0)
		bpf_prog_bind_map(prog, note, NULL);
}

bool elfmap_note__is(const struct bpf_map_info *info)
{
	return elfmap_frozen__is(info, NOTE_NAME);
}

/* The value of the note with this id. -ENOENT: it is not a note of a file. */
static int read_note(__u32 id, char ret_file[PATH_MAX])
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int fd = elfmap_map__open_id(id), err = -ENOENT;
	const __u32 key = 0;
	char file[PATH_MAX + 8]; /* the kernel rounds the size of a value up to 8 */

	if (fd < 0)
		return -ENOENT;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size) && elfmap_note__is(&info) && info.value_size <= PATH_MAX &&
	    !bpf_map_lookup_elem(fd, &key, file) && !file[info.value_size - 1]) {
		memcpy(ret_file, file, info.value_size);
		err = 0;
	}
	close(fd);
	return err;
}

int elfmap_note__read(int prog, char ret_file[PATH_MAX])
{
	__u32 maps[MAX_MAPS], size = sizeof(struct bpf_prog_info);
	struct bpf_prog_info info = {.nr_map_ids = MAX_MAPS, .map_ids = (__u64)(uintptr_t)maps};
	int err = -ENOENT;

	if (bpf_obj_get_info_by_fd(prog, &info, &size))
		return -ENOENT;
	/* What was bound comes last. */
	for (__u32 i = info.nr_map_ids < MAX_MAPS ? info.nr_map_ids : MAX_MAPS; err && i-- > 0;)
		err = read_note(maps[i], ret_file);
	return err;
}
