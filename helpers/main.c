// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command proper: a table of verbs, and what finds and runs one of them: its name, request, usage and output. tc,
 * ip and exec are in the table for the help only; the launcher runs them itself.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "base/msg.h"
#include "base/netns.h"
#include "base/program.h"
#include "helpers/command.h"
#include "helpers/help.h"

#define NAME_SIZE 64 /* "elfmap map lookup" */

static struct options_common common; /* of this command line, before or behind any verb */

/* ---- names ----------------------------------------------------------------------------------------- */

static bool is_prefix(const char *word, const char *name)
{
	return *word && !strncmp(name, word, strlen(word));
}

static const struct verb *find_exact(const struct verb *const *table, const char *word)
{
	while (*table && strcmp((*table)->name, word) != 0)
		table++;
	return *table;
}

/* As in ip and bpftool, these two are short for list and show, even if other verbs begin with them. */
static const struct verb *find_short(const struct verb *const *table, const char *word)
{
	if (!strcmp(word, "l"))
		return find_exact(table, "list");
	return strcmp(word, "s") ? NULL : find_exact(table, "show");
}

/* WORD abbreviates several verbs, or a verb that changes something. */
static int refuse_abbreviation(const struct verb *const *table, const char *word, struct elfmap_msg *msg)
{
	char list[256] = "";
	size_t length = 0, nr = 0;

	for (; *table && length < sizeof(list); table++)
		if (is_prefix(word, (*table)->name)) {
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s'%s'", nr ? ", " : "",
						   (*table)->name);
			nr++;
		}
	return nr == 1 ? elfmap_msg__set(msg, -EINVAL, "could be %s, which changes something; write it in full", list)
		       : elfmap_msg__set(msg, -EINVAL, "could be %s; write it in full", list);
}

static int refuse_unknown(const struct verb *const *table, const char *prefix, const char *word, struct elfmap_msg *msg)
{
	struct elfmap_nearest nearest = {.distance = ELFMAP_FAR};

	for (; *table; table++)
		options__find_nearest(word, (*table)->name, &nearest);
	if (*nearest.word)
		return elfmap_msg__set(msg, -EINVAL, "no such verb; did you mean '%s'?", nearest.word);
	return elfmap_msg__set(msg, -EINVAL, "no such %s; '%s help' lists the verbs", *word == '-' ? "option" : "verb",
			       prefix);
}

const struct verb *verbs__find(const struct verb *const *table, const char *prefix, const char *word,
			       struct elfmap_msg *msg)
{
	const struct verb *found = find_exact(table, word) ?: find_short(table, word);
	size_t nr = 0;

	if (found)
		return found;
	for (const struct verb *const *verb = table; *verb; verb++)
		if (is_prefix(word, (*verb)->name)) {
			found = *verb;
			nr++;
		}
	if (nr == 1 && !found->changes)
		return found;
	if (nr)
		refuse_abbreviation(table, word, msg);
	else
		refuse_unknown(table, prefix, word, msg);
	return NULL;
}

/* ---- running ----------------------------------------------------------------------------------------- */

static void obey_output_options(void)
{
	output.json = common.json;
	output.pretty = common.pretty;
}

/* Device names are those of NS from here on; pins stay where they are. */
static int enter_netns(void)
{
	struct elfmap_msg msg;

	if (!common.netns || !elfmap_netns__enter(common.netns, &msg))
		return EXIT_SUCCESS;
	return complain(common.netns, "%s", msg.text);
}

/* "map dump" of "elfmap map" and "dump": what a complaint and -j call the verb. */
static void name_verb(const char *prefix, const struct verb *verb, char name[NAME_SIZE])
{
	const char *above = strchr(prefix, ' ');

	snprintf(name, NAME_SIZE, "%s%s%s", above ? above + 1 : "", above ? " " : "", verb->name);
}

static bool wants_usage = true;

int without_usage(int status)
{
	wants_usage = false;
	return status;
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "-h") || !strcmp(word, "--help");
}

static int run_options(const struct verb *verb, const char *prefix, const char *name, int argc, char **argv)
{
	void *request = calloc(1, verb->request_size + 1);
	struct elfmap_msg msg;
	int status;

	if (!request)
		return complain(name, "no memory");
	if (options__parse(verb->options, argc, argv, request, &common, &msg)) {
		complain(name, "%s", msg.text);
		status = EXIT_USAGE;
	} else {
		obey_output_options();
		status = enter_netns() ?: verb->run(request);
	}
	obey_output_options();
	if (status == EXIT_USAGE && wants_usage)
		help__print_usage(stderr, prefix, verb);
	status = output__finish(status, name, verb->options, &common, request);
	free(request);
	return status;
}

