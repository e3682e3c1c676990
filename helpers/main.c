// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command proper: a table of verbs. The launcher executes it for all that it does not run itself: tc, ip and
 * exec are in the table for the help.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/netns.h"
#include "helpers/command.h"
#include "kinds/progs.h"

#ifndef ELFMAP_VERSION
#define ELFMAP_VERSION "unknown" /* the Makefile has it */
#endif

#define SUMMARY_COLUMN 52 /* of the table that help prints */

struct output output;

static int verb_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return EXIT_USAGE;
	puts("elfmap " ELFMAP_VERSION);
	return EXIT_SUCCESS;
}

static const struct verb verbs[] = {
	{"tc", NULL, "ARGS...", "the system's tc, which then loads legacy objects"},
	{"ip", NULL, "ARGS...", "the system's ip, likewise (XDP, encap bpf)"},
	{"exec", NULL, "CMD [ARGS...]", "run a script whose tc and ip load legacy objects"},
	{"show", verb_show, "FILE", "maps, programs, tail-call slots and pins of an object"},
	{"check", verb_check, "FILE [sec NAME] [type TYPE] [--old-tc]", "would an object load on this machine"},
	{"convert", verb_convert, "FILE OUT [type TYPE] [--pin] [--for tc]", "write a modern object from a legacy one"},
	{"decl", verb_decl, "FILE", "the maps of an object in C, to paste into its source"},
	{"load", verb_load, "FILE... [sec NAME] [type TYPE]", "objects into the kernel: maps and programs pinned"},
	{"unload", verb_unload, "FILE... [--maps]",
	 "take their programs' pins away, with --maps also those of unused maps"},
	{"attach", verb_attach, "FILE|PIN [sec NAME] dev DEV ingress|egress [prio P] [handle H] [chain C] [--tcx]",
	 "a program at a hook, once"},
	{"detach", verb_detach, "FILE|PIN [sec NAME] dev DEV ingress|egress [prio P] [handle H] [chain C] [--tcx]",
	 "and away from it"},
	{"graft", verb_graft, "PIN SLOT FILE sec NAME [type TYPE] | PIN SLOT --empty",
	 "a program into a slot of a pinned jump table, or out of it"},
	{"upgrade", verb_upgrade, "FILE [--rollback|--forget]", "another version of what is attached, without loss"},
	{"apply", verb_apply, "FILE [--dry-run]",
	 "bring into force what a file says of objects, hooks, maps and slots"},
	{"doctor", verb_doctor, "[dev DEV]", "why a pipeline does not work, and the commands that mend it"},
	{"map", verb_map, "VERB ...", "pinned maps: who uses them, their entries, all of them as text"},
	{"cgroup", verb_cgroup, "VERB ...", "cgroups in the slots of maps: set, clear, show them"},
	{"version", verb_version, "", "print the version"},
	{},
};

int parse_prog_type(const char *word, const char *verb, __u32 *ret_type)
{
	struct elfmap_msg msg;
	int err = elfmap_prog_kind__parse(word, ret_type, &msg);

	if (err)
		complain(verb, "%s", msg.text);
	return err;
}

