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

#include "base/program.h"
#include "launcher/complain.h"
#include "launcher/front_door.h"
#include "launcher/tc_bpffs.h"

int find_libexec(char *ret_path, size_t size)
{
	char directory[PATH_MAX / 2];
	ssize_t length = readlink("/proc/self/exe", directory, sizeof(directory) - 1);

	*ret_path = '\0';
	if (length < 0)
		return -errno;
	directory[length] = '\0';
	*strrchr(directory, '/') = '\0';
	snprintf(ret_path, size, "%s/libexec/elfmap", directory);
	if (!access(ret_path, F_OK))
		return 0;
	snprintf(ret_path, size, "%s/../libexec/elfmap", directory);
	return access(ret_path, F_OK) ? -errno : 0;
}

/* EXIT_FAILURE after complaining. */
static int need_libexec(char *ret_path, size_t size)
{
	int err = find_libexec(ret_path, size);

	if (!err)
		return EXIT_SUCCESS;
	return *ret_path ? complain(ret_path, "%s; was the command installed with make install?", strerror(-err))
			 : complain("/proc/self/exe", "%s; is /proc mounted?", strerror(-err));
}

/* ---- the preload: opened once, judged by what was opened ------------------------------------------------ */

/* Whoever can write it runs code as whoever calls tc, mostly root. EXIT_FAILURE after complaining. */
static int judge(const char *path, const struct stat *file, uid_t owner)
{
	if (file->st_uid != 0 && file->st_uid != owner)
		return complain(path, "belongs neither to root nor to the owner of this command");
	if (file->st_mode & (S_IWGRP | S_IWOTH) && !(S_ISDIR(file->st_mode) && file->st_mode & S_ISVTX))
		return complain(path, "can be written by others than its owner; mend it with: chmod go-w %s", path);
	return EXIT_SUCCESS;
}

/* Every folder on the way to it: whoever can rename there can put another file in its place. RET_REAL
 * is the path that was judged. */
static int judge_folders(const char *path, uid_t owner, char *ret_real)
{
	char folder[PATH_MAX];
	struct stat file;
	char *end;

	if (!realpath(path, ret_real))
		return complain(path, "%s", strerror(errno));
	snprintf(folder, sizeof(folder), "%s", ret_real);
	while ((end = strrchr(folder, '/')) != NULL && end != folder) {
		*end = '\0';
		if (stat(folder, &file))
			return complain(folder, "%s", strerror(errno));
		if (judge(folder, &file, owner))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

static int find_owner(uid_t *ret_owner)
{
	struct stat command;

	if (stat("/proc/self/exe", &command))
		return complain("/proc/self/exe", "%s; is /proc mounted?", strerror(errno));
	*ret_owner = command.st_uid;
	return EXIT_SUCCESS;
}

static int open_preload(const char *libexec, int *ret_fd)
{
	char path[PATH_MAX + 32], real[PATH_MAX];
	struct stat file;
	uid_t owner = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/preload.so", libexec);
	if (find_owner(&owner) || judge_folders(path, owner, real))
		return EXIT_FAILURE;
	fd = open(real, O_RDONLY); /* stays open over exec: the loader opens /proc/self/fd/N */
	if (fd < 0 || fstat(fd, &file))
		return complain(path, "%s", strerror(errno));
	if (judge(path, &file, owner)) {
		close(fd);
		return EXIT_FAILURE;
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

/* A folder with our links `tc` and `ip` before everything else in PATH. EXIT_FAILURE after
 * complaining. */
static int put_links_first(const char *libexec)
{
	const char *callers = getenv("PATH");
	char links[PATH_MAX + 32], real[PATH_MAX], *path;
	struct stat folder;
	uid_t owner = 0;
	int err;

	snprintf(links, sizeof(links), "%s/bin", libexec);
	if (stat(links, &folder))
		return complain(links, "%s", strerror(errno));
	if (find_owner(&owner) || judge_folders(links, owner, real) || judge(links, &folder, owner))
		return EXIT_FAILURE;
	if (strchr(libexec, ':'))
		return complain(libexec, "a path with a colon cannot stand in PATH");
	if (asprintf(&path, "%s:%s", links, callers ? callers : "/usr/sbin:/usr/bin:/sbin:/bin") < 0)
		return complain(libexec, "no memory");
	err = setenv("PATH", path, 1);
	free(path);
	return err ? complain(libexec, "no memory") : EXIT_SUCCESS;
}

/* `ip netns exec NS tc …`: the tc that is meant is ip's child, and finds us again by its name. */
static bool runs_a_command(char **argv)
{
	for (char **at = argv + 1; *at && at[1]; at++)
		if ((!strcmp(*at, "netns") || !strcmp(*at, "vrf")) && !strncmp("exec", at[1], strlen(at[1])))
			return true;
	return false;
}

static int help_program(const char *name, const struct program *program, char **argv)
{
	static const char *const stale[] = {"ELFMAP_PRELOAD_FD", "ELFMAP_LD_PRELOAD", "ELFMAP_BPF_MNT",
					    "ELFMAP_BPF_SHOWN"};
	char libexec[PATH_MAX];
	int fd = -1, status;

	for (size_t i = 0; i < sizeof(stale) / sizeof(*stale); i++)
		unsetenv(stale[i]);
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
	if (need_libexec(libexec, sizeof(libexec)))
		return EXIT_FAILURE;
	if (runs_a_command(argv) && put_links_first(libexec))
		return EXIT_FAILURE;
	status = open_preload(libexec, &fd);
	if (!status)
		status = tc_bpffs__prepare(name, argv);
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
	status = help_program(name, &program, argv);
	if (status)
		return status;
	argv[0] = program.path;
	if (program.is_script ? setenv(IN_SCRIPT, "1", 1) : unsetenv(IN_SCRIPT))
		return complain(program.path, "no memory");
	execv(program.path, argv);
	return complain(program.path, "%s", strerror(errno));
}

int run_script(char **command)
{
	char libexec[PATH_MAX];

	if (!strcmp(command[0], "--"))
		command++;
	if (need_libexec(libexec, sizeof(libexec)) || put_links_first(libexec))
		return EXIT_FAILURE;
	execvp(command[0], command);
	return complain(command[0], "%s", strerror(errno));
}
