// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The front doors `elfmap tc`, `elfmap ip` and `elfmap exec`: the system's own programs with the
 * preload in front of their libraries. Every use of tc pays for what happens here, so nothing does
 * that need not.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher.h"
#include "program.h"
#include "tc_bpffs.h"

static int find_own_directory(char *path, size_t size)
{
	ssize_t length = readlink("/proc/self/exe", path, size - 1);

	if (length < 0)
		return -errno;
	path[length] = '\0';
	*strrchr(path, '/') = '\0';
	return 0;
}

int find_libexec(char *path, size_t size)
{
	char directory[PATH_MAX / 2];

	if (find_own_directory(directory, sizeof(directory)))
		return complain("/proc/self/exe", "%s; is /proc mounted?", strerror(errno));
	snprintf(path, size, "%s/libexec/elfmap", directory);
	if (!access(path, F_OK))
		return EXIT_SUCCESS;
	snprintf(path, size, "%s/../libexec/elfmap", directory);
	if (!access(path, F_OK))
		return EXIT_SUCCESS;
	return complain(path, "%s; was the command installed with make install?", strerror(errno));
}

/* ---- the preload: opened once, judged by what was opened ------------------------------------------------ */

/* Whoever can write it runs code as whoever calls tc, mostly root. */
static const char *judge(const struct stat *file, uid_t owner)
{
	if (file->st_uid != 0 && file->st_uid != owner)
		return "belongs neither to root nor to the owner of this command";
	if (file->st_mode & (S_IWGRP | S_IWOTH) && !(S_ISDIR(file->st_mode) && file->st_mode & S_ISVTX))
		return "can be written by others than its owner; mend it with: chmod go-w";
	return NULL;
}

/* Every folder on the way to it: whoever can rename there can put another file in its place. */
static int judge_folders(const char *path, uid_t owner)
{
	char folder[PATH_MAX];
	struct stat file;

	if (!realpath(path, folder))
		return complain(path, "%s", strerror(errno));
	for (char *end; (end = strrchr(folder, '/')); *end = '\0') {
		const char *fault;

		if (end == folder)
			break;
		*end = '\0';
		fault = stat(folder, &file) ? strerror(errno) : judge(&file, owner);
		if (fault)
			return complain(folder, "folder of the preload: %s %s", fault,
					strstr(fault, "chmod") ? folder : "");
		*end = '/';
	}
	return EXIT_SUCCESS;
}

static int open_preload(const char *libexec, int *ret_fd)
{
	struct stat file, command;
	char path[PATH_MAX + 32];
	const char *fault;
	int fd;

	snprintf(path, sizeof(path), "%s/preload.so", libexec);
	if (stat("/proc/self/exe", &command))
		return complain("/proc/self/exe", "%s", strerror(errno));
	if (judge_folders(path, command.st_uid))
		return EXIT_FAILURE;
	fd = open(path, O_RDONLY); /* stays open over exec: the loader opens /proc/self/fd/N */
	if (fd < 0 || fstat(fd, &file))
		return complain(path, "%s", strerror(errno));
	fault = judge(&file, command.st_uid);
	if (fault) {
		close(fd);
		return complain(path, "%s%s%s", fault, strstr(fault, "chmod") ? " " : "",
				strstr(fault, "chmod") ? path : "");
	}
	*ret_fd = fd;
	return EXIT_SUCCESS;
}

/* LD_PRELOAD splits at spaces and colons, /proc/self/fd/N has neither. The caller's own comes after
 * ours, and alone into the environment of tc's children (preload/preload.c: start()). */
static int set_environment(int fd)
{
	const char *callers = getenv("LD_PRELOAD");
	char number[16], *ours;

	snprintf(number, sizeof(number), "%d", fd);
	if (asprintf(&ours, "/proc/self/fd/%d%s%s", fd, callers ? " " : "", callers ? callers : "") < 0)
		return -ENOMEM;
	if (setenv("ELFMAP_PRELOAD_FD", number, 1) || setenv("ELFMAP_LD_PRELOAD", callers ? callers : "", 1) ||
	    setenv("LD_PRELOAD", ours, 1)) {
		free(ours);
		return -ENOMEM;
	}
	free(ours);
	return 0;
}

/* A folder with our links `tc` and `ip` before everything else in PATH. */
static int put_links_first(const char *libexec)
{
	const char *callers = getenv("PATH");
	char *path;
	int err;

	if (asprintf(&path, "%s/bin:%s", libexec, callers ? callers : "/usr/sbin:/usr/bin:/sbin:/bin") < 0)
		return -ENOMEM;
	err = setenv("PATH", path, 1);
	free(path);
	return err;
}

/* `ip netns exec NS tc …`: the tc that is meant is ip's child, and finds us again by its name. */
static bool runs_a_command(char **argv)
{
	for (char **at = argv + 1; *at && at[1]; at++)
		if ((!strcmp(*at, "netns") || !strcmp(*at, "vrf")) && !strncmp("exec", at[1], strlen(at[1])))
			return true;
	return false;
}

static int help_program(const struct program *program, char **argv)
{
	char libexec[PATH_MAX];
	int fd = -1, status;

	switch (program->help) {
	case HELP_NONE:
		return EXIT_SUCCESS;
	case HELP_IMPOSSIBLE:
		return complain(program->path,
				"is statically linked with a libbpf that refuses legacy objects, and cannot be helped; "
				"convert the object: elfmap convert FILE OUT --for tc");
	case HELP_PRELOAD:
		break;
	}
	status = find_libexec(libexec, sizeof(libexec));
	if (status)
		return status;
	if (runs_a_command(argv) && put_links_first(libexec))
		return complain(program->path, "no memory");
	status = open_preload(libexec, &fd);
	if (!status)
		status = tc_bpffs__prepare(argv);
	if (status)
		return status;
	return set_environment(fd) ? complain(program->path, "no memory") : EXIT_SUCCESS;
}

/* ---- the doors ------------------------------------------------------------------------------------------- */

int run_program(const char *name, char **argv)
{
	struct program program;
	int status;

	if (access("/proc/self/exe", F_OK))
		return complain("/proc/self/exe", "%s; is /proc mounted?", strerror(errno));
	if (program__find(name, &program))
		return complain(name, "not found in PATH, /sbin and /usr/sbin; it is in the package iproute2");
	status = help_program(&program, argv);
	if (status)
		return status;
	argv[0] = program.path;
	execv(program.path, argv);
	return complain(program.path, "%s", strerror(errno));
}

int run_script(char **argv)
{
	char libexec[PATH_MAX];

	if (!strcmp(argv[1], "--"))
		argv++;
	if (!argv[1])
		return EXIT_USAGE;
	if (find_libexec(libexec, sizeof(libexec)))
		return EXIT_FAILURE;
	if (put_links_first(libexec))
		return complain(argv[1], "no memory");
	execvp(argv[1], argv + 1);
	return complain(argv[1], "%s", strerror(errno));
}
