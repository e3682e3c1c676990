// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Measures the peak memory of a command, for tests of its limit.
 *
 *   peak COMMAND [ARG ...]      prints KiB on stderr, in a separate line; exits with the command's status
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct rusage usage;
	int status, err;
	pid_t pid;

	if (argc < 2) {
		fputs("usage: peak COMMAND [ARG ...]\n", stderr);
		return 2;
	}
	err = posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ);
	if (err || wait4(pid, &status, 0, &usage) < 0) {
		fprintf(stderr, "peak: %s: %s\n", argv[1], strerror(err ?: errno));
		return 2;
	}
	fprintf(stderr, "%ld\n", usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}
