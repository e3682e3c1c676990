/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The system's own tc or ip: where it is, and whether it needs and can take our help. And the directory with the other
 * files of this command: the command proper, the preload, the links tc and ip. */
#ifndef ELFMAP_PROGRAM_H
#define ELFMAP_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct system_program {
	char path[PATH_MAX];
	enum {
		HELP_NONE,	 /* no libbpf, or 0.x: it reads legacy objects itself */
		HELP_PRELOAD,	 /* linked with libbpf.so.1 or later */
		HELP_IMPOSSIBLE, /* libbpf >= 1.0 is inside; no preload reaches it */
	} help;
	bool is_script; /* that may call us again, by our name or by its own */
};

/* Set while a script named tc or ip runs that was found: if it comes back to us, it means the program
 * behind it. */
#define IN_SCRIPT "ELFMAP_IN_SCRIPT"

/* Finds NAME in PATH, then in /sbin and /usr/sbin, except this command itself
 * and the script that we were called from, and reads its file. -ENOENT: not found. */
int program__find(const char *name, struct system_program *ret_program);

/* libexec/elfmap in the directory of this program (build tree), or in the directory above (installed). 1 if this
 * program is in that directory itself. A negative errno if it does not exist; RET_PATH is then where it is expected
 * when installed, or "" if this program cannot be found: it is setuid, and /proc is not mounted. */
int elfmap_libexec__find(char *ret_path, size_t size);

/* Why a process with AT_SECURE ends: it would load programs, and run scripts and tc, with rights that its caller lacks.
 */
#define ELFMAP_SECURE_TEXT \
	"refused, since it is setuid or setgid, or has file capabilities; 'sudo elfmap ...' runs it as root"

#endif
