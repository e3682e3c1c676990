// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* `elfmap map load`, `clear`, `replace` and `diff`: the entries of a map and the lines of a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/map_replacement.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "kinds/maps.h"
#include "map/map_write.h"

/* ---- load and clear -------------------------------------------------------------------------------------- */

static int print_count(const char *name, size_t count)
{
	json_object *root;

	if (!output.json)
		return EXIT_SUCCESS;
	root = json_object_new_object();
	json_object_object_add(root, name, json_object_new_uint64(count));
	print_json(root);
	return end_output();
}

/* ---- load --------------------------------------------------------------------------------------- */

static void begin(void *progress, size_t total)
{
	progress__begin(progress, total);
}

/* The line that shows the progress comes again. */
static void tell(void *progress, const char *object, const char *text)
{
	progress__end(progress);
	complain(object, "%s", text);
}

struct load_request {
	const char *pin, *file, *value;
	struct elfmap_type_words words;
	bool keep_going;
};

/* `key TYPE value TYPE` are types. Returns the value of all lines. */
static const char *take_value(const char *value, struct elfmap_type_words *words, bool has_types)
{
	if (has_types || !words->key)
		return value;
	words->value = value;
	return NULL;
}

static int run_load(const void *words)
{
	const struct load_request *request = words;
	struct elfmap_type_words types = request->words;
	const char *value = take_value(request->value, &types, types.value);
	struct progress progress = {};
	struct elfmap_fill fill = {.request = {.pin = request->pin,
					       .file = request->file,
					       .value = value,
					       .types = types,
					       .keep_going = request->keep_going},
				   .stop = &interrupted,
				   .refused = tell,
				   .note = tell,
				   .begin = begin,
				   .progress = progress__update,
				   .context = &progress};
	struct elfmap_msg msg;
	int err, status;

	interrupt__catch();
	err = elfmap_fill__run(&fill, &msg);
	progress__end(&progress);
	if (err)
		return complain(fill.culprit, "%s", msg.text);
	status = print_count("written", fill.nr_written);
	return fill.nr_refused ? EXIT_FAILURE : status; /* they have been complained about */
}

static const struct option_row load_options[] = {
	PIN_ROW(struct load_request),
	{NULL, "FILE|-", 0, OPTION_TEXT_AT(struct load_request, file), .completes = COMPLETE_FILE},
	TYPES_ROW(struct load_request),
	KEY_TYPE_ROW(struct load_request),
	VALUE_ROW(struct load_request),
	{"--keep-going", NULL, 0, OPTION_FLAG_AT(struct load_request, keep_going),
	 .help = "write the valid lines, even if others are refused"},
	{},
};

const struct verb map_load_verb = {
	.name = "load",
	.summary = "add or overwrite entries from lines KEY VALUE",
	.run = run_load,
	.options = load_options,
	.request_size = sizeof(struct load_request),
	.changes = true,
};

/* ---- clear -------------------------------------------------------------------------------------- */

static int complain_about_clear(const struct target *target, const struct elfmap_job *job, const struct elfmap_msg *msg)
{
	char last[256] = "";

	if (!job->done)
		return complain(target->pin, "%s; nothing was changed", msg->text);
	if (job->last_key && target->map.info.key_size)
		target__describe_key(target, job->last_key, last, sizeof(last));
	return complain(target->pin, "%s; %zu entries were cleared%s%s; the same command again finishes it", msg->text,
			job->done, *last ? ", the last with key " : "", last);
}

static int run_clear(const void *words)
{
	const struct load_request *request = words;
	struct progress progress;
	struct target target;
	struct elfmap_job job = {
		.map = &target.map, .stop = &interrupted, .progress = progress__update, .context = &progress};
	struct elfmap_msg msg;
	int status, err;

	interrupt__catch();
	status = target__open(&target, request->pin, ELFMAP_READ_WRITE, NULL);
	if (status)
		return status;
	job.last_key = malloc(target.map.info.key_size);
	progress__begin(&progress, 0);
	err = elfmap_job__clear(&job, &msg);
	progress__end(&progress);
	status = err ? complain_about_clear(&target, &job, &msg) : print_count("cleared", job.done);
	free(job.last_key);
	target__close(&target);
	return status;
}

