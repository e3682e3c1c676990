// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Single values in the words of the command line: `elfmap map get`, `set` and `del` of entries, `push`, `pop` and
 * `peek` of queues and stacks, whose values have no keys. bpftool's lookup, update and delete are get, set and del
 * with `key DATA value DATA`.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/map_member.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/entries.h"
#include "map/map_write.h"
#include "map/taken.h"

/* ---- entries --------------------------------------------------------------------------------------------- */

/* The request from the command line. */
struct entry_request {
	const char *pin;
	struct option_words data; /* KEY ..., KEY VALUE ..., or bpftool's key DATA value DATA */
	struct elfmap_type_words words;
	int presence;
	struct cpu_word {
		bool is_given;
		__u32 number;
	} cpu;
	bool sum, match, racy;
};

struct work {
	const struct entry_request *request;
	struct target target;
	struct elfmap_entries entries; /* for get and del: values without meaning */
	bool with_values;
};

/* bpftool needs no `hex`; so the refusal says how bytes are written here, and that the map has no types. */
static int refuse_words(const struct work *work, const char *what, const struct elfmap_type *type,
			const struct elfmap_msg *msg)
{
	return complain(work->target.pin, "%s: %s%s", what, msg->text,
			type->notation != ELFMAP_HEX ? ""
						     : "; the map has no types: give them with 'types KEY:VALUE', or "
						       "bytes as numbers with 'key 1 0 0 0'");
}

/* The same after `key` or `value`. */
static int refuse_data(const struct work *work, const char *what, const struct elfmap_type *type,
		       const struct elfmap_msg *msg)
{
	if (type->notation != ELFMAP_HEX)
		return refuse_words(work, what, type, msg);
	return complain(work->target.pin,
			"%s: expected %zu byte%s, as numbers from 0 to 255 or, behind 'hex', with two digits each",
			what, type->size, type->size == 1 ? "" : "s");
}

static void note_conflict(void *context, const struct elfmap_conflict *conflict)
{
	struct work *work = context;

	complain(work->target.pin, "pair %zu has the key of pair %zu and another value; nothing was changed",
		 conflict->line, conflict->first_line);
}

/* ---- words -------------------------------------------------------------------------------------- */

