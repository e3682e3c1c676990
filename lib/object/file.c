// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A file whole in memory: regular files only, copied, so that nobody changes it under our hands. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "object/internal.h"

static int refuse_special(const struct stat *file, struct elfmap_msg *msg)
{
	if (S_ISDIR(file->st_mode))
		return elfmap_msg__set(msg, -EISDIR, "is a directory");
	if (!S_ISREG(file->st_mode))
		return elfmap_msg__set(msg, -EINVAL, "is not a regular file");
	if (file->st_size > ELFMAP_FILE_MAX)
		return elfmap_msg__set(msg, -EFBIG, "has %lld bytes, more than %u MiB", (long long)file->st_size,
				       ELFMAP_FILE_MAX >> 20);
	return 0;
}

int elfmap_file__read_fd(int fd, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg)
{
	size_t size, done = 0;
	struct stat file;
	char *bytes;
	int err;

	if (fstat(fd, &file))
		return elfmap_msg__set(msg, -errno, "%s", strerror(errno));
	err = refuse_special(&file, msg);
	if (err)
		return err;
	size = (size_t)file.st_size;
	bytes = malloc(size ? size : 1);
	if (!bytes)
		return elfmap_msg__set(msg, -ENOMEM, "no memory for %zu bytes", size);
	while (done < size) {
		ssize_t got = pread(fd, bytes + done, size - done, (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			err = elfmap_msg__set(msg, -errno, "%s", strerror(errno));
			free(bytes);
			return err;
		}
		if (!got)
			break; /* it has shrunk since; what is left is judged as it is */
		done += (size_t)got;
	}
	*ret_bytes = bytes;
	*ret_size = done;
	return 0;
}

int elfmap_file__read(const char *path, void **ret_bytes, size_t *ret_size, struct elfmap_msg *msg)
{
	/* O_NONBLOCK: a FIFO must not keep us waiting before we can refuse it. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int err;

	if (fd < 0)
		return elfmap_msg__set(msg, -errno, "%s", strerror(errno));
	err = elfmap_file__read_fd(fd, ret_bytes, ret_size, msg);
	close(fd);
	return err;
}
