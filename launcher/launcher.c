// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The program `elfmap`, also called tc or ip. It runs the system's tc and ip with the preload in front of their
 * libraries, and scripts that call them; for every other verb it executes the command proper. Each start of a tc pays
 * for its start, so it is small and static, built with musl where that is installed, and does only what is needed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/msg.h"
#include "base/path.h"
#include "base/program.h"
#include "launcher/launcher.h"

int complain(const char *object, const char *format, ...)
{
	struct elfmap_msg what;
	char line[ELFMAP_LINE_MAX];
	va_list args;

	va_start(args, format);
	elfmap_msg__print(&what, format, args);
	va_end(args);
	(void)!write(STDERR_FILENO, line,
		     elfmap_msg__line(line, sizeof(line), object, &what)); /* an error here cannot be reported */
	return EXIT_FAILURE;
}

/* EXIT_FAILURE after complaining. */
static int need_libexec(char *ret_path, size_t size)
{
	int err = elfmap_libexec__find(ret_path, size);

	if (!err)
		return EXIT_SUCCESS;
	if (err > 0)
		return complain(ret_path, "is the launcher, not the command; install it again with: make install");
	return *ret_path ? complain(ret_path, "%s; was the command installed with make install?", strerror(-err))
			 : complain("/proc/self/exe", "%s; is /proc mounted?", strerror(-err));
}

/* ---- files that the launcher executes must not be writable by others -------------------------------------- */

/* Called only for files that are not root's, since /proc is slower than a stat() of a file. */
static bool is_owner(uid_t user)
{
	struct stat command;

	return (!stat("/proc/self/exe", &command) || !stat((const char *)getauxval(AT_EXECFN), &command)) &&
	       command.st_uid == user;
}

/* A user who can write the file can run code as the caller, which usually is root. EXIT_FAILURE after complaining. */
static int judge(const char *path, const struct stat *file)
{
	if (file->st_uid != 0 && !is_owner(file->st_uid))
		return complain(path, "belongs neither to root nor to the owner of this command");
	if (file->st_mode & (S_IWGRP | S_IWOTH) && !(S_ISDIR(file->st_mode) && file->st_mode & S_ISVTX) &&
	    !S_ISLNK(file->st_mode))
		return complain(path, "is writable by others than its owner; fix it with: chmod go-w %s", path);
	return EXIT_SUCCESS;
}

/* Judges PATH and all directories above it, since a user who can write to one of them can replace what is below it. If
 * one is a symbolic link, judges its target as well. */