static const struct option_row clear_options[] = {PIN_ROW(struct load_request), {}};

const struct verb map_clear_verb = {
	.name = "clear",
	.summary = "delete all entries, or set them to zero",
	.run = run_clear,
	.options = clear_options,
	.request_size = sizeof(struct load_request),
	.changes = true,
};

/* ---- replace and diff ------------------------------------------------------------------------------------ */

/* As diff(1) has them: 1 is an answer, so that trouble needs another number. */
#define EXIT_DIFFERENT 1
#define EXIT_TROUBLE 2

/* ---- differences -------------------------------------------------------------------------------- */

#define FLUSH_AT (64u << 10)

static void add_json_side(struct replacement *r, const char *side, const void *key, const void *value)
{
	if (!value)
		return;
	elfmap_json__name(&r->json, side);
	elfmap_json__entry(&r->json, &r->target.map.format, key, value, false);
}

static int print_json_difference(void *context, const void *key, const void *old_value, const void *new_value)
{
	struct replacement *r = context;

	elfmap_json__open(&r->json, '{');
	add_json_side(r, "old", key, old_value);
	add_json_side(r, "new", key, new_value);
	elfmap_json__close(&r->json, '}');
	return flush_output(&r->buffer, FLUSH_AT);
}

static void add_line(struct replacement *r, const char *sign, const void *key, const void *value)
{
	if (!value)
		return;
	elfmap_buffer__add(&r->buffer, sign, strlen(sign));
	elfmap_text__write_entry(&r->buffer, &r->target.map.format, key, value, false, r->target.resolver);
}

static int print_difference(void *context, const void *key, const void *old_value, const void *new_value)
{
	struct replacement *r = context;

	add_line(r, "-", key, old_value);
	add_line(r, "+", key, new_value);
	return flush_output(&r->buffer, FLUSH_AT);
}

int replacement__print(struct replacement *r)
{
	struct elfmap_msg msg = {.text = "no memory"};
	int err;

	r->json = (struct elfmap_json){.to = &r->buffer, .pretty = output.pretty};
	r->comparison.differs = output.json ? print_json_difference : print_difference;
	r->comparison.context = r;
	begin_output();
	if (output.json)
		elfmap_json__open(&r->json, '[');
	err = elfmap_comparison__make(&r->comparison, &msg);
	/* Also after a failure, so that the output can be parsed. Without a difference the failure is all. */
	if (err && !output.is_written && r->buffer.length <= 1) {
		r->buffer.length = 0;
	} else if (output.json) {
		elfmap_json__close(&r->json, ']');
		elfmap_buffer__add(&r->buffer, "\n", 1);
	}
	flush_output(&r->buffer, 0);
	if (end_output())
		return -EIO;
	if (err)
		complain(r->target.pin, "%s", msg.text);
	return err;
}

static bool is_different(const struct replacement *r)
{
	return r->comparison.nr_leftover || r->comparison.nr_equal != r->file.entries.count;
}

/* ---- the work ----------------------------------------------------------------------------------- */

static int complain_about(const struct replacement *r, const struct elfmap_job *job, const char *what, const void *keys,
			  size_t of, const struct elfmap_msg *msg)
{
	size_t size = r->target.map.info.key_size;
	char last[256] = "";

	if (job->done && size)
		target__describe_key(&r->target, (const char *)keys + (job->done - 1) * size, last, sizeof(last));
	return complain(r->target.pin, "%s; %zu of %zu entries were %s%s%s; the same command again finishes it",
			msg->text, job->done, of, what, *last ? ", the last with key " : "", last);
}

/* The line of the Nth entry of those that were not equal. */
static size_t line_of(const struct replacement *r, size_t n)
{
	size_t index = 0;

	for (; r->comparison.is_equal[index] || n; index++)
		n -= !r->comparison.is_equal[index];
	return elfmap_entries__line(&r->file.entries, index);
}

