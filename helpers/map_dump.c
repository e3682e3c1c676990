// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map dump`: all entries of a pinned map, in the words of its types, as they come from the kernel. */
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "bpffs.h"
#include "command.h"
#include "map.h"
#include "map_verbs.h"

struct dump {
	struct elfmap_reader map;
	bool sum;
	unsigned char *shown; /* the key's bits that its type shows; NULL: all of them */
	struct elfmap_type *key_bytes;
	bool comma; /* JSON: an entry stands before */
};

/* Keys that differ only in padding, which the type does not show, are different keys all the same. */
static int prepare_padding(struct dump *dump)
{
	size_t size = dump->map.info.key_size;
	bool all = true;

	dump->shown = calloc(1, size);
	dump->key_bytes = elfmap_type__new(ELFMAP_HEX, size);
	if (!dump->shown || !dump->key_bytes)
		return -ENOMEM;
	elfmap_type__mark_shown(dump->map.key, dump->shown);
	for (size_t i = 0; i < size; i++)
		all &= dump->shown[i] == 0xff;
	if (all) {
		free(dump->shown);
		dump->shown = NULL;
	}
	return 0;
}

static bool has_padding(const struct dump *dump, const unsigned char *key)
{
	for (size_t i = 0; dump->shown && i < dump->map.info.key_size; i++)
		if (key[i] & ~dump->shown[i])
			return true;
	return false;
}

static struct elfmap_value copy_of(const struct dump *dump, const void *value, size_t cpu)
{
	return (struct elfmap_value){.bytes = (const char *)value + cpu * dump->map.stride, .copies = 1};
}

static struct elfmap_value all_copies(const struct dump *dump, const void *value)
{
	return (struct elfmap_value){.bytes = value, .copies = dump->map.copies, .stride = dump->map.stride};
}

/* ---- text: KEY VALUE ---------------------------------------------------------------------------- */

static void print_cpus(const struct dump *dump, const void *value)
{
	fputs("[ ", stdout);
	for (size_t cpu = 0; cpu < dump->map.copies; cpu++) {
		struct elfmap_value copy = copy_of(dump, value, cpu);

		elfmap_type__print(dump->map.value, &copy, if_indextoname, stdout);
		putchar(' ');
	}
	putchar(']');
}

static int print_entry(void *context, const void *key, const void *value)
{
	const struct dump *dump = context;
	struct elfmap_value whole_key = {.bytes = key, .copies = 1};
	struct elfmap_value whole_value = all_copies(dump, value);

	elfmap_type__print(has_padding(dump, key) ? dump->key_bytes : dump->map.key, &whole_key, if_indextoname,
			   stdout);
	putchar(' ');
	if (dump->map.per_cpu && !dump->sum)
		print_cpus(dump, value);
	else
		elfmap_type__print(dump->map.value, &whole_value, if_indextoname, stdout);
	putchar('\n');
	return ferror(stdout) ? -EIO : 0;
}

/* ---- JSON: an array, written entry by entry: the whole would not fit in memory ----------------- */

static json_object *json_cpus(const struct dump *dump, const void *value)
{
	json_object *cpus = json_object_new_array();

	for (size_t cpu = 0; cpu < dump->map.copies; cpu++) {
		struct elfmap_value copy = copy_of(dump, value, cpu);
		json_object *row = json_object_new_object();

		json_object_object_add(row, "cpu", json_object_new_int64((int64_t)cpu));
		json_object_object_add(row, "value", map_json(dump->map.value, &copy));
		json_object_array_add(cpus, row);
	}
	return cpus;
}

static void print_indented(const char *text)
{
	fputs("  ", stdout);
	for (; *text; text++) {
		putchar(*text);
		if (*text == '\n') /* within strings JSON writes \n */
			fputs("  ", stdout);
	}
}

static int print_json_entry(void *context, const void *key, const void *value)
{
	struct dump *dump = context;
	struct elfmap_value whole_key = {.bytes = key, .copies = 1};
	struct elfmap_value whole_value = all_copies(dump, value);
	json_object *entry = json_object_new_object();

	json_object_object_add(entry, "key", map_json(dump->map.key, &whole_key));
	if (has_padding(dump, key))
		json_object_object_add(entry, "key_bytes", map_json(dump->key_bytes, &whole_key));
	if (dump->map.per_cpu && !dump->sum)
		json_object_object_add(entry, "values", json_cpus(dump, value));
	else
		json_object_object_add(entry, "value", map_json(dump->map.value, &whole_value));

	fputs(dump->comma ? "," : "", stdout);
	dump->comma = true;
	if (output.pretty) {
		putchar('\n');
		print_indented(json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
									     JSON_C_TO_STRING_NOSLASHESCAPE));
	} else {
		fputs(json_object_to_json_string_ext(entry, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
		      stdout);
	}
	json_object_put(entry);
	return ferror(stdout) ? -EIO : 0;
}

static int print_all(struct dump *dump, struct elfmap_msg *msg)
{
	int err;

	if (!output.json)
		return elfmap_reader__each(&dump->map, print_entry, dump, msg);
	putchar('[');
	err = elfmap_reader__each(&dump->map, print_json_entry, dump, msg);
	/* After a failure the array stays open, so that nobody takes half of it for the whole. */
	if (!err)
		fputs(output.pretty && dump->comma ? "\n]\n" : "]\n", stdout);
	return err;
}

/* ------------------------------------------------------------------------------------------------- */

static int check_sum(const struct dump *dump, struct elfmap_msg *msg)
{
	const char *culprit = "";

	if (!dump->sum)
		return 0;
	if (!dump->map.per_cpu) {
		snprintf(msg->text, sizeof(msg->text),
			 "a %s has one value a key, there is nothing to sum; leave 'sum' out",
			 elfmap_map_type_name(dump->map.info.type) ?: "map of this type");
		return -EINVAL;
	}
	if (elfmap_type__can_sum(dump->map.value, &culprit))
		return 0;
	if (dump->map.value->notation == ELFMAP_HEX)
		snprintf(msg->text, sizeof(msg->text),
			 "the map has no types, and bytes cannot be summed; BPF_ANNOTATE_KV_PAIR in its source gives "
			 "it types");
	else
		snprintf(msg->text, sizeof(msg->text), "%s%s is not a number and cannot be summed",
			 *culprit ? "member " : "the value", culprit);
	return -EINVAL;
}

int map_dump(int argc, char **argv)
{
	struct elfmap_msg msg = {.text = "no memory"};
	struct dump dump = {.map.fd = -1};
	char path[PATH_MAX];
	int err, status;

	argc = take_options(argc, argv, NULL);
	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "sum") != 0))
		return EXIT_USAGE;
	dump.sum = argc == 3;
	begin_output();
	err = elfmap_bpffs__pin_path(argv[1], path, sizeof(path), &msg);
	err = err ?: elfmap_reader__open(path, &dump.map, &msg);
	err = err ?: check_sum(&dump, &msg);
	err = err ?: prepare_padding(&dump);
	err = err ?: print_all(&dump, &msg);
	status = end_output();
	if (err && status == EXIT_SUCCESS)
		status = complain(argv[1], "%s", msg.text);
	elfmap_reader__close(&dump.map);
	elfmap_type__free(dump.key_bytes);
	free(dump.shown);
	return status;
}
