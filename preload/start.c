// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The start of the preload: decides whether it is active in this program, and takes the launcher's variables out of the
 * environment, so that child processes do not inherit them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pins/bpffs.h"
#include "preload/preload.h"

bool preload__active, preload__may_load;

static char *bpffs;	  /* the value of TC_BPF_MNT for tc; NULL: unchanged */
static char **words;	  /* of the command */
static char *bpffs_shown; /* the path for messages */

void preload__complain(const char *object, const char *what)
{
	struct elfmap_msg line;

	elfmap_msg__set(&line, 0, "elfmap: %s: %s", object, what);
	fprintf(stderr, "%s\n", line.text);
}

void *preload__next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function) { /* cannot happen: tc is linked with it */
		preload__complain(name, "not found behind the preload");
		abort();
	}
	return function;
}

/* A tc without libbpf, or with 0.x, loads legacy objects itself. */
static bool program_needs_libbpf_1(void)
{
	const struct link_map *program = _r_debug.r_map;
	const char *strings = NULL;

	for (const ElfW(Dyn) *entry = program->l_ld; entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_STRTAB)
			strings = (const char *)entry->d_un.d_ptr;
	if ((uintptr_t)strings < program->l_addr)
		strings += program->l_addr; /* some loaders do not relocate it */
	for (const ElfW(Dyn) *entry = program->l_ld; strings && entry->d_tag != DT_NULL; entry++)
		if (entry->d_tag == DT_NEEDED && !strncmp(strings + entry->d_un.d_val, "libbpf.so.", 10))
			return libbpf_major_version() >= 1;
	return false;
}

static void restore_preload(void)
{
	const char *callers = getenv("ELFMAP_LD_PRELOAD");

	if (callers && *callers)
		setenv("LD_PRELOAD", callers, 1);
	else if (callers)
		unsetenv("LD_PRELOAD");
	unsetenv("ELFMAP_LD_PRELOAD");
}

/* Removes variable NAME from the environment, and returns a copy of its value; NULL: not set. */
static char *take(const char *name)
{
	const char *value = getenv(name);
	char *copy = value ? strdup(value) : NULL;

	unsetenv(name);
	return copy;
}

static bool is_batch(const char *word)
{
	return word[0] == '-' && word[1] == 'b' && !strncmp(word, "-batch", strlen(word));
}

/* Does the word, which may be abbreviated, load an object, or a batch that may do so? */
static bool loads(const char *word)
{
	return (word[0] == 'o' && !strncmp(word, "object-file", strlen(word))) || is_batch(word);
}

static bool has(bool (*is_it)(const char *))
{
	for (char **at = words && words[0] ? words + 1 : NULL; at && *at; at++)
		if (is_it(*at))
			return true;
	return false;
}

static bool has_word(const char *start)
{
	for (char **at = words && words[0] ? words + 1 : NULL; at && *at; at++)
		if (!strncmp(*at, start, strlen(start)))
			return true;
	return false;
}

bool preload__may_want(const char *section)
{
	for (char **at = words; at && *at; at++)
		if (!strcmp(*at, section))
			return true;
	return has(is_batch) || !has_word("sec"); /* without it the default section counts */
}

const char *preload__section(void)
{
	for (char **at = has(is_batch) ? NULL : words; at && *at; at++)
		if (!strncmp(*at, "sec", 3) && !strncmp("section", *at, strlen(*at)))
			return at[1];
	return NULL;
}

__u32 preload__prog_type(void)
{
	const char *slash = words && words[0] ? strrchr(words[0], '/') : NULL;
	bool is_tc = words && words[0] && !strcmp(slash ? slash + 1 : words[0], "tc");

	if (has(is_batch) || has_word("exec"))
		return BPF_PROG_TYPE_UNSPEC;
	if (is_tc && has_word("filter") && has_word("action"))
		return BPF_PROG_TYPE_UNSPEC; /* the filter's program, or that of an action behind it */
	if (is_tc)
		return has_word("action") ? BPF_PROG_TYPE_SCHED_ACT : BPF_PROG_TYPE_SCHED_CLS;
	return has_word("xdp") ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_UNSPEC;
}

/* With libbpf tc accepts the option and the socket, but sends nothing and returns 0. */
static void warn_about_export(void)
{
	if (has_word("export"))
		preload__complain("export", "warning: a tc with libbpf sends no maps; open the pins instead");
}

__attribute__((constructor)) static void start(int argc, char **argv)
{
	char *descriptor = take("ELFMAP_PRELOAD_FD");
	const char *slash;

	if (descriptor)
		close(atoi(descriptor));
	free(descriptor);
	restore_preload();
	bpffs = take("ELFMAP_BPF_MNT");
	bpffs_shown = take("ELFMAP_BPF_SHOWN");
	slash = bpffs ? strrchr(bpffs, '/') : NULL;
	if (slash)
		fcntl(atoi(slash + 1), F_SETFD, FD_CLOEXEC);
	words = argc ? argv : NULL;
	preload__may_load = has(loads);
	preload__active = program_needs_libbpf_1();
	if (preload__active && preload__may_load)
		warn_about_export();
}

/* ---- getenv: the bpffs that tc is to use -------------------------------------------------------------- */

/* Set by the launcher if tc would not find it (launcher/tc_bpffs.c). The environment is unchanged for tc's children. */
__attribute__((visibility("default"))) char *getenv(const char *name)
{
	static char *(*real)(const char *);

	if (bpffs && !strcmp(name, "TC_BPF_MNT"))
		return bpffs;
	if (!real)
		real = preload__next("getenv");
	return real(name);
}

const char *preload__shown_path(const char *path, char *shown, size_t size)
{
	size_t length = bpffs ? strlen(bpffs) : 0;

	if (!length || strncmp(path, bpffs, length) != 0)
		return path;
	snprintf(shown, size, "%s%s", bpffs_shown ? bpffs_shown : "", path + length);
	return shown;
}

const char *preload__pin_path(const char *path, char *real, size_t size)
{
	static const char usual[] = ELFMAP_BPFFS_USUAL "/";
	const char *below = path + strlen(usual) - 1;

	if (!bpffs || strncmp(path, usual, strlen(usual)) != 0 ||
	    snprintf(real, size, "%s%s", bpffs, below) >= (int)size)
		return path;
	return real;
}
