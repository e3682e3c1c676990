// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What a pipeline depends on: tc and the preload, the bpf file system, the kernel's settings. */
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/program.h"
#include "helpers/doctor/doctor.h"
#include "pins/bpffs.h"
#include "pins/trust.h"

/* ---- tc ---------------------------------------------------------------------------------------------------- */

/* The first line that PROGRAM or its linker prints on stderr when it is started with the preload. */
static int try_preload(const char *program, const char *preload, char *message, size_t size)
{
	char variable[PATH_MAX + 32], name[] = "tc", version[] = "-V";
	char *argv[] = {name, version, NULL}, *environment[] = {variable, NULL};
	posix_spawn_file_actions_t actions;
	int err, pipes[2];
	ssize_t length = 0;
	pid_t pid;

	snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", preload);
	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], STDERR_FILENO);
	err = -posix_spawn(&pid, program, &actions, NULL, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	close(pipes[1]);
	if (!err) {
		length = read(pipes[0], message, size - 1);
		waitpid(pid, NULL, 0);
	}
	close(pipes[0]);
	message[length < 0 ? 0 : length] = '\0';
	message[strcspn(message, "\n")] = '\0';
	return err;
}

static int check_preload(struct doctor *doctor, const char *tc)
{
	char libexec[PATH_MAX], preload[PATH_MAX + 16], message[256] = "";
	struct stat file;
	int err;

	elfmap_libexec__find(libexec, sizeof(libexec)); /* on failure: where it should be */
	snprintf(preload, sizeof(preload), "%s/preload.so", libexec);
	if (stat(preload, &file))
		return doctor__find(doctor, GRAVE, "make install",
				    "%s: %s: without it 'elfmap tc' cannot load legacy objects", preload,
				    strerror(errno));
	if ((file.st_mode & 022) || (file.st_uid && file.st_uid != geteuid()))
		return doctor__find(doctor, GRAVE, NULL,
				    "%s is writable by others than root: 'elfmap tc' does not use it", preload);
	err = try_preload(tc, preload, message, sizeof(message));
	if (err)
		return doctor__find(doctor, GRAVE, NULL, "%s cannot be started: %s", tc, strerror(-err));
	return *message ? doctor__find(doctor, GRAVE, NULL, "%s cannot load the preload: %s", tc, message) : 0;
}

int doctor_tc(struct doctor *doctor)
{
	struct system_program tc;

	if (program__find("tc", &tc))
		return doctor__find(doctor, GRAVE, "apt install iproute2", "no tc in PATH");
	if (tc.help == HELP_IMPOSSIBLE)
		return doctor__find(doctor, WARNING, "elfmap attach FILE sec NAME dev DEV ingress",
				    "%s is statically linked with libbpf 1.0 or later: it refuses legacy objects, and "
				    "'elfmap tc' cannot change that",
				    tc.path);
	return tc.help == HELP_PRELOAD ? check_preload(doctor, tc.path) : 0;
}

/* ---- bpffs ------------------------------------------------------------------------------------------------- */

/* The bpf file systems in which tc has pinned, each once. */
static int count_tc_dirs(char first[PATH_MAX], char second[PATH_MAX])
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	char line[2 * PATH_MAX], path[PATH_MAX];
	const struct mntent *entry;
	struct mntent room;
	dev_t seen = 0;
	int nr = 0;

	while (mounts && nr < 2 && (entry = getmntent_r(mounts, &room, line, sizeof(line)))) {
		struct stat dir;

		snprintf(path, sizeof(path), "%s/tc/globals", entry->mnt_dir);
		if (strcmp(entry->mnt_type, "bpf") != 0 || stat(path, &dir) || (nr && dir.st_dev == seen))
			continue;
		seen = dir.st_dev;
		strcpy(nr++ ? second : first, path);
	}
	if (mounts)
		endmntent(mounts);
	return nr;
}