static int run_verb(const struct verb *verb, const char *prefix, int argc, char **argv)
{
	char name[NAME_SIZE], path[NAME_SIZE + 8];

	name_verb(prefix, verb, name);
	if (verb->below) {
		libbpf_set_print(NULL); /* the verbs report by themselves */
		snprintf(path, sizeof(path), "elfmap %s", name);
		return verbs__run(verb->below, path, argc - 1, argv + 1);
	}
	obey_output_options();
	if (argc == 2 && asks_for_help(argv[1]))
		return help__print_verb(prefix, verb);
	if (verb->options)
		return run_options(verb, prefix, name, argc, argv);
	help__print_usage(stderr, prefix, verb); /* a verb of the launcher, without its arguments */
	return EXIT_USAGE;
}

static int refuse(const char *word, const struct elfmap_msg *msg)
{
	obey_output_options();
	complain(word, "%s", msg->text);
	return output__finish(EXIT_USAGE, "", NULL, &common, NULL);
}

int verbs__run(const struct verb *const *table, const char *prefix, int argc, char **argv)
{
	static char help_word[] = "--help";
	struct elfmap_msg msg;
	const struct verb *verb;
	int at = 0, taken = 0;
	bool help;

	while (at < argc && (taken = options__take_common(argc, argv, &at, &common)) > 0)
		;
	if (taken < 0) {
		elfmap_msg__set(&msg, taken, "requires a value");
		return refuse(argv[argc - 1], &msg);
	}
	argc -= at;
	argv += at;
	if (!argc) {
		help__print_table(stderr, table, prefix);
		return EXIT_USAGE;
	}
	help = !strcmp(argv[0], "help") || asks_for_help(argv[0]);
	if (help && argc == 1) {
		obey_output_options();
		return help__print_verbs(table, prefix);
	}
	if (help) { /* help VERB ... is VERB ... --help */
		memmove(argv, argv + 1, (size_t)(argc - 1) * sizeof(*argv));
		argv[argc - 1] = help_word;
	}
	verb = verbs__find(table, prefix, argv[0], &msg);
	return verb ? run_verb(verb, prefix, argc, argv) : refuse(argv[0], &msg);
}

/* ---- the table ------------------------------------------------------------------------------------ */

#ifndef ELFMAP_VERSION
#define ELFMAP_VERSION "unknown" /* set by the Makefile */
#endif

static int run_version(const void *request)
{
	(void)request;
	if (output.json)
		output__add("version", json_object_new_string(ELFMAP_VERSION));
	else
		puts("elfmap " ELFMAP_VERSION);
	return EXIT_SUCCESS;
}

static const struct option_row no_options[] = {{}};

static const struct verb version_verb = {
	.name = "version",
	.summary = "print the version",
	.run = run_version,
	.options = no_options,
};
static const struct verb tc_verb = {
	.name = "tc",
	.summary = "run the system's tc, with support for legacy objects",
	.arguments = "ARGS...",
	.changes = true,
};
static const struct verb ip_verb = {
	.name = "ip",
	.summary = "run the system's ip, with support for legacy objects (XDP, encap bpf)",
	.arguments = "ARGS...",
	.changes = true,
};
static const struct verb exec_verb = {
	.name = "exec",
	.summary = "run a command in which tc and ip support legacy objects",
	.arguments = "CMD [ARGS...]",
	.changes = true,
};
static const struct verb *const verbs[] = {
	&tc_verb,     &ip_verb,	    &exec_verb,	  &show_verb,	&check_verb,   &convert_verb, &decl_verb,
	&load_verb,   &unload_verb, &attach_verb, &detach_verb, &graft_verb,   &upgrade_verb, &apply_verb,
	&doctor_verb, &gc_verb,	    &map_verb,	  &cgroup_verb, &version_verb, NULL,
};

int main(int argc, char **argv)
{
	int name = argc > 0; /* older kernels accept an empty argv */
	static char version[] = "version";

	if (getauxval(AT_SECURE))
		return complain(name ? argv[0] : "elfmap", ELFMAP_SECURE_TEXT);
	for (int i = 1; i < argc && argv[i][0] == '-'; i++)
		if (!strcmp(argv[i], "-V") || !strcmp(argv[i], "--version"))
			argv[i] = version;
	if (argc > 1 && !strcmp(argv[1], "--complete"))
		return verbs__complete(verbs, argc - 2, argv + 2);
	return verbs__run(verbs, "elfmap", argc - name, argv + name);
}
