// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap decl FILE`: prints the maps of a legacy object as C source for libbpf >= 1.0, which replaces the struct
 * bpf_elf_map definitions in the program's source.
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
	if (output.json)
		output__add("source", json_object_new_string(text));
	else
		fputs(text, stdout);
	free(text);
	return EXIT_SUCCESS;
}

struct decl_request {
	const char *file;
};

static int run(const void *words)
{
	const struct decl_request *request = words;
	struct elfmap_object *object = NULL;
	struct elfmap_msg msg = {};
	int status = EXIT_FAILURE;
	void *bytes = NULL;
	size_t size = 0;

	libbpf_set_print(NULL); /* errors are reported here, in one line */
	if (elfmap_file__read(request->file, &bytes, &size, &msg) || elfmap_object__read(bytes, size, &object, &msg))
		complain(request->file, "%s", msg.text);
	else
		status = print_declarations(object, request->file);
	elfmap_object__free(object);
	free(bytes);
	return status;
}

static const struct option_row options[] = {
	{NULL, "FILE", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct decl_request, file),
	 .completes = COMPLETE_FILE},
	{},
};

const struct verb decl_verb = {
	.name = "decl",
	.summary = "print the maps of an object as C source for libbpf",
	.run = run,
	.options = options,
	.request_size = sizeof(struct decl_request),
};