/* Owner and mode of the bpf file system at PATH, and of the directories of tc in it. */
static int check_trust(struct doctor *doctor, const char *path)
{
	char remedy[PATH_MAX + 32], tc_dir[PATH_MAX + 8];
	struct elfmap_msg msg;
	struct stat dir;
	int err = 0;

	if (stat(path, &dir))
		return 0;
	if (dir.st_uid) {
		snprintf(remedy, sizeof(remedy), "chown root %s", path);
		err = doctor__find(doctor, GRAVE, remedy,
				   "%s belongs to user %u, who can exchange what is pinned there", path, dir.st_uid);
	}
	if (!err && dir.st_mode & S_IWOTH) {
		snprintf(remedy, sizeof(remedy), "chmod o-w %s", path);
		err = doctor__find(
			doctor, WARNING, remedy,
			"%s is writable by every user, who can make the directories of tc there before tc does", path);
	}
	snprintf(tc_dir, sizeof(tc_dir), "%s/tc", path);
	if (!err && elfmap_trust__check(tc_dir, &msg))
		err = doctor__find(doctor, GRAVE, NULL, "%s", msg.text);
	return err;
}

int doctor_bpffs(struct doctor *doctor)
{
	char first[PATH_MAX], second[PATH_MAX], path[PATH_MAX], remedy[PATH_MAX + 32];
	struct elfmap_msg msg;
	int err;

	err = elfmap_bpffs__find(path, sizeof(path), &msg);
	if (err)
		return doctor__find(doctor, GRAVE, err == -ENODEV ? "mount -t bpf -o mode=0700 bpf /sys/fs/bpf" : NULL,
				    "%s", msg.text);
	if (access(path, W_OK) && errno == EROFS) {
		snprintf(remedy, sizeof(remedy), "mount -o remount,rw %s", path);
		return doctor__find(
			doctor, GRAVE, remedy,
			"%s is mounted read-only: nothing can be pinned, and maps cannot be opened for writing", path);
	}
	if (!getenv("TC_BPF_MNT") && !elfmap_bpffs__contains(ELFMAP_BPFFS_USUAL))
		return doctor__find(doctor, WARNING, "nsenter --net=/run/netns/NAME COMMAND",
				    "/sys/fs/bpf is hidden in this mount namespace, as by 'ip netns exec' or 'tc -n': "
				    "pins of plain tc are lost; the host's is at %s",
				    path);
	if (count_tc_dirs(first, second) > 1)
		return doctor__find(doctor, WARNING, NULL,
				    "tc has pinned in several bpf file systems: %s, %s; a map in one is not the map of "
				    "the same name in the other",
				    first, second);
	return check_trust(doctor, path);
}

/* ---- settings ---------------------------------------------------------------------------------------------- */

static long read_setting(const char *name)
{
	char path[128], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/%s", name);
	file = fopen(path, "re");
	if (!file || !fgets(text, sizeof(text), file))
		*text = '\0';
	if (file)
		fclose(file);
	return *text ? strtol(text, NULL, 10) : -1;
}

int doctor_settings(struct doctor *doctor)
{
	int err = 0;

	if (read_setting("net/core/bpf_jit_enable") == 0)
		err = doctor__find(doctor, WARNING, "sysctl -w net.core.bpf_jit_enable=1",
				   "net.core.bpf_jit_enable is 0: programs are interpreted, several times slower");
	if (!err && read_setting("net/core/bpf_jit_harden") == 2)
		err = doctor__find(doctor, WARNING, "sysctl -w net.core.bpf_jit_harden=1",
				   "net.core.bpf_jit_harden is 2: constants are blinded in root's programs too, "
				   "which adds instructions, and instructions cannot be dumped");
	if (!err && read_setting("kernel/bpf_stats_enabled") == 1)
		err = doctor__find(doctor, WARNING, "sysctl -w kernel.bpf_stats_enabled=0",
				   "kernel.bpf_stats_enabled is 1: the clock is read twice for each run of each "
				   "program");
	return err;
}
