// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The programs that the launcher executes: the system's tc and ip with the preload in front of their libraries,
 * scripts that call them, and the command proper. Every use of tc pays for what happens here, so nothing is done
 * that is not needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/libexec.h"
#include "base/program.h"
#include "launcher/complain.h"
#include "launcher/front_door.h"
#include "launcher/tc_bpffs.h"

/* EXIT_FAILURE after complaining. */
static int need_libexec(char *ret_path, size_t size)
{
	int err = elfmap_libexec__find(ret_path, size);

	if (!err)
		return EXIT_SUCCESS;
	return *ret_path ? complain(ret_path, "%s; was the command installed with make install?", strerror(-err))
			 : complain("/proc/self/exe", "%s; is /proc mounted?", strerror(-err));
}

/* ---- what is ours: opened once, judged by what was opened ------------------------------------------------- */

/* Who can write it runs code as the caller of tc, who is root in most cases. EXIT_FAILURE after complaining. */
static int judge(const char *path, const struct stat *file, uid_t owner)
{
	if (file->st_uid != 0 && file->st_uid != owner)
		return complain(path, "belongs neither to root nor to the owner of this command");
	if (file->st_mode & (S_IWGRP | S_IWOTH) && !(S_ISDIR(file->st_mode) && file->st_mode & S_ISVTX))
		return complain(path, "can be written by others than its owner; mend it with: chmod go-w %s", path);
	return EXIT_SUCCESS;
}

/* Every folder on the way to the file REAL: who can rename in one of them can replace what is below it. */
static int judge_folders(const char *real, uid_t owner)
{
	char folder[PATH_MAX];
	struct stat file;
	char *end;

	strcpy(folder, real);
	while ((end = strrchr(folder, '/')) != NULL && end != folder) {
		*end = '\0';
		if (stat(folder, &file))
			return complain(folder, "%s", strerror(errno));
		if (judge(folder, &file, owner))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* A file or folder of ours. */
struct own {
	int fd;
	char path[PATH_MAX]; /* as it is called in messages */
	char real[PATH_MAX];
};

/* The path of what was opened takes one system call; realpath() takes one a folder, and is for a system without /proc.
 */
static int find_real(struct own *own)
{
	char link[32];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", own->fd);
	length = readlink(link, own->real, sizeof(own->real) - 1);
	if (length >= 0)
		own->real[length] = '\0';
	else if (!realpath(own->path, own->real))
		return complain(own->path, "%s", strerror(errno));
	return EXIT_SUCCESS;
}

static int judge_own(const struct own *own)
{
	struct stat command, file;

	if ((stat("/proc/self/exe", &command) && stat((const char *)getauxval(AT_EXECFN), &command)) ||
	    fstat(own->fd, &file))
		return complain(own->path, "%s", strerror(errno));
	if (command.st_dev == file.st_dev && command.st_ino == file.st_ino)
		return complain(own->path, "is the launcher; install the command again with: make install");
	return judge_folders(own->real, command.st_uid) || judge(own->path, &file, command.st_uid) ? EXIT_FAILURE
												   : EXIT_SUCCESS;
}

/* Opens NAME in the directory LIBEXEC with FLAGS if nobody but root and the owner of this command can change it.
 * RET_OWN->fd is the caller's. EXIT_FAILURE after complaining. */
static int open_own(const char *libexec, const char *name, int flags, struct own *ret_own)
{
	if (snprintf(ret_own->path, sizeof(ret_own->path), "%s/%s", libexec, name) >= (int)sizeof(ret_own->path))
		return complain(libexec, "%s", strerror(ENAMETOOLONG));
	ret_own->fd = open(ret_own->path, flags);
	if (ret_own->fd < 0)
		return complain(ret_own->path, "%s", strerror(errno));
	if (!find_real(ret_own) && !judge_own(ret_own))
		return EXIT_SUCCESS;
	close(ret_own->fd);
	return EXIT_FAILURE;
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
	struct own links;
	char *path;
	int err;

	if (open_own(libexec, "bin", O_PATH | O_DIRECTORY | O_CLOEXEC, &links))
		return EXIT_FAILURE;
	close(links.fd);
	if (strchr(libexec, ':'))
		return complain(libexec, "a path with a colon cannot stand in PATH");
	if (asprintf(&path, "%s:%s", links.path, callers ? callers : "/usr/sbin:/usr/bin:/sbin:/bin") < 0)
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
	struct own preload;
	int status;

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
	/* It stays open over exec: the loader opens /proc/self/fd/N. */
	if (open_own(libexec, "preload.so", O_RDONLY, &preload))
		return EXIT_FAILURE;
	status = tc_bpffs__prepare(name, argv);
	if (status)
		return status;
	return set_environment(preload.fd) ? complain(program->path, "no memory") : EXIT_SUCCESS;
}

/* ---- the doors ------------------------------------------------------------------------------------------- */

/* EXIT_FAILURE after complaining. */
static int need_proc(void)
{
	return access("/proc/self/exe", F_OK) ? complain("/proc/self/exe", "%s; is /proc mounted?", strerror(errno))
					      : EXIT_SUCCESS;
}

int run_program(const char *name, char **argv)
{
	struct program program;
	int status;

	if (need_proc())
		return EXIT_FAILURE;
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
	if (need_proc() || need_libexec(libexec, sizeof(libexec)) || put_links_first(libexec))
		return EXIT_FAILURE;
	execvp(command[0], command);
	return complain(command[0], "%s", strerror(errno));
}

int run_command(char **argv)
{
	char libexec[PATH_MAX];
	struct own command;

	if (need_libexec(libexec, sizeof(libexec)) || open_own(libexec, "elfmap", O_PATH | O_CLOEXEC, &command))
		return EXIT_FAILURE;
	execv(command.real, argv);
	return complain(command.path, "%s", strerror(errno));
}