static int write_different(const struct replacement *r, struct elfmap_job *job)
{
	const struct elfmap_entries *entries = &r->file.entries;
	char place[PATH_MAX + 64];
	struct elfmap_msg msg;
	int err = 0;

	if (entries->count)
		err = elfmap_job__update(job, entries->keys, entries->values, entries->count, &msg);
	if (!err)
		return EXIT_SUCCESS;
	if (err == -EINTR)
		return complain_about(r, job, "written", entries->keys, entries->count, &msg);
	snprintf(place, sizeof(place), r->file.is_json ? "%s: entry %zu" : "%s:%zu", r->file.name,
		 line_of(r, job->refused));
	return complain(place, "%s; %zu of %zu entries were written", msg.text, job->done, entries->count);
}

/* Keys that the file has not: deleted, or set to zero where they cannot be. */
static int remove_leftover(struct replacement *r, struct elfmap_job *job)
{
	const struct elfmap_comparison *c = &r->comparison;
	size_t size = elfmap_map__value_size(&r->target.map);
	struct elfmap_msg msg;
	void *zeros = NULL;
	int err;

	if (!c->nr_leftover)
		return EXIT_SUCCESS;
	job->skip_absent = true;
	if (c->zeros)
		zeros = calloc(c->nr_leftover, size);
	if (c->zeros && !zeros)
		return complain(r->target.pin, "no memory");
	err = zeros ? elfmap_job__update(job, c->leftover, zeros, c->nr_leftover, &msg)
		    : elfmap_job__delete(job, c->leftover, c->nr_leftover, &msg);
	free(zeros);
	return err ? complain_about(r, job, c->zeros ? "set to zero" : "deleted", c->leftover, c->nr_leftover, &msg)
		   : EXIT_SUCCESS;
}

/* Leaves out of the file's entries what the map has already. */
static void keep_different(struct elfmap_entries *entries, const unsigned char *is_equal)
{
	size_t kept = 0;

	for (size_t i = 0; i < entries->count; i++) {
		if (is_equal[i])
			continue;
		memmove(entries->keys + kept * entries->key_size, entries->keys + i * entries->key_size,
			entries->key_size);
		memmove(entries->values + kept * entries->value_size, entries->values + i * entries->value_size,
			entries->value_size);
		kept++;
	}
	entries->count = kept;
}

static int print_counts(const struct replacement *r)
{
	json_object *root;

	if (!output.json)
		return EXIT_SUCCESS;
	root = json_object_new_object();
	json_object_object_add(root, "added", json_object_new_uint64(r->nr_added));
	json_object_object_add(root, "changed", json_object_new_uint64(r->comparison.nr_changed));
	json_object_object_add(root, "deleted", json_object_new_uint64(r->comparison.nr_leftover));
	json_object_object_add(root, "equal", json_object_new_uint64(r->comparison.nr_equal));
	print_json(root);
	return end_output();
}

/* LRU maps make room by themselves; slots are there or not, and the kernel's answer is the best message. A cgroup's
 * storage has no maximum. */
int replacement__check_room(const struct replacement *r)
{
	const struct bpf_map_info *info = &r->target.map.info;
	const struct elfmap_map_kind *kind = elfmap_map_kind__of(info->type);
	size_t count = r->file.entries.count;

	if (count <= info->max_entries || kind->read_by_index || !info->max_entries || kind->is_lru)
		return EXIT_SUCCESS;
	return complain(r->target.pin, "%s has %zu entr%s, and there is room for %u; nothing was changed", r->file.name,
			count, count == 1 ? "y" : "ies", info->max_entries);
}

/* What has to go goes first: a full map has no room for what comes. */
static int make_equal(struct replacement *r)
{
	struct elfmap_entries *entries = &r->file.entries;
	size_t nr_added = entries->count - r->comparison.nr_equal - r->comparison.nr_changed;
	struct progress progress;
	struct elfmap_job job = {
		.map = &r->target.map, .stop = &interrupted, .progress = progress__update, .context = &progress};
	struct elfmap_name_keeper keeper;
	int status;

	keep_different(entries, r->comparison.is_equal);
	status = map_file__open_objects(&r->file, &r->target);
	if (status)
		return status;
	elfmap_name_keeper__begin(&keeper, r->target.path, &job);
	progress__begin(&progress, r->comparison.nr_leftover);
	status = remove_leftover(r, &job);
	progress__end(&progress);
	progress__begin(&progress, entries->count);
	status = status ?: write_different(r, &job);
	progress__end(&progress);
	target__end_names(&r->target, &keeper, &job);
	if (job.done)
		elfmap_resolver__keep(r->target.resolver);
	r->nr_added = nr_added;
	return status;
}