static int judge_path(const char *path)
{
	char at[PATH_MAX], real[PATH_MAX];
	struct stat file;

	for (strcpy(at, path); *at; *strrchr(at, '/') = '\0') {
		if (lstat(at, &file))
			return complain(at, "%s", strerror(errno));
		if (judge(at, &file))
			return EXIT_FAILURE;
		if (!S_ISLNK(file.st_mode))
			continue;
		if (!realpath(at, real))
			return complain(at, "%s", strerror(errno));
		if (judge_path(real))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

/* The path of NAME in the directory LIBEXEC, if only root and the owner of this command can change it. EXIT_FAILURE
 * after complaining. */
static int find_own(const char *libexec, const char *name, char ret_path[PATH_MAX])
{
	if (snprintf(ret_path, PATH_MAX, "%s/%s", libexec, name) >= PATH_MAX)
		return complain(libexec, "%s", strerror(ENAMETOOLONG));
	return judge_path(ret_path);
}

/* Opens the preload once, and judges the opened file. */
static int open_preload(const char *libexec, int *ret_fd)
{
	char path[PATH_MAX];
	struct stat file;
	int fd;

	if (find_own(libexec, "preload.so", path))
		return EXIT_FAILURE;
	fd = open(path, O_RDONLY); /* stays open over exec: the loader opens /proc/self/fd/N */
	if (fd < 0 || fstat(fd, &file))
		return complain(path, "%s", strerror(errno));
	if (judge(path, &file)) {
		close(fd);
		return EXIT_FAILURE;
	}
	*ret_fd = fd;
	return EXIT_SUCCESS;
}

/* LD_PRELOAD is split at spaces and colons; /proc/self/fd/N has neither. The caller's own LD_PRELOAD comes second, and
 * the preload restores it for tc's children (preload/start.c). */
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

/* Puts the directory with the links `tc` and `ip` to this program first in PATH. EXIT_FAILURE after complaining. */
static int put_links_first(const char *libexec)
{
	const char *callers = getenv("PATH");
	char links[PATH_MAX], *path;
	int err;

	if (find_own(libexec, "bin", links))
		return EXIT_FAILURE;
	if (strchr(libexec, ':'))
		return complain(libexec, "a path with a colon cannot stand in PATH");
	if (asprintf(&path, "%s:%s", links, callers ? callers : "/usr/sbin:/usr/bin:/sbin:/bin") < 0)
		return complain(libexec, "no memory");
	err = setenv("PATH", path, 1);
	free(path);
	return err ? complain(libexec, "no memory") : EXIT_SUCCESS;
}

/* `ip netns exec NS tc ...`: tc is a child of ip, and finds this program again in PATH. */
static bool runs_a_command(char **argv)
{
	for (char **at = argv + 1; *at && at[1]; at++)
		if ((!strcmp(*at, "netns") || !strcmp(*at, "vrf")) && !strncmp("exec", at[1], strlen(at[1])))
			return true;
	return false;
}

static int help_program(const char *name, const struct system_program *program, char **argv)
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

/* ---- execution ------------------------------------------------------------------------------------------- */

/* EXIT_FAILURE after complaining. */
static int need_proc(void)
{
	return access("/proc/self/exe", F_OK) ? complain("/proc/self/exe", "%s; is /proc mounted?", strerror(errno))
					      : EXIT_SUCCESS;
}

/* Runs the system's NAME ("tc", "ip") with the words of ARGV. These three return only on failure, with EXIT_FAILURE
 * after complaining. */
static int run_program(const char *name, char **argv)
{
	struct system_program program;
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

/* Runs COMMAND[0], behind a "--" if there is one; `tc` and `ip` in its PATH are this program. */
static int run_script(char **command)
{
	char libexec[PATH_MAX];

	if (!strcmp(command[0], "--"))
		command++;
	if (need_proc() || need_libexec(libexec, sizeof(libexec)) || put_links_first(libexec))
		return EXIT_FAILURE;
	execvp(command[0], command);
	return complain(command[0], "%s", strerror(errno));
}

/* Runs the command proper with all of ARGV. */
static int run_command(char **argv)
{
	char libexec[PATH_MAX], command[PATH_MAX];

	if (need_libexec(libexec, sizeof(libexec)) || find_own(libexec, "elfmap", command))
		return EXIT_FAILURE;
	execv(command, argv);
	return complain(command, "%s", strerror(errno));
}

/* ---- main --------------------------------------------------------------------------------------------------- */

enum door {
	DOOR_COMMAND, /* all other calls: the command proper */
	DOOR_NAME,    /* called as tc or ip */
	DOOR_PROGRAM, /* the first word is tc or ip */
	DOOR_SCRIPT,  /* the first word is exec, and a command follows */
};

static bool is_program(const char *name)
{
	return !strcmp(name, "tc") || !strcmp(name, "ip");
}

/* `exec` without a command asks for help. */
static bool is_command(char **words)
{
	if (words[0] && !strcmp(words[0], "--"))
		return words[1];
	return words[0] && strcmp(words[0], "-h") != 0 && strcmp(words[0], "--help") != 0;
}

/* ARGV may be empty: execve() allows it. */
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
	if (getauxval(AT_SECURE))
		return complain(argc ? argv[0] : "elfmap", ELFMAP_SECURE_TEXT);
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
