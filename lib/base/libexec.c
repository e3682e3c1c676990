// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finds the directory with the other files of the command. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/libexec.h"

#define LIBEXEC "/libexec/elfmap"

static void cut_last_name(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/* Without /proc the kernel still says what it was asked to execute. A caller with fewer rights than this program could
 * replace that meanwhile. */
static int find_program(char ret_path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", ret_path, PATH_MAX - 1);
	int err = length < 0 ? -errno : 0;

	if (!err)
		ret_path[length] = '\0';
	else if (!getauxval(AT_SECURE) && realpath((const char *)getauxval(AT_EXECFN), ret_path))
		err = 0;
	return err;
}

int elfmap_libexec__find(char *ret_path, size_t size)
{
	char directory[PATH_MAX];
	int err = find_program(directory);
	ssize_t length;

	*ret_path = '\0';
	if (err)
		return err;
	cut_last_name(directory);
	length = (ssize_t)strlen(directory) - (ssize_t)strlen(LIBEXEC);
	if (length >= 0 && !strcmp(directory + length, LIBEXEC)) {
		snprintf(ret_path, size, "%s", directory);
		return 1;
	}
	snprintf(ret_path, size, "%s" LIBEXEC, directory);
	if (!access(ret_path, F_OK))
		return 0;
	cut_last_name(directory);
	snprintf(ret_path, size, "%s" LIBEXEC, directory);
	return access(ret_path, F_OK) ? -errno : 0;
}