int replacement__apply(struct replacement *r)
{
	struct elfmap_msg msg;

	if (!elfmap_comparison__make(&r->comparison, &msg))
		return make_equal(r);
	return complain(r->target.pin, "%s", msg.text);
}

/* ------------------------------------------------------------------------------------------------- */

struct replace_request {
	const char *pin, *file, *value;
	struct elfmap_type_words words;
	bool dry_run;
};

static int begin_replacement(struct replacement *r, const struct replace_request *request, enum elfmap_access access)
{
	struct elfmap_type_words types = request->words;
	struct elfmap_msg msg;
	int status;

	r->file.value = take_value(request->value, &types, types.value);
	interrupt__catch();
	status = target__open(&r->target, request->pin, access, &types);
	if (status)
		return status;
	if (elfmap_map__check_readable(&r->target.map.info, &msg))
		return complain(request->pin, "%s", msg.text);
	status = map_file__read(&r->file, &r->target, request->file, MAP_FILE_WHOLE);
	r->comparison.map = &r->target.map;
	r->comparison.wanted = &r->file.entries;
	return status;
}

void replacement__end(struct replacement *r)
{
	elfmap_comparison__free(&r->comparison);
	elfmap_buffer__free(&r->buffer);
	elfmap_source__close(&r->file);
	target__close(&r->target);
}

static int run_replace(const void *words)
{
	const struct replace_request *request = words;
	struct replacement r = {.target.map.fd = -1};
	struct elfmap_msg msg;
	int status;

	status = begin_replacement(&r, request, request->dry_run ? ELFMAP_READ : ELFMAP_READ_WRITE);
	if (!status && elfmap_map__check_writable(&r.target.map, &msg))
		status = complain(request->pin, "%s", msg.text);
	if (!status && request->dry_run)
		status = replacement__print(&r) ? EXIT_FAILURE : EXIT_SUCCESS;
	else if (!status)
		status = replacement__check_room(&r) ?: replacement__apply(&r) ?: print_counts(&r);
	replacement__end(&r);
	return status;
}

static int run_diff(const void *words)
{
	struct replacement r = {.target.map.fd = -1};
	int status;

	if (begin_replacement(&r, words, ELFMAP_READ) || replacement__print(&r))
		status = without_usage(EXIT_TROUBLE);
	else
		status = is_different(&r) ? EXIT_DIFFERENT : EXIT_SUCCESS;
	replacement__end(&r);
	return status;
}

#define REPLACE_ROWS                                                                                           \
	PIN_ROW(struct replace_request),                                                                       \
		{NULL, "FILE|-", 0, OPTION_TEXT_AT(struct replace_request, file), .completes = COMPLETE_FILE}, \
		TYPES_ROW(struct replace_request), KEY_TYPE_ROW(struct replace_request),                       \
		VALUE_ROW(struct replace_request)

static const struct option_row replace_options[] = {
	REPLACE_ROWS,
	{"--dry-run", NULL, 0, OPTION_FLAG_AT(struct replace_request, dry_run), .help = "show what would be changed"},
	{},
};
static const struct option_row diff_options[] = {REPLACE_ROWS, {}};

const struct verb map_replace_verb = {
	.name = "replace",
	.summary = "make the entries equal to a file's",
	.run = run_replace,
	.options = replace_options,
	.request_size = sizeof(struct replace_request),
	.changes = true,
};
const struct verb map_diff_verb = {
	.name = "diff",
	.summary = "show what 'replace' would change; exit status 1 if anything",
	.run = run_diff,
	.options = diff_options,
	.request_size = sizeof(struct replace_request),
};
