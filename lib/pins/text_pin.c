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
#include "pins/frozen.h"
#include "pins/pin_change.h"
#include "pins/pins.h"
#include "pins/text_pin.h"

#define TEXT_MAP "elfmap.text" /* its value is the text with its final NUL */

#define MAX_TRIES 8

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
	int err, fd = elfmap_frozen__make(TEXT_MAP, text, strlen(text) + 1, 0);
	char staging[PATH_MAX];

	if (fd < 0)
		return elfmap_msg__set(msg, fd, "%s: %s", path, strerror(-fd));
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
	text = elfmap_frozen__is(&info, TEXT_MAP) ? malloc(info.value_size + 1) : NULL;
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
