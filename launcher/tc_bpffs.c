// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The bpf file system that tc pins in. `tc -n NS`, `ip -n NS` and `ip netns exec` enter a new mount namespace with a
 * new /sys. tc then silently mounts a bpffs of its own, which disappears with the process, and all pins with it. An
 * open directory stays accessible in any namespace, so tc gets the right bpffs as /proc/self/fd/N (getenv() in
 * preload/start.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launcher/launcher.h"
#include "pins/bpffs.h"

/* Is WORD an abbreviation of NAME of at least SHORTEST letters? That is how tc and ip match words. */
static bool abbreviates(const char *word, const char *name, size_t shortest)
{
	size_t length = strlen(word);

	return length >= shortest && !strncmp(word, name, length);
}

/* Options with a value, by program, other than -n. */
static bool takes_a_word(const char *program, const char *option)
{
	if (abbreviates(option, "-batch", 2))
		return true;
	if (!strcmp(program, "tc"))
		return !strcmp(option, "-cf") || abbreviates(option, "-conf", 3);
	return abbreviates(option, "-family", 2) || abbreviates(option, "-loops", 2) ||
	       abbreviates(option, "-rcvbuf", 3);
}

/* Options come before all other words. */
static bool switches_namespace(const char *program, char **argv)
{
	for (char **at = argv + 1; *at && (*at)[0] == '-'; at++) {
		const char *option = (*at)[1] == '-' ? *at + 1 : *at;

		if (abbreviates(option, "-netns", 2))
			return true;
		if (takes_a_word(program, option) && at[1])
			at++;
	}
	return false;
}

/* Does it load an object? A batch may. */
static bool loads(char **argv)
{
	for (char **at = argv + 1; *at; at++)
		if (abbreviates(*at, "object-file", 2) || abbreviates(*at, "-batch", 2) ||
		    abbreviates(*at, "--batch", 3))
			return true;
	return false;
}

static int hand_over(const char *path, bool with_links)
{
	bool is_outside = !strncmp(path, "/proc/", 6);
	char number[32];
	int err, fd = open(path, O_RDONLY | O_DIRECTORY); /* stays open over exec */

	if (fd < 0 && !with_links)
		return EXIT_SUCCESS; /* nothing is loaded, so nothing is lost */
	if (fd < 0)
		return complain(path, "%s", strerror(errno));
	/* Before tc makes them, to /proc/self/fd/N, which is valid in this process only. */
	err = with_links ? elfmap_bpffs__make_links(fd) : 0;
	if (err)
		return complain(path, "links of tc: %s", strerror(-err));
	snprintf(number, sizeof(number), "/proc/self/fd/%d", fd);
	if (setenv("ELFMAP_BPF_MNT", number, 1) ||
	    setenv("ELFMAP_BPF_SHOWN", is_outside ? ELFMAP_BPFFS_USUAL : path, 1))
		return complain(path, "no memory");
	return EXIT_SUCCESS;
}

/* Without a bpffs tc mounts one, which is wrong only if this mount namespace is temporary. */
static int do_without(bool switches)
{
	if (elfmap_bpffs__goes_away())
		return complain(
			ELFMAP_BPFFS_USUAL,
			"no bpffs, and one mounted here would disappear with this mount namespace; on the host: "
			"mount -t bpf -o mode=0700 bpf " ELFMAP_BPFFS_USUAL);
	if (!switches)
		return EXIT_SUCCESS;
	if (mount("bpf", ELFMAP_BPFFS_USUAL, "bpf", 0, "mode=0700"))
		return complain(ELFMAP_BPFFS_USUAL, "mounting a bpffs: %s", strerror(errno));
	return hand_over(ELFMAP_BPFFS_USUAL, true);
}

int tc_bpffs__prepare(const char *program, char **argv)
{
	bool switches = switches_namespace(program, argv), loading;
	const char *asked = getenv("TC_BPF_MNT");
	char path[PATH_MAX];
	struct elfmap_msg msg;
	int err;

	if (!switches && ((asked && *asked) || elfmap_bpffs__contains(ELFMAP_BPFFS_USUAL)))
		return EXIT_SUCCESS; /* tc finds it by itself */
	loading = loads(argv);
	err = elfmap_bpffs__find(path, sizeof(path), &msg);
	if (!err)
		return hand_over(path, loading);
	if (!loading)
		return EXIT_SUCCESS;
	if (err == -ENODEV && !(asked && *asked))
		return do_without(switches);
	return complain("bpffs", "%s", msg.text);
}
