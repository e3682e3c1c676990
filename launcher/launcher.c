// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program `elfmap`, also called tc or ip. It runs the system's tc and ip and scripts that call them; for every
 * other verb it executes the command proper. Its start is a large part of what a tc costs, so it is small, static,
 * built with musl where that is installed, and needs no library but libc.
 */
#include <stdbool.h>
#include <string.h>

#include "base/path.h"
#include "launcher/front_door.h"

enum door {
	DOOR_COMMAND, /* every other call: the command proper */
	DOOR_NAME,    /* called as tc or ip */
	DOOR_PROGRAM, /* tc or ip is the first word */
	DOOR_SCRIPT,  /* exec is, and a command follows */
};

static bool is_program(const char *name)
{
	return !strcmp(name, "tc") || !strcmp(name, "ip");
}

/* `exec` with nothing to run is a question about exec. */
static bool is_command(char **words)
{
	if (words[0] && !strcmp(words[0], "--"))
		return words[1];
	return words[0] && strcmp(words[0], "-h") != 0 && strcmp(words[0], "--help") != 0;
}

/* ARGV is what execve() was given, which may have no name in it, or nothing at all. */
static enum door find_door(char **argv)
{
	if (!argv[0])
		return DOOR_COMMAND;
	if (is_program(elfmap_path__name(argv[0])))
		return DOOR_NAME;
	if (!argv[1])
		return DOOR_COMMAND;
	if (is_program(argv[1]))
		return DOOR_PROGRAM;
	return !strcmp(argv[1], "exec") && is_command(argv + 2) ? DOOR_SCRIPT : DOOR_COMMAND;
}

int main(int argc, char **argv)
{
	(void)argc;
	switch (find_door(argv)) {
	case DOOR_NAME:
		return run_program(elfmap_path__name(argv[0]), argv);
	case DOOR_PROGRAM:
		return run_program(argv[1], argv + 1);
	case DOOR_SCRIPT:
		return run_script(argv + 2);
	case DOOR_COMMAND:
		break;
	}
	return run_command(argv);
}
