// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which door: by the name we are called by, or by the first word; everything else are the verbs. */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"
#include "msg.h"

int complain(const char *object, const char *format, ...)
{
	va_list args;

	struct elfmap_msg what, line;

	va_start(args, format);
	elfmap_msg__print(&what, format, args);
	va_end(args);
	elfmap_msg__set(&line, 0, "elfmap: %s: %s", object, what.text);
	fprintf(stderr, "%s\n", line.text);
	return EXIT_FAILURE;
}

static int run_verbs(char **argv)
{
	char path[PATH_MAX];
	size_t length;

	if (find_libexec(path, sizeof(path)))
		return EXIT_FAILURE;
	length = strlen(path);
	snprintf(path + length, sizeof(path) - length, "/elfmap-verbs");
	execv(path, argv);
	return complain(path, "%s", strerror(errno));
}

static const char *base_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path : "";
}

static int is_program(const char *name)
{
	return !strcmp(name, "tc") || !strcmp(name, "ip");
}

int main(int argc, char **argv)
{
	const char *name = base_name(argv[0]);

	if (is_program(name))
		return run_program(name, argv);
	if (argc > 1 && is_program(argv[1]))
		return run_program(argv[1], argv + 1);
	if (argc > 2 && !strcmp(argv[1], "exec") && strcmp(argv[2], "-h") != 0 && strcmp(argv[2], "--help") != 0) {
		int status = run_script(argv + 1);

		if (status != EXIT_USAGE)
			return status;
	}
	return run_verbs(argv);
}
