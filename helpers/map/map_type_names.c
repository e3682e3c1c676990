// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map types`: what `types KEY:VALUE` takes, for people and for completion. */
#include "helpers/command.h"
#include "helpers/map/map_verbs.h"
#include "text/types.h"

static void print_names_json(void)
{
	json_object *root = json_object_new_array();
	const struct elfmap_type_name *name;

	for (size_t i = 0; (name = elfmap_type__name(i)); i++) {
		json_object *row = json_object_new_object();

		json_object_object_add(row, "name", json_object_new_string(name->name));
		json_object_object_add(row, "bytes", name->size ? json_object_new_int64((int64_t)name->size) : NULL);
		json_object_object_add(row, "summary", json_object_new_string(name->summary));
		json_object_array_add(root, row);
	}
	print_json(root);
}

static void print_names(void)
{
	const struct elfmap_type_name *name;

	printf("%-13s %5s  %s\n", "TYPE", "BYTES", "MEANING");
	for (size_t i = 0; (name = elfmap_type__name(i)); i++) {
		char bytes[24] = "-";

		if (name->size)
			snprintf(bytes, sizeof(bytes), "%zu", name->size);
		printf("%-13s %5s  %s\n", name->name, bytes, name->summary);
	}
}

static int run(const void *request)
{
	(void)request;
	if (output.json)
		print_names_json();
	else
		print_names();
	return end_output();
}

static const struct option_row options[] = {{}};

const struct verb map_types_verb = {
	.name = "types",
	.summary = "the names of types that keys and values can have",
	.run = run,
	.options = options,
};
