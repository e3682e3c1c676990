// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap map get`, `set` and `del`: entries in the words of the command line. bpftool's lookup, update
 * and delete are the same with `key DATA value DATA`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/entries.h"
#include "map/map_write.h"

/* What the words after PIN say. */
struct request {
	struct target target;
	struct elfmap_type_words words;
	struct elfmap_entries entries; /* for get and del without values that count */
	bool with_values;
	bool sum;
	__u64 flags;
};

/* Who knows bpftool leaves out `hex`, and who knows the map does not know that it has no types. */
static int refuse_words(const struct request *request, const char *what, const struct elfmap_type *type,
			const struct elfmap_msg *msg)
{
	return complain(request->target.pin, "%s: %s%s", what, msg->text,
			type->notation != ELFMAP_HEX ? ""
						     : "; the map has no types: 'types KEY:VALUE' says some, and "
						       "'key 1 0 0 0' is bytes as numbers");
}

/* The same behind `key` or `value`. */
static int refuse_data(const struct request *request, const char *what, const struct elfmap_type *type,
		       const struct elfmap_msg *msg)
{
	if (type->notation != ELFMAP_HEX)
		return refuse_words(request, what, type, msg);
	return complain(request->target.pin,
			"%s: expected %zu byte%s, as numbers from 0 to 255 or, behind 'hex', with two digits each",
			what, type->size, type->size == 1 ? "" : "s");
}

static void note_conflict(void *context, const struct elfmap_conflict *conflict)
{
	struct request *request = context;

	complain(request->target.pin, "pair %zu has the key of pair %zu and another value; nothing was changed",
		 conflict->line, conflict->first_line);
}

/* ---- words -------------------------------------------------------------------------------------- */

/* KEY VALUE KEY VALUE ..., or KEY KEY ... */
static int read_pairs(struct request *request, char *line)
{
	struct target *target = &request->target;
	struct elfmap_msg msg;
	struct elfmap_text text = elfmap_text__new(line, strlen(line), target->resolver, &msg);
	void *key, *value;

	text.ids = false;
	for (size_t pair = 1; !elfmap_text__is_at_end(&text); pair++) {
		if (elfmap_entries__reserve(&request->entries, &key, &value))
			return complain(target->pin, "no memory");
		if (elfmap_text__read(&text, target->map.format.key, key))
			return refuse_words(request, "key", target->map.format.key, &msg);
		if (request->with_values && elfmap_text__read_value(&text, &target->map.format, value))
			return refuse_words(request, "value", target->map.format.value, &msg);
		if (elfmap_entries__add(&request->entries, pair))
			return complain(target->pin, "no memory");
	}
	return elfmap_entries__finish(&request->entries, note_conflict, request) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* bpftool's words: the bytes of one key, then those of its value. */
static int read_data(struct request *request, char *key_words, char *value_words)
{
	struct target *target = &request->target;
	struct elfmap_msg msg;
	struct elfmap_text text = elfmap_text__new(key_words, strlen(key_words), target->resolver, &msg);
	void *key, *value;

	if (elfmap_entries__reserve(&request->entries, &key, &value))
		return complain(target->pin, "no memory");
	if (elfmap_text__read_key_data(&text, target->map.format.key, key))
		return refuse_data(request, "key", target->map.format.key, &msg);
	if (request->with_values) {
		text = elfmap_text__new(value_words, strlen(value_words), target->resolver, &msg);
		if (elfmap_text__read_data(&text, &target->map.format, value))
			return refuse_data(request, "value", target->map.format.value, &msg);
	}
	if (elfmap_entries__add(&request->entries, 1) ||
	    elfmap_entries__finish(&request->entries, note_conflict, request))
		return complain(target->pin, "no memory");
	return EXIT_SUCCESS;
}

static int find_word(int count, char **words, const char *word)
{
	int i = 0;

	while (i < count && strcmp(words[i], word) != 0)
		i++;
	return i;
}

static int read_words(struct request *request, int count, char **words)
{
	bool is_data = count > 1 && !strcmp(words[0], "key");
	int value = is_data ? find_word(count, words, "value") : count, status;
	char *first = join_words(is_data ? value - 1 : count, words + is_data);
	char *second = join_words(value < count ? count - value - 1 : 0, words + (value < count ? value + 1 : 0));

	if (is_data && (value < count) != request->with_values)
		status = EXIT_USAGE;
	else if (!first || !second)
		status = complain(request->target.pin, "no memory");
	else
		status = is_data ? read_data(request, first, second) : read_pairs(request, first);
	free(first);
	free(second);
	return status;
}

/* INSTEAD is what queues have; a bloom filter takes values, and streams of events nothing. */
static int refuse_keyless(const struct request *request, const char *instead)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(request->target.map.info.type);
	bool has_it = kind->is_queue || (kind->is_pushed && request->with_values);

	return complain(request->target.pin, "%s has no keys%s%s", kind->phrase, has_it ? "; " : "",
			has_it ? instead : "");
}