/* KEY VALUE KEY VALUE ..., or KEY KEY ... */
static int read_pairs(struct work *work, char *line)
{
	struct target *target = &work->target;
	struct elfmap_msg msg;
	struct elfmap_text text = elfmap_text__new(line, strlen(line), target->resolver, &msg);
	void *key, *value;

	text.ids = false;
	for (size_t pair = 1; !elfmap_text__is_at_end(&text); pair++) {
		if (elfmap_entries__reserve(&work->entries, &key, &value))
			return complain(target->pin, "no memory");
		if (elfmap_text__read(&text, target->map.format.key, key))
			return refuse_words(work, "key", target->map.format.key, &msg);
		if (work->with_values && elfmap_text__read_value(&text, &target->map.format, value))
			return refuse_words(work, "value", target->map.format.value, &msg);
		if (elfmap_entries__add(&work->entries, pair))
			return complain(target->pin, "no memory");
	}
	return elfmap_entries__finish(&work->entries, note_conflict, work) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* bpftool's syntax: the bytes of one key, then those of its value. */
static int read_data(struct work *work, char *key_words, char *value_words)
{
	struct target *target = &work->target;
	struct elfmap_msg msg;
	struct elfmap_text text = elfmap_text__new(key_words, strlen(key_words), target->resolver, &msg);
	void *key, *value;

	if (elfmap_entries__reserve(&work->entries, &key, &value))
		return complain(target->pin, "no memory");
	if (elfmap_text__read_key_data(&text, target->map.format.key, key))
		return refuse_data(work, "key", target->map.format.key, &msg);
	if (work->with_values) {
		text = elfmap_text__new(value_words, strlen(value_words), target->resolver, &msg);
		if (elfmap_text__read_data(&text, &target->map.format, value))
			return refuse_data(work, "value", target->map.format.value, &msg);
	}
	if (elfmap_entries__add(&work->entries, 1) || elfmap_entries__finish(&work->entries, note_conflict, work))
		return complain(target->pin, "no memory");
	return EXIT_SUCCESS;
}

static int find_word(const struct option_words *data, const char *word)
{
	int i = 0;

	while (i < data->nr && strcmp(data->words[i], word) != 0)
		i++;
	return i;
}

static int read_words(struct work *work)
{
	const struct option_words *data = &work->request->data;
	bool is_data = data->nr > 1 && !strcmp(data->words[0], "key");
	int value = is_data ? find_word(data, "value") : data->nr, status;
	struct option_words keys = {data->words + is_data, value - is_data};
	struct option_words values = {data->words + value + 1, value < data->nr ? data->nr - value - 1 : 0};
	char *first = join_words(&keys), *second = join_words(&values);

	if (is_data && (value < data->nr) != work->with_values) {
		complain(work->target.pin, work->with_values ? "requires 'value DATA'" : "unexpected argument 'value'");
		status = EXIT_USAGE;
	} else if (!first || !second) {
		status = complain(work->target.pin, "no memory");
	} else {
		status = is_data ? read_data(work, first, second) : read_pairs(work, first);
	}
	free(first);
	free(second);
	return status;
}

/* INSTEAD: the verb for queues. A bloom filter only takes values, and a stream of events takes nothing. */
static int refuse_keyless(const struct work *work, const char *instead)
{
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(work->target.map.info.type);
	bool has_it = kind->is_queue || (kind->is_pushed && work->with_values);

	return complain(work->target.pin, "%s has no keys%s%s", kind->phrase, has_it ? "; " : "",
			has_it ? instead : "");
}

/* Opens the map and reads the arguments after PIN. */
static int begin(struct work *work, const struct entry_request *request, enum elfmap_access access, const char *instead)
{
	struct target *target = &work->target;
	int status;

	work->request = request;
	status = target__open(target, request->pin, access, &request->words);
	if (status)
		return status;
	if (!target->map.info.key_size)
		return refuse_keyless(work, instead);
	elfmap_entries__init(&work->entries, target->map.info.key_size, elfmap_map__value_size(&target->map));
	return read_words(work);
}

static void end(struct work *work)
{
	elfmap_entries__free(&work->entries);
	target__close(&work->target);
}

static int refuse_entry(const struct work *work, size_t index, const char *why, const char *what_became)
{
	char key[256];

	target__describe_key(&work->target, work->entries.keys + index * work->entries.key_size, key, sizeof(key));
	return complain(work->target.pin, "%s: %s%s", key, why, what_became);
}

/* ---- get ---------------------------------------------------------------------------------------- */

static int print_entries(const struct work *work)
{
	const struct elfmap_entries *entries = &work->entries;
	struct elfmap_msg msg;
	int status = EXIT_SUCCESS;

	for (size_t i = 0; i < entries->count && !status; i++) {
		void *key = entries->keys + i * entries->key_size;
		void *value = entries->values + i * entries->value_size;

		if (work->request->match ? elfmap_map__lookup_match(&work->target.map, key, value, &msg)
					 : elfmap_map__lookup(&work->target.map, key, value, &msg))
			status = refuse_entry(work, i, msg.text, "");
		else
			status = target__print_entry(&work->target, key, value, work->request->sum);
	}
	return status;
}

static int run_get(const void *words)
{
	const struct entry_request *request = words;
	struct work work = {.target.map.fd = -1};
	struct elfmap_msg msg;
	int status;

	status = begin(&work, request, ELFMAP_READ, "'peek' shows the next value");
	if (!status && elfmap_map__check_readable(&work.target.map.info, &msg))
		status = complain(request->pin, "%s", msg.text);
	if (!status && request->sum)
		status = target__check_sum(&work.target);
	if (!status && request->match && !elfmap_map_kind__of(work.target.map.info.type)->is_prefix)
		status = complain(request->pin, "%s has no prefixes; omit 'match'",
				  elfmap_map_kind__of(work.target.map.info.type)->phrase);
	if (!status && work.entries.count != 1) {
		complain(request->pin, "requires one KEY");
		status = EXIT_USAGE;
	}
	status = status ?: print_entries(&work);
	end(&work);
	return status;
}

static const struct option_row get_options[] = {
	PIN_ROW(struct entry_request),
	{NULL, "KEY", OPTION_REQUIRED, OPTION_WORDS_AT(struct entry_request, data)},
	{"sum", NULL, OPTION_LAST, OPTION_FLAG_AT(struct entry_request, sum), .min = 2,
	 .help = "add up the values of the CPUs"},
	{"match", NULL, OPTION_LAST, OPTION_FLAG_AT(struct entry_request, match), .min = 2,
	 .help = "show the prefix that matched"},
	TYPES_ROW(struct entry_request),
	{},
};

const struct verb map_get_verb = {
	.name = "get",
	.summary = "show one entry",
	.run = run_get,
	.options = get_options,
	.request_size = sizeof(struct entry_request),
};

/* ---- set ---------------------------------------------------------------------------------------- */

/* Checks `exist` and `noexist` for all keys before the first one is written. Maps that cannot be read are not
 * checked. */
static int check_presence(const struct work *work, bool wanted)
{
	const struct elfmap_entries *entries = &work->entries;
	struct elfmap_msg msg;
	size_t i = 0;
	void *value;

	if (entries->count < 2 && !(wanted && elfmap_map_kind__of(work->target.map.info.type)->has_silent_slots))
		return EXIT_SUCCESS; /* a key and its value are complete */
	value = malloc(entries->value_size);
	if (!value)
		return complain(work->target.pin, "no memory");
	for (; i < entries->count; i++) {
		int err =
			elfmap_map__lookup_exact(&work->target.map, entries->keys + i * entries->key_size, value, &msg);

		if (wanted ? err == -ENOENT : !err)
			break;
	}
	free(value);
	if (i == entries->count)
		return EXIT_SUCCESS;
	return refuse_entry(work, i, wanted ? "no such key" : "the key is there already",
			    entries->count > 1 ? "; nothing was changed" : "");
}

static int write_entries(const struct work *work)
{
	const struct elfmap_entries *entries = &work->entries;
	struct elfmap_job job = {.map = &work->target.map, .flags = (__u64)work->request->presence};
	struct elfmap_name_keeper keeper;
	struct elfmap_msg msg;
	int err;

	if ((__u64)work->request->presence && check_presence(work, (__u64)work->request->presence == BPF_EXIST))
		return EXIT_FAILURE;
	elfmap_name_keeper__begin(&keeper, work->target.path, &job);
	err = elfmap_job__update(&job, entries->keys, entries->values, entries->count, &msg);
	target__end_names(&work->target, &keeper, &job);
	if (job.done)
		elfmap_resolver__keep(work->target.resolver);
	if (!err)
		return EXIT_SUCCESS;
	return refuse_entry(work, job.refused, msg.text, job.done ? "; the entries before it were written" : "");
}

/* A mistyped device number would silently lose packets. Bulk input, which dump wrote, is not checked: its devices may
 * be gone or in another namespace. */
static int check_devices(const struct work *work)
{
	const struct elfmap_entries *entries = &work->entries;
	struct elfmap_device_names names;
	struct elfmap_msg msg;
	__u32 missing = 0;
	size_t i;

	if (!elfmap_map__has_devices(&work->target.map))
		return EXIT_SUCCESS;
	if (elfmap_device_names__open(work->target.path, &work->target.map, &names, &msg))
		return complain(work->target.pin, "%s", msg.text);
	for (i = 0; i < entries->count; i++) {
		missing = elfmap_device_names__find_missing(&names, entries->values + i * entries->value_size);
		if (missing)
			break;
	}
	elfmap_device_names__close(&names);
	if (!missing)
		return EXIT_SUCCESS;
	snprintf(msg.text, sizeof(msg.text), "no device in this network namespace has the number %u", missing);
	return refuse_entry(work, i, msg.text, entries->count > 1 ? "; nothing was changed" : "");
}

/* Members, or the value of one CPU. */
static int set_part(const struct entry_request *request)
{
	const struct member_request part = {.pin = request->pin,
					    .data = &request->data,
					    .words = &request->words,
					    .cpu = request->cpu.is_given ? (int)request->cpu.number : -1,
					    .racy = request->racy};

	if (request->presence == BPF_NOEXIST) {
		complain(request->pin, "'noexist' excludes parts of a value");
		return EXIT_USAGE;
	}
	if (request->racy && !map_member__is_last(&request->data)) {
		complain(request->pin, "--racy requires 'member=value'");
		return EXIT_USAGE;
	}
	return map_member__set(&part);
}

static int run_set(const void *words)
{
	const struct entry_request *request = words;
	struct work work = {.target.map.fd = -1, .with_values = true};
	struct elfmap_msg msg;
	int status;

	if (request->cpu.is_given || request->racy || map_member__is_last(&request->data))
		return set_part(request);
	status = begin(&work, request, ELFMAP_READ_WRITE, "'push' adds a value");
	if (!status && elfmap_map__check_writable(&work.target.map, &msg))
		status = complain(request->pin, "%s", msg.text);
	status = status ?: check_devices(&work);
	status = status ?: write_entries(&work);
	if (!status)
		output__add("written", json_object_new_uint64(work.entries.count));
	end(&work);
	return status;
}

static const struct option_choice presences[] = {
	{"any", BPF_ANY, false}, {"noexist", BPF_NOEXIST, false}, {"exist", BPF_EXIST, false}, {}};

static int read_cpu(char *word, void *to, struct elfmap_msg *msg)
{
	struct cpu_word *cpu = to;
	__u64 number;

	if (elfmap_number__read(word, 10, 0, INT32_MAX, &number))
		return elfmap_msg__set(msg, -EINVAL, "'%s' is not the number of a CPU", word);
	*cpu = (struct cpu_word){.is_given = true, .number = (__u32)number};
	return 0;
}

static const struct option_row set_options[] = {
	PIN_ROW(struct entry_request),
	{NULL, "KEY VALUE", OPTION_REQUIRED, OPTION_WORDS_AT(struct entry_request, data)},
	{NULL, NULL, OPTION_LAST, OPTION_CHOICE_AT(struct entry_request, presence, presences), .min = 3,
	 .help = "whether the keys may or must already exist"},
	{"cpu", "N", OPTION_LAST, OPTION_READ_AT(struct entry_request, cpu, read_cpu), .min = 3,
	 .help = "write only the value of this CPU"},
	{"--racy", NULL, 0, OPTION_FLAG_AT(struct entry_request, racy),
	 .help = "read, change and write the whole value"},
	TYPES_ROW(struct entry_request),
	{},
};

const struct verb map_set_verb = {
	.name = "set",
	.summary = "add or overwrite entries",
	.run = run_set,
	.options = set_options,
	.request_size = sizeof(struct entry_request),
	.changes = true,
};

/* ---- del ---------------------------------------------------------------------------------------- */

static int delete_entries(const struct work *work)
{
	const struct elfmap_entries *entries = &work->entries;
	struct elfmap_job job = {.map = &work->target.map};
	struct elfmap_name_keeper keeper;
	struct elfmap_msg msg;
	int err;

	if (elfmap_map__check_deletable(job.map, &msg))
		return complain(work->target.pin, "%s", msg.text);
	if (check_presence(work, true))
		return EXIT_FAILURE;
	elfmap_name_keeper__begin(&keeper, work->target.path, &job);
	err = elfmap_job__delete(&job, entries->keys, entries->count, &msg);
	target__end_names(&work->target, &keeper, &job);
	if (!err)
		return EXIT_SUCCESS;
	return refuse_entry(work, job.refused, msg.text, job.done ? "; the entries before it were deleted" : "");
}

static int run_del(const void *words)
{
	struct work work = {.target.map.fd = -1};
	int status;

	status = begin(&work, words, ELFMAP_READ_WRITE, "'pop' takes the next value out");
	status = status ?: delete_entries(&work);
	if (!status)
		output__add("deleted", json_object_new_uint64(work.entries.count));
	end(&work);
	return status;
}

static const struct option_row del_options[] = {
	PIN_ROW(struct entry_request),
	{NULL, "KEY", OPTION_REQUIRED, OPTION_WORDS_AT(struct entry_request, data)},
	TYPES_ROW(struct entry_request),
	{},
};

const struct verb map_del_verb = {
	.name = "del",
	.summary = "delete entries",
	.run = run_del,
	.options = del_options,
	.request_size = sizeof(struct entry_request),
	.changes = true,
};

/* ---- bpftool's words ------------------------------------------------------------------------------ */

#define DATA_ROW(data_name)                                                                   \
	{                                                                                     \
		NULL, data_name, OPTION_REQUIRED, OPTION_WORDS_AT(struct entry_request, data) \
	}

static const struct option_row lookup_options[] = {
	PIN_ROW(struct entry_request), DATA_ROW("key DATA"), TYPES_ROW(struct entry_request), {}};

const struct verb map_lookup_verb = {
	.name = "lookup",
	.summary = "'get' in bpftool's words",
	.run = run_get,
	.options = lookup_options,
	.request_size = sizeof(struct entry_request),
};
const struct verb map_update_verb = {
	.name = "update",
	.summary = "'set' in bpftool's words",
	.run = run_set,
	.options = set_options,
	.request_size = sizeof(struct entry_request),
	.changes = true,
};
const struct verb map_delete_verb = {
	.name = "delete",
	.summary = "'del' in bpftool's words",
	.run = run_del,
	.options = lookup_options,
	.request_size = sizeof(struct entry_request),
	.changes = true,
};

/* ---- queues and stacks ----------------------------------------------------------------------------------- */

/* ---- push --------------------------------------------------------------------------------------- */

static int read_values(const struct target *target, char *line, struct elfmap_entries *entries)
{
	struct elfmap_msg msg;
	struct elfmap_text text = elfmap_text__new(line, strlen(line), target->resolver, &msg);
	void *key, *value;

	while (!elfmap_text__is_at_end(&text)) {
		if (elfmap_entries__reserve(entries, &key, &value))
			return complain(target->pin, "no memory");
		if (elfmap_text__read_value(&text, &target->map.format, value))
			return complain(target->pin, "value: %s", msg.text);
		if (elfmap_entries__add(entries, entries->count + 1))
			return complain(target->pin, "no memory");
	}
	return elfmap_entries__finish(entries, NULL, NULL) ? complain(target->pin, "no memory") : EXIT_SUCCESS;
}

struct queue_request {
	const char *pin;
	struct option_words values;
	struct elfmap_type_words words;
};

/* bpftool's syntax is `update PIN value DATA`; accept the word `value` here, too. */
static struct option_words skip_value(struct option_words values)
{
	if (values.nr < 2 || strcmp(values.words[0], "value") != 0)
		return values;
	return (struct option_words){values.words + 1, values.nr - 1};
}

static int push(const struct target *target, const struct option_words *values)
{
	struct elfmap_job job = {.map = &target->map};
	struct elfmap_entries entries;
	struct elfmap_msg msg;
	char *line;
	int status;

	elfmap_entries__init(&entries, 0, elfmap_map__value_size(&target->map));
	line = join_words(values);
	status = line ? read_values(target, line, &entries) : complain(target->pin, "no memory");
	if (!status && elfmap_job__update(&job, NULL, entries.values, entries.count, &msg))
		status = complain(target->pin, "%s; %zu of %zu values were pushed", msg.text, job.done, entries.count);
	if (!status)
		output__add("pushed", json_object_new_uint64(entries.count));
	elfmap_entries__free(&entries);
	free(line);
	return status;
}

static int run_push(const void *words)
{
	const struct queue_request *request = words;
	struct option_words values = skip_value(request->values);
	struct target target = {.map.fd = -1};
	int status;

	status = target__open(&target, request->pin, ELFMAP_READ_WRITE, &request->words);
	if (!status && !elfmap_map_kind__of(target.map.info.type)->is_pushed)
		status = target__check_queue(&target);
	status = status ?: push(&target, &values);
	target__close(&target);
	return status;
}

static const struct option_row push_options[] = {
	PIN_ROW(struct queue_request),
	{NULL, "VALUE", OPTION_REQUIRED, OPTION_WORDS_AT(struct queue_request, values)},
	TYPES_ROW(struct queue_request),
	{},
};

const struct verb map_push_verb = {
	.name = "push",
	.summary = "add to a queue or stack",
	.run = run_push,
	.options = push_options,
	.request_size = sizeof(struct queue_request),
	.changes = true,
};

/* ---- pop, peek ---------------------------------------------------------------------------------- */

static int show_next(const struct queue_request *request, bool takes)
{
	struct target target = {.map.fd = -1};
	struct elfmap_taken taken = {.map = &target.map};
	const void *next = NULL;
	struct elfmap_msg msg;
	void *value = NULL;
	int status;

	if (takes)
		interrupt__keep_output();
	status = target__open(&target, request->pin, takes ? ELFMAP_READ_WRITE : ELFMAP_READ, &request->words);
	status = status ?: target__check_queue(&target);
	if (status)
		goto out;
	value = calloc(1, elfmap_map__value_size(&target.map));
	if (!value)
		status = complain(request->pin, "no memory");
	else if (takes ? elfmap_taken__next(&taken, &next, &msg) : elfmap_map__lookup(&target.map, NULL, value, &msg))
		status = complain(request->pin, "%s", msg.text);
	else
		status = target__print_entry(&target, NULL, takes ? next : value, false);
	if (status && elfmap_taken__put_back(&taken, &msg)) /* it was not written */
		complain(request->pin, "%s", msg.text);
out:
	elfmap_taken__free(&taken);
	free(value);
	target__close(&target);
	return status;
}

static int run_pop(const void *request)
{
	return show_next(request, true);
}

static int run_peek(const void *request)
{
	return show_next(request, false);
}

static const struct option_row next_options[] = {PIN_ROW(struct queue_request), TYPES_ROW(struct queue_request), {}};

const struct verb map_pop_verb = {
	.name = "pop",
	.summary = "take the next value out of a queue or stack",
	.run = run_pop,
	.options = next_options,
	.request_size = sizeof(struct queue_request),
	.changes = true,
};
const struct verb map_peek_verb = {
	.name = "peek",
	.summary = "show the next value, and leave it",
	.run = run_peek,
	.options = next_options,
	.request_size = sizeof(struct queue_request),
};
