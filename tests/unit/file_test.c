// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading files into memory: complete regular files, and nothing else; and the SHA-1 of their contents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfmap.h"

static char directory[] = "/tmp/elfmap-file-XXXXXX";
static char path[64];

static int setup(void **state)
{
	(void)state;
	return mkdtemp(directory) ? snprintf(path, sizeof(path), "%s/file", directory) < 0 : -1;
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return rmdir(directory);
}

static int open_file(const void *bytes, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	return fd;
}

static void assert_fails(int expected, const char *text)
{
	struct elfmap_msg msg = {};
	void *bytes = NULL;
	size_t size = 7;

	assert_int_equal(elfmap_file__read(path, &bytes, &size, &msg), expected);
	assert_string_equal(msg.text, text);
	assert_null(bytes);
	assert_int_equal(size, 7);
}

/* ---- files that are read ------------------------------------------------------------------------------------ */

static void test_whole(void **state)
{
	static const char text[] = "all\0of it";
	struct elfmap_msg msg;
	void *bytes;
	size_t size;

	(void)state;
	close(open_file(text, sizeof(text)));
	assert_int_equal(elfmap_file__read(path, &bytes, &size, &msg), 0);
	assert_int_equal(size, sizeof(text));
	assert_memory_equal(bytes, text, size);
	free(bytes);
}

static void test_from_the_start(void **state)
{
	struct elfmap_msg msg;
	void *bytes;
	size_t size;
	int fd;

	(void)state;
	fd = open_file("0123456789", 10);
	assert_int_equal(lseek(fd, 4, SEEK_SET), 4);
	assert_int_equal(elfmap_file__read_fd(fd, &bytes, &size, &msg), 0);
	assert_int_equal(size, 10);
	assert_memory_equal(bytes, "0123456789", 10);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 4);
	free(bytes);
	close(fd);
}

static void test_empty(void **state)
{
	struct elfmap_msg msg;
	void *bytes;
	size_t size;

	(void)state;
	close(open_file("", 0));
	assert_int_equal(elfmap_file__read(path, &bytes, &size, &msg), 0);
	assert_int_equal(size, 0);
	free(bytes);
}

/* A sparse file: 256 MiB are read, one byte more is refused. */
static void test_largest(void **state)
{
	struct elfmap_msg msg;
	void *bytes;
	size_t size;
	int fd;

	(void)state;
	fd = open_file("", 0);
	assert_int_equal(ftruncate(fd, ELFMAP_FILE_MAX), 0);
	assert_int_equal(elfmap_file__read(path, &bytes, &size, &msg), 0);
	assert_int_equal(size, ELFMAP_FILE_MAX);
	free(bytes);
	assert_int_equal(ftruncate(fd, (off_t)ELFMAP_FILE_MAX + 1), 0);
	assert_fails(-EFBIG, "has 268435457 bytes, more than 256 MiB");
	close(fd);
}

/* ---- files that are refused --------------------------------------------------------------------------------- */

static void test_missing(void **state)
{
	(void)state;
	assert_fails(-ENOENT, "No such file or directory");
}

static void test_directory(void **state)
{
	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_fails(-EISDIR, "is a directory");
	assert_int_equal(rmdir(path), 0);
}

/* Opening a FIFO without a writer would block. */
static void test_fifo(void **state)
{
	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_fails(-EINVAL, "is not a regular file");
}

static void test_device(void **state)
{
	(void)state;
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_fails(-EINVAL, "is not a regular file");
}

static void test_not_readable(void **state)
{
	struct elfmap_msg msg = {};
	void *bytes = NULL;
	size_t size;
	int fd;

	(void)state;
	close(open_file("x", 1));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(elfmap_file__read_fd(fd, &bytes, &size, &msg), -EBADF);
	assert_string_equal(msg.text, "Bad file descriptor");
	assert_null(bytes);
	close(fd);
	assert_int_equal(elfmap_file__read_fd(fd, &bytes, &size, &msg), -EBADF);
}

/* ---- SHA-1: vectors of the standard, and coreutils ---------------------------------------------------- */

static void assert_sha1(const void *bytes, size_t size, const char *expected)
{
	char hex[41];

	elfmap_sha1(bytes, size, hex);
	assert_string_equal(hex, expected);
}

static void test_sha1_known(void **state)
{
	static const char long_text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
	char *million = malloc(1000000);

	(void)state;
	assert_non_null(million);
	memset(million, 'a', 1000000);
	assert_sha1("", 0, "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	assert_sha1("abc", 3, "a9993e364706816aba3e25717850c26c9cd0d89d");
	assert_sha1(long_text, sizeof(long_text) - 1, "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
	assert_sha1(million, 1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
	free(million);
}

/* Every position of the end within a block, compared with sha1sum. */
static void test_sha1_every_length(void **state)
{
	char command[128], expected[41];
	unsigned char bytes[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 7);
	snprintf(command, sizeof(command), "sha1sum %s", path);
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		FILE *sum;

		close(open_file(bytes, size));
		sum = popen(command, "re");
		assert_non_null(sum);
		assert_int_equal(fread(expected, 1, 40, sum), 40);
		expected[40] = '\0';
		assert_int_equal(pclose(sum), 0);
		assert_sha1(bytes, size, expected);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, remove_file)
	const struct CMUnitTest tests[] = {
		TEST(test_whole),
		TEST(test_from_the_start),
		TEST(test_empty),
		TEST(test_largest),
		TEST(test_missing),
		TEST(test_directory),
		TEST(test_fifo),
		TEST(test_device),
		TEST(test_not_readable),
		TEST(test_sha1_known),
		TEST(test_sha1_every_length),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