/* Opens the map and reads the words behind PIN. */
static int begin(struct request *request, int argc, char **argv, enum elfmap_access access, const char *instead)
{
	struct target *target = &request->target;
	int status;

	status = target__open(target, argv[1], access, &request->words);
	if (status)
		return status;
	if (!target->map.info.key_size)
		return refuse_keyless(request, instead);
	elfmap_entries__init(&request->entries, target->map.info.key_size, elfmap_map__value_size(&target->map));
	return read_words(request, argc - 2, argv + 2);
}

static void end(struct request *request)
{
	elfmap_entries__free(&request->entries);
	target__close(&request->target);
}

static int refuse_entry(const struct request *request, size_t index, const char *why, const char *what_became)
{
	char key[256];

	target__describe_key(&request->target, request->entries.keys + index * request->entries.key_size, key,
			     sizeof(key));
	return complain(request->target.pin, "%s: %s%s", key, why, what_became);
}

/* ---- get ---------------------------------------------------------------------------------------- */

static int print_entries(const struct request *request)
{
	const struct elfmap_entries *entries = &request->entries;
	struct elfmap_msg msg;
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < entries->count && !status; i++) {
		const void *key = entries->keys + i * entries->key_size;
		void *value = entries->values + i * entries->value_size;

		if (elfmap_map__lookup(&request->target.map, key, value, &msg))
			status = refuse_entry(request, i, msg.text, "");
		else
			status = target__print_entry(&request->target, key, value, request->sum);
	}
	return status;
}

int map_get(int argc, char **argv)
{
	struct request request = {.target.map.fd = -1};
	struct elfmap_msg msg;
	int status;

	argc = take_options(argc, argv, NULL);
	status = take_types(&argc, argv, false, &request.words);
	if (status || argc < 3)
		return status ?: EXIT_USAGE;
	request.sum = argc > 3 && !strcmp(argv[argc - 1], "sum");
	status = begin(&request, argc - request.sum, argv, ELFMAP_READ, "'peek' shows the next value");
	if (!status && elfmap_map__check_readable(&request.target.map.info, &msg))
		status = complain(argv[1], "%s", msg.text);
	if (!status && request.sum)
		status = target__check_sum(&request.target);
	if (!status && request.entries.count != 1)
		status = EXIT_USAGE;
	status = status ?: print_entries(&request);
	end(&request);
	return status;
}

/* ---- set ---------------------------------------------------------------------------------------- */

/* What would stop the work half-way is looked for before it begins. Maps that cannot be read are not asked. */
static int check_presence(const struct request *request, bool wanted)
{
	const struct elfmap_entries *entries = &request->entries;
	struct elfmap_msg msg;
	size_t i = 0;
	void *value;

	if (entries->count < 2 && !(wanted && elfmap_map_kind__of(request->target.map.info.type)->has_silent_slots))
		return EXIT_SUCCESS; /* there is no half of one */
	value = malloc(entries->value_size);
	if (!value)
		return complain(request->target.pin, "no memory");
	for (; i < entries->count; i++) {
		int err = elfmap_map__lookup_exact(&request->target.map, entries->keys + i * entries->key_size, value,
						   &msg);

		if (wanted ? err == -ENOENT : !err)
			break;
	}
	free(value);
	if (i == entries->count)
		return EXIT_SUCCESS;
	return refuse_entry(request, i, wanted ? "no such key" : "the key is there already",
			    entries->count > 1 ? "; nothing was changed" : "");
}

