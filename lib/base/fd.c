// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Facts about a descriptor from /proc/self. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"

bool elfmap_map__is_map(int fd)
{
	static const char kind[] = "anon_inode:bpf-map";
	char link[32], target[sizeof(kind)];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, target, sizeof(target));
	return length == (ssize_t)strlen(kind) && !memcmp(target, kind, (size_t)length);
}

int elfmap_fdinfo__number(int fd, const char *field)
{
	size_t length = strlen(field);
	char path[40], line[128];
	int value = -1;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info))
		if (!strncmp(line, field, length) && line[length] == ':')
			value = atoi(line + length + 1);
	if (info)
		fclose(info);
	return value;
}

bool elfmap_map__is_frozen(int fd)
{
	return elfmap_fdinfo__number(fd, "frozen") == 1;
}

enum bpf_prog_type elfmap_map__owner(int fd)
{
	int owner = elfmap_fdinfo__number(fd, "owner_prog_type");

	return owner > 0 ? (enum bpf_prog_type)owner : BPF_PROG_TYPE_UNSPEC;
}

int elfmap_map__owner_jited(int fd)
{
	return elfmap_fdinfo__number(fd, "owner_jited");
}
