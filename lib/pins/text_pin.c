// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Texts in pinned arrays. */
#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/msg.h"
#include "pins/pin_change.h"
#include "pins/pins.h"
#include "pins/text_pin.h"

#define TEXT_MAP "elfmap.text" /* bpffs refuses dots, so no pin has this name */

#define MAX_TRIES 8

/* The value is the text with its final NUL. */
static int make(const char *text, int *ret_fd)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, TEXT_MAP, sizeof(__u32), (__u32)strlen(text) + 1, 1, NULL);
	const __u32 key = 0;
	int err;

	if (fd < 0)
		return fd;
	err = bpf_map_update_elem(fd, &key, text, BPF_ANY);
	err = err ?: bpf_map_freeze(fd);
	if (err)
		close(fd);
	else
		*ret_fd = fd;
	return err;
}

/* Another command may replace the same text: each takes the other's staging pin away at most once. */
static int replace(int fd, const char *path, const char *staging, struct elfmap_msg *msg)
{
	int err;

	unlink(staging); /* also left by a command that was killed */
	err = elfmap_pin__add(fd, staging, msg);
	if (err || !rename(staging, path))
		return err;
	err = -errno;
	unlink(staging);
	return elfmap_msg__set(msg, err, "%s: %s", path, strerror(-err));
}

int elfmap_text_pin__write(const char *path, const char *text, struct elfmap_msg *msg)
{
	char staging[PATH_MAX];
	int fd, err = make(text, &fd);

	if (err)
		return elfmap_msg__set(msg, err, "%s: %s", path, strerror(-err));
	if (snprintf(staging, sizeof(staging), "%s~new", path) >= (int)sizeof(staging)) {
		close(fd);
		return elfmap_msg__set(msg, -ENAMETOOLONG, "%s: the path is too long", path);
	}
	err = -ENOENT;
	for (int i = 0; (err == -ENOENT || err == -EEXIST) && i < MAX_TRIES; i++)
		err = replace(fd, path, staging, msg);
	close(fd);
	return err;
}

int elfmap_text_pin__read(const char *path, char **ret_text, struct elfmap_msg *msg)
{
	struct bpf_map_info info;
	const __u32 key = 0;
	char *text;
	int fd, err = elfmap_map__open(path, &fd, &info, msg);

	if (err)
		return err;
	text = info.type == BPF_MAP_TYPE_ARRAY && info.max_entries == 1 && !strcmp(info.name, TEXT_MAP)
		       ? malloc(info.value_size + 1)
		       : NULL;
	err = text ? bpf_map_lookup_elem(fd, &key, text) : -EINVAL;
	close(fd);
	if (err) {
		free(text);
		return elfmap_msg__set(msg, err, "%s: %s", path, err == -EINVAL ? "is not a text" : strerror(-err));
	}
	text[info.value_size] = '\0';
	*ret_text = text;
	return 0;
}
