// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verbs of `elfmap`: a table. tc, ip and exec are the launcher's (launcher/main.c). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

#ifndef ELFMAP_VERSION
#define ELFMAP_VERSION "0.1"
#endif

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
	{"convert", verb_convert, "FILE OUT [type TYPE] [--pin] [--for tc]", "write a modern object from a legacy one"},
	{"map", verb_map, "list|dump ...", "pinned maps"},
	{"version", verb_version, "", "print the version"},
	{},
};

int complain(const char *object, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "elfmap: %s: ", object);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_FAILURE;
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
	else if (!strcmp(word, "-p") || !strcmp(word, "--pretty"))
		output.json = output.pretty = true;
	else
		return false;
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

int take_options(int argc, char **argv, const char *takes)
{
	int kept = 1;

	for (int i = 1; i < argc; i++) {
		if (take_output_option(argv[i]))
			continue;
		if (argv[i][0] == '-' && argv[i][1] && !is_listed(argv[i], takes)) {
			complain(argv[0], "unknown option '%s'", argv[i]);
			return -1;
		}
		argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	return kept;
}

static void print_usage(FILE *to, const struct verb *table, const char *prefix)
{
	fprintf(to, "usage: %s [-j|-p] VERB ...\n\n", prefix);
	for (const struct verb *verb = table; verb->name; verb++) {
		char call[64];

		snprintf(call, sizeof(call), "%s %s", verb->name, verb->arguments);
		fprintf(to, "  %-50s %s\n", call, verb->summary);
	}
}

int run_verb(const struct verb *table, const char *prefix, int argc, char **argv)
{
	static bool told_usage; /* by a verb below this one, which knows it better */

	while (argc && take_output_option(argv[0])) {
		argc--;
		argv++;
	}
	if (argc && (!strcmp(argv[0], "help") || !strcmp(argv[0], "-h") || !strcmp(argv[0], "--help"))) {
		print_usage(stdout, table, prefix);
		return EXIT_SUCCESS;
	}
	for (const struct verb *verb = table; argc && verb->name; verb++) {
		int status;

		if (strcmp(verb->name, argv[0]) != 0)
			continue;
		status = verb->run ? verb->run(argc, argv) : EXIT_USAGE;
		if (status == EXIT_USAGE && !told_usage)
			fprintf(stderr, "usage: %s %s %s\n", prefix, verb->name, verb->arguments);
		told_usage = true;
		return status;
	}
	if (argc)
		complain(argv[0], "no such verb; '%s help' lists them", prefix);
	else
		print_usage(stderr, table, prefix);
	told_usage = true;
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc == 2 && (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")))
		return verb_version(1, argv);
	return run_verb(verbs, "elfmap", argc - 1, argv + 1);
}