void print_json(json_object *root)
{
	int flags = output.pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : JSON_C_TO_STRING_PLAIN;

	puts(json_object_to_json_string_ext(root, flags | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(root);
}

static bool take_output_option(const char *word)
{
	if (!strcmp(word, "-j") || !strcmp(word, "--json"))
		output.json = true;
	else if (!strcmp(word, "-p") || !strcmp(word, "--pretty") || !strcmp(word, "-jp") || !strcmp(word, "-pj"))
		output.json = output.pretty = true;
	else
		return false;
	return true;
}

/* `-n NS`, as ip and tc have it. Device names are those of NS from here on; pins stay where they are. */
static bool take_netns(char **argv)
{
	struct elfmap_msg msg;

	if (strcmp(argv[0], "-n") != 0 && strcmp(argv[0], "--netns") != 0)
		return false;
	if (!argv[1]) {
		complain(argv[0], "needs the name of a network namespace");
		exit(EXIT_USAGE);
	}
	if (elfmap_netns__enter(argv[1], &msg))
		exit(complain(argv[1], "%s", msg.text));
	return true;
}

static bool is_listed(const char *word, const char *list)
{
	size_t length = strlen(word);

	for (const char *at = list; at && (at = strstr(at, word)); at += length) {
		bool starts = at == list || at[-1] == ' ';

		if (starts && (at[length] == ' ' || !at[length]))
			return true;
	}
	return false;
}

/* "-" is standard input, and -5 a number. */
static bool is_option(const char *word)
{
	return word[0] == '-' && word[1] && !isdigit((unsigned char)word[1]);
}

int take_options(int argc, char **argv, const char *takes)
{
	int kept = 1;

	bool options = true;

	for (int i = 1; i < argc; i++) {
		if (options && !strcmp(argv[i], "--")) {
			options = false;
			continue;
		}
		if (options && take_output_option(argv[i]))
			continue;
		if (options && take_netns(argv + i)) {
			i++;
			continue;
		}
		if (options && is_option(argv[i]) && !is_listed(argv[i], takes)) {
			complain(argv[0], "unknown option '%s'", argv[i]);
			return -1;
		}
		argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return kept;
}

bool take_word(int *argc, char **argv, const char *word)
{
	int kept = 1, i = 1;

	for (; i < *argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], word) != 0)
			argv[kept++] = argv[i];
	if (kept == i)
		return false;
	while (i < *argc)
		argv[kept++] = argv[i++];
	argv[kept] = NULL;
	*argc = kept;
	return true;
}

static void print_usage(FILE *to, const struct verb *table, const char *prefix)
{
	fprintf(to, "usage: %s [-j|-p] [-n NS] VERB ...\n\n", prefix);
	for (const struct verb *verb = table; verb->name; verb++) {
		int width = fprintf(to, "  %s %s", verb->name, verb->arguments);

		if (width > SUMMARY_COLUMN)
			width = fprintf(to, "\n") - 1;
		fprintf(to, "%*s %s\n", SUMMARY_COLUMN - width, "", verb->summary);
	}
}

static bool asks_for_help(const char *word)
{
	return !strcmp(word, "-h") || !strcmp(word, "--help");
}

static void print_verb_usage(FILE *to, const struct verb *verb, const char *prefix)
{
	fprintf(to, "usage: %s %s%s%s\n", prefix, verb->name, *verb->arguments ? " " : "", verb->arguments);
}

static bool has_verbs(const struct verb *verb)
{
	return !strncmp(verb->arguments, "VERB", 4);
}

static bool told_usage; /* by a verb that knows it better, or it would not help */

int without_usage(int status)
{
	told_usage = true;
	return status;
}

static int run_row(const struct verb *verb, const char *prefix, int argc, char **argv)
{
	int status;

	if (argc == 2 && asks_for_help(argv[1]) && !has_verbs(verb)) {
		print_verb_usage(stdout, verb, prefix);
		return EXIT_SUCCESS;
	}
	status = verb->run ? verb->run(argc, argv) : EXIT_USAGE;
	if (status == EXIT_USAGE && !told_usage && !has_verbs(verb))
		print_verb_usage(stderr, verb, prefix);
	told_usage = true;
	return status;
}

int run_verb(const struct verb *table, const char *prefix, int argc, char **argv)
{
	bool help;

	while (argc) {
		int taken = take_output_option(argv[0]) ? 1 : take_netns(argv) ? 2 : 0;

		if (!taken)
			break;
		argc -= taken;
		argv += taken;
	}
	help = argc && (!strcmp(argv[0], "help") || asks_for_help(argv[0]));
	if (help && argc == 1) {
		print_usage(stdout, table, prefix);
		return EXIT_SUCCESS;
	}
	if (help) { /* help VERB is VERB --help */
		static char word[] = "--help";

		argv[0] = argv[1];
		argv[1] = word;
		argc = 2;
	}
	for (const struct verb *verb = table; argc && verb->name; verb++)
		if (!strcmp(verb->name, argv[0]))
			return run_row(verb, prefix, argc, argv);
	if (argc)
		complain(argv[0], "no such %s; '%s help' lists the verbs", argv[0][0] == '-' ? "option" : "verb",
			 prefix);
	else
		print_usage(stderr, table, prefix);
	return EXIT_USAGE;
}

/* What was printed must have arrived: a full disk is a failure like any other. */
static int finish_output(int status)
{
	if (fflush(stdout) || ferror(stdout)) {
		complain("standard output", "%s", strerror(errno));
		return status ? status : EXIT_FAILURE;
	}
	return status;
}

int main(int argc, char **argv)
{
	int name = argc > 0; /* an older kernel lets a caller leave it out */

	if (argc == 2 && (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")))
		return finish_output(verb_version(1, argv));
	return finish_output(run_verb(verbs, "elfmap", argc - name, argv + name));
}
