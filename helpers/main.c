// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The command proper: a table of verbs. The launcher executes it for all that it does not run itself: tc, ip and
 * exec are in the table for the help.
 */
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"

#ifndef ELFMAP_VERSION
#define ELFMAP_VERSION "unknown" /* the Makefile has it */
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
	.summary = "the system's tc, which then loads legacy objects",
	.arguments = "ARGS...",
	.changes = true,
};
static const struct verb ip_verb = {
	.name = "ip",
	.summary = "the system's ip, likewise (XDP, encap bpf)",
	.arguments = "ARGS...",
	.changes = true,
};
static const struct verb exec_verb = {
	.name = "exec",
	.summary = "run a script whose tc and ip load legacy objects",
	.arguments = "CMD [ARGS...]",
	.changes = true,
};
static const struct verb *const verbs[] = {
	&tc_verb,     &ip_verb,	    &exec_verb,	  &show_verb,	 &check_verb, &convert_verb, &decl_verb,
	&load_verb,   &unload_verb, &attach_verb, &detach_verb,	 &graft_verb, &upgrade_verb, &apply_verb,
	&doctor_verb, &map_verb,    &cgroup_verb, &version_verb, NULL,
};

int main(int argc, char **argv)
{
	int name = argc > 0; /* an older kernel lets a caller leave it out */
	static char version[] = "version";

	if (argc == 2 && (!strcmp(argv[1], "-V") || !strcmp(argv[1], "--version")))
		argv[1] = version;
	if (argc > 1 && !strcmp(argv[1], "--complete"))
		return verbs__complete(verbs, argc - 2, argv + 2);
	return verbs__run(verbs, "elfmap", argc - name, argv + name);
}
