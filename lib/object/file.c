// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A file whole in memory: regular files only, copied, so that it does not change while it is read. And its SHA-1,
 * because tc names the directory of PIN_OBJECT_NS by it; not for security. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
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

/* ---- SHA-1 (FIPS 180-4) --------------------------------------------------------------------------------- */

#define BLOCK 64

static uint32_t rotate(uint32_t word, unsigned int by)
{
	return word << by | word >> (32 - by);
}

static void add_block(uint32_t state[5], const unsigned char *block)
{
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], words[80];

	for (int i = 0; i < 16; i++)
		words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
			   (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
	for (int i = 16; i < 80; i++)
		words[i] = rotate(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], 1);
	for (int i = 0; i < 80; i++) {
		static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
		uint32_t mix = i < 20		   ? (b & c) | (~b & d)
			       : i >= 40 && i < 60 ? (b & c) | (b & d) | (c & d)
						   : b ^ c ^ d;
		uint32_t next = rotate(a, 5) + mix + e + constants[i / 20] + words[i];

		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void elfmap_sha1(const void *bytes, size_t size, char ret_hex[41])
{
	uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	unsigned char tail[2 * BLOCK] = {};
	size_t whole = size / BLOCK * BLOCK, rest = size - whole, padded = rest < BLOCK - 8 ? BLOCK : sizeof(tail);

	for (size_t at = 0; at < whole; at += BLOCK)
		add_block(state, (const unsigned char *)bytes + at);
	if (rest)
		memcpy(tail, (const unsigned char *)bytes + whole, rest);
	tail[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		tail[padded - 1 - i] = (unsigned char)((uint64_t)size * 8 >> 8 * i);
	for (size_t at = 0; at < padded; at += BLOCK)
		add_block(state, tail + at);
	for (int i = 0; i < 5; i++)
		snprintf(ret_hex + 8 * i, 9, "%08x", state[i]);
}
