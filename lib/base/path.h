/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names that objects, pins and filters take from the path of their file. */
#ifndef ELFMAP_PATH_H
#define ELFMAP_PATH_H

#include <stdio.h>
#include <string.h>

/* The part after the last slash; all of PATH without a slash. (libc's basename() is another function
 * in each libc, and may write into the path.) */
static inline const char *elfmap_path__name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The name that libbpf makes of an object's path, and names its maps of global data after: the former up
 * to its first dot. */
static inline void elfmap_path__object_name(const char *path, char *ret_name, size_t size)
{
	snprintf(ret_name, size, "%s", elfmap_path__name(path));
	ret_name[strcspn(ret_name, ".")] = '\0';
}

#endif
