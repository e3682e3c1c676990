// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The verbs below `elfmap map`, and the shortest of them: `elfmap map types` prints the names of types. */

#include "helpers/command.h"
#include "helpers/map/map_verbs.h"
#include "text/types.h"

/* ---- types ----------------------------------------------------------------------------------------------- */

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
	.summary = "list the types that keys and values can have",
	.run = run,
	.options = options,
};

/* ---- the table ------------------------------------------------------------------------------------------- */

static const struct verb *const map_verbs[] = {
	&map_list_verb,
	&map_show_verb,
	&map_pin_verb,
	&map_unpin_verb,
	&map_watch_verb,
	&map_types_verb,
	&map_resize_verb,
	&map_migrate_verb,
	&map_swap_verb,
	&map_save_verb,
	&map_restore_verb,
	&map_dump_verb,
	&map_get_verb,
	&map_set_verb,
	&map_del_verb,
	&map_load_verb,
	&map_replace_verb,
	&map_diff_verb,
	&map_clear_verb,
	&map_push_verb,
	&map_pop_verb,
	&map_peek_verb,
	&map_lookup_verb,
	&map_update_verb,
	&map_delete_verb,
	&map_check_verb,
	&map_create_verb,
	&map_freeze_verb,
	NULL,
};

const struct verb map_verb = {
	.name = "map",
	.summary = "show, read, write, save and restore pinned maps",
	.below = map_verbs,
};
