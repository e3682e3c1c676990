// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap check --old-tc`: the object in the hands of a tc that was built without libbpf. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/object/check.h"
#include "object/old_tc.h"

static json_object *json_list(char *const *text, size_t nr)
{
	json_object *root = json_object_new_array();

	for (size_t i = 0; i < nr; i++)
		json_object_array_add(root, json_object_new_string(text[i]));
	return root;
}

static void print_plain(const struct check *check, const struct elfmap_old_tc *verdict)
{
	printf("%s: a tc without libbpf %s\n", check->file, verdict->nr_reasons ? "does not take it" : "takes it");
	for (size_t i = 0; i < verdict->nr_reasons; i++)
		printf("%s  %s\n", i ? "" : "\nreasons\n", verdict->reasons[i]);
	for (size_t i = 0; i < verdict->nr_warnings; i++)
		printf("%s  %s\n", i ? "" : "\nwarnings\n", verdict->warnings[i]);
}

static void print_as_json(const struct check *check, const struct elfmap_old_tc *verdict)
{
	json_object *root = json_object_new_object();

	json_object_object_add(root, "file", json_object_new_string(check->file));
	json_object_object_add(root, "ok", json_object_new_boolean(!verdict->nr_reasons));
	json_object_object_add(root, "reasons", json_list(verdict->reasons, verdict->nr_reasons));
	json_object_object_add(root, "warnings", json_list(verdict->warnings, verdict->nr_warnings));
	print_json(root);
}

int check__old_tc(const struct check *check)
{
	struct elfmap_old_tc verdict = {};
	int status;

	if (elfmap_object__old_tc(check->load->object, check->section, &verdict))
		return complain(check->file, "%s", strerror(ENOMEM));
	if (output.json)
		print_as_json(check, &verdict);
	else
		print_plain(check, &verdict);
	fflush(stdout);
	for (size_t i = 0; i < verdict.nr_reasons; i++)
		complain(check->file, "%s", verdict.reasons[i]);
	status = verdict.nr_reasons ? EXIT_FAILURE : EXIT_SUCCESS;
	elfmap_old_tc__free(&verdict);
	return status;
}
