// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Notes of pins, as symbolic links: one system call, and they end with the pins. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pins/made.h"

bool elfmap_made__is_object_dir(const char *name)
{
	size_t digits = 0;

	while (isxdigit((unsigned char)name[digits]))
		digits++;
	return digits == ELFMAP_SHA1_DIGITS && (!name[digits] || name[digits] == '/');
}

/* The path of tc/ above PATH, and where its part below that starts; false: the pin is not noted. */
static bool split(const char *path, char tc_dir[PATH_MAX], const char **ret_below)
{
	for (const char *at = strstr(path, "/tc/"); at; at = strstr(at + 1, "/tc/")) {
		const char *below = at + strlen("/tc/");

		if (!strchr(below, '/') ||
		    (strncmp(below, "progs/", strlen("progs/")) != 0 && !elfmap_made__is_object_dir(below)))
			continue;
		if (snprintf(tc_dir, PATH_MAX, "%.*s", (int)(below - 1 - path), path) >= PATH_MAX)
			return false;
		*ret_below = below;
		return true;
	}
	return false;
}

/* Names of pins have no dots, so that only slashes need an escape. */
static bool note_path(const char *tc_dir, const char *below, char note[PATH_MAX])
{
	size_t used = (size_t)snprintf(note, PATH_MAX, "%s/" ELFMAP_MADE, tc_dir);

	for (; *below && used + sizeof("%2F") <= PATH_MAX; below++)
		used += (size_t)sprintf(note + used, *below == '/' ? "%%2F" : "%c", *below);
	return !*below;
}

void elfmap_made__note(const char *path, __u32 id)
{
	char tc_dir[PATH_MAX], note[PATH_MAX], text[16];
	const char *below;

	if (!split(path, tc_dir, &below) || !note_path(tc_dir, below, note))
		return;
	snprintf(text, sizeof(text), "%u", id);
	unlink(note);
	if (symlink(text, note))
		return; /* the pin is kept */
}

bool elfmap_made__has(const char *tc_dir, const char *path, __u32 id)
{
	char note[PATH_MAX], text[16];
	size_t length = strlen(tc_dir);
	unsigned long noted;
	ssize_t size;

	if (strncmp(path, tc_dir, length) != 0 || path[length] != '/' || !note_path(tc_dir, path + length + 1, note))
		return false;
	size = readlink(note, text, sizeof(text) - 1);
	if (size <= 0)
		return false;
	text[size] = '\0';
	noted = strtoul(text, NULL, 10);
	return !noted || noted == id;
}

void elfmap_made__forget(const char *tc_dir, const char *path)
{
	size_t length = strlen(tc_dir);
	char note[PATH_MAX];

	if (!strncmp(path, tc_dir, length) && path[length] == '/' && note_path(tc_dir, path + length + 1, note))
		unlink(note);
}

bool elfmap_made__pin_path(const char *tc_dir, const char *name, char *ret_path, size_t size)
{
	size_t used = (size_t)snprintf(ret_path, size, "%s/", tc_dir);

	if (strncmp(name, ELFMAP_MADE, strlen(ELFMAP_MADE)) != 0)
		return false;
	for (name += strlen(ELFMAP_MADE); *name && used + 1 < size; used++) {
		bool slash = !strncmp(name, "%2F", 3);

		ret_path[used] = slash ? '/' : *name;
		name += slash ? 3 : 1;
	}
	ret_path[used < size ? used : size - 1] = '\0';
	return true;
}
