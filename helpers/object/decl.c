// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap decl FILE`: the maps of a legacy object as C source for libbpf >= 1.0, to be pasted into the
 * program in place of its struct bpf_elf_map. The way out of legacy, for those who have the source.
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "object/decl.h"

static int check_object(const struct elfmap_object *object, const char *file)
{
	if (!object->has_legacy_maps)
		return complain(file, "nothing to declare: no section 'maps'%s",
				object->has_btf_maps ? ", its '.maps' is modern already" : "");
	if (object->nr_problems > 1)
		return complain(file, "%s; 'elfmap show' lists %zu problems", object->problems[0], object->nr_problems);
	return EXIT_SUCCESS;
}

static int print_declarations(const struct elfmap_object *object, const char *file)
{
	struct elfmap_msg msg = {};
	char *text = NULL;

	if (check_object(object, file))
		return EXIT_FAILURE;
	if (elfmap_object__decl(object, &text, &msg))
		return complain(file, "%s", msg.text);
	fputs(text, stdout);
	free(text);
	return EXIT_SUCCESS;
}

int verb_decl(int argc, char **argv)
{
	struct elfmap_object *object = NULL;
	struct elfmap_msg msg = {};
	int status = EXIT_FAILURE;
	void *bytes = NULL;
	size_t size = 0;

	argc = take_options(argc, argv, NULL);
	if (argc == 2 && output.json)
		complain("decl", "C source has no JSON form");
	if (argc != 2 || output.json)
		return EXIT_USAGE;
	libbpf_set_print(NULL); /* what it thinks of the types is said in one line, or nothing */

	if (elfmap_file__read(argv[1], &bytes, &size, &msg) || elfmap_object__read(bytes, size, &object, &msg))
		complain(argv[1], "%s", msg.text);
	else
		status = print_declarations(object, argv[1]);
	elfmap_object__free(object);
	free(bytes);
	return status;
}