static bool take_flags(struct request *request, int *argc, char **argv)
{
	static const struct {
		const char *word;
		__u64 flags;
	} words[] = {{"any", BPF_ANY}, {"noexist", BPF_NOEXIST}, {"exist", BPF_EXIST}};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && *argc > 4; i++)
		if (!strcmp(argv[*argc - 1], words[i].word)) {
			request->flags = words[i].flags;
			argv[--*argc] = NULL;
			return true;
		}
	return false;
}

static int write_entries(const struct request *request)
{
	const struct elfmap_entries *entries = &request->entries;
	struct elfmap_job job = {.map = &request->target.map, .flags = request->flags};
	struct elfmap_name_keeper keeper;
	struct elfmap_msg msg;
	int err;

	if (request->flags && check_presence(request, request->flags == BPF_EXIST))
		return EXIT_FAILURE;
	elfmap_name_keeper__begin(&keeper, request->target.path, &job);
	err = elfmap_job__update(&job, entries->keys, entries->values, entries->count, &msg);
	target__end_names(&request->target, &keeper, &job);
	if (job.done)
		elfmap_resolver__keep(request->target.resolver);
	if (!err)
		return EXIT_SUCCESS;
	return refuse_entry(request, job.refused, msg.text, job.done ? "; the entries before it were written" : "");
}

/* A number that is typed in wrong would lose packets without a trace. Bulk input, which dump wrote, is not asked:
 * there it may be of a device that has gone, or is elsewhere. */
static int check_devices(const struct request *request)
{
	const struct elfmap_entries *entries = &request->entries;
	struct elfmap_device_names names;
	struct elfmap_msg msg;
	__u32 missing = 0;
	size_t i;

	if (!elfmap_map__has_devices(&request->target.map))
		return EXIT_SUCCESS;
	if (elfmap_device_names__open(request->target.path, &request->target.map, &names, &msg))
		return complain(request->target.pin, "%s", msg.text);
	for (i = 0; i < entries->count; i++) {
		missing = elfmap_device_names__find_missing(&names, entries->values + i * entries->value_size);
		if (missing)
			break;
	}
	elfmap_device_names__close(&names);
	if (!missing)
		return EXIT_SUCCESS;
	snprintf(msg.text, sizeof(msg.text), "no device in this network namespace has the number %u", missing);
	return refuse_entry(request, i, msg.text, entries->count > 1 ? "; nothing was changed" : "");
}

int map_set(int argc, char **argv)
{
	struct request request = {.target.map.fd = -1, .with_values = true};
	struct elfmap_msg msg;
	int status;

	argc = take_options(argc, argv, NULL);
	status = take_types(&argc, argv, false, &request.words);
	if (status || argc < 3)
		return status ?: EXIT_USAGE;
	take_flags(&request, &argc, argv);
	status = begin(&request, argc, argv, ELFMAP_READ_WRITE, "'push' adds a value");
	if (!status && elfmap_map__check_writable(&request.target.map, &msg))
		status = complain(argv[1], "%s", msg.text);
	status = status ?: check_devices(&request);
	status = status ?: write_entries(&request);
	end(&request);
	return status;
}

/* ---- del ---------------------------------------------------------------------------------------- */

static int delete_entries(const struct request *request)
{
	const struct elfmap_entries *entries = &request->entries;
	struct elfmap_job job = {.map = &request->target.map};
	struct elfmap_name_keeper keeper;
	struct elfmap_msg msg;
	int err;

	if (elfmap_map__check_deletable(job.map, &msg))
		return complain(request->target.pin, "%s", msg.text);
	if (check_presence(request, true))
		return EXIT_FAILURE;
	elfmap_name_keeper__begin(&keeper, request->target.path, &job);
	err = elfmap_job__delete(&job, entries->keys, entries->count, &msg);
	target__end_names(&request->target, &keeper, &job);
	if (!err)
		return EXIT_SUCCESS;
	return refuse_entry(request, job.refused, msg.text, job.done ? "; the entries before it were deleted" : "");
}

int map_del(int argc, char **argv)
{
	struct request request = {.target.map.fd = -1};
	int status;

	argc = take_options(argc, argv, NULL);
	status = take_types(&argc, argv, false, &request.words);
	if (status || argc < 3)
		return status ?: EXIT_USAGE;
	status = begin(&request, argc, argv, ELFMAP_READ_WRITE, "'pop' takes the next value out");
	status = status ?: delete_entries(&request);
	end(&request);
	return status;
}
