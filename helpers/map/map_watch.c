// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap map watch`: what changes in a map, refreshed: entries with the rates of their numbers, the
 * busiest first. The copies of a per-CPU map are added up.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "entries.h"
#include "map_target.h"
#include "map_verbs.h"
#include "map_write.h"
#include "progress.h"

struct sample {
	struct elfmap_entries entries;
	struct timespec time;
};

struct watch {
	struct target target;
	double interval;
	unsigned long count; /* of refreshes; 0: until interrupted */
	bool sum;
	struct sample now;
	struct sample before; /* of the refresh before; empty at the first one */
	double seconds;	      /* between the two; 0: this is the first */
	struct row {
		size_t entry;
		size_t earlier; /* the same key before; ELFMAP_NO_ENTRY: it is new */
		double rate;	/* of its first number */
	} * rows;
};

/* ---- query ---------------------------------------------------------------------------------------- */

/* A key that comes twice has changed while it was read: either value will do. */
static void ignore_conflict(void *context, const struct elfmap_conflict *conflict)
{
	(void)context;
	(void)conflict;
}

static int take(void *context, const void *keys, const void *values, size_t count)
{
	struct watch *watch = context;
	struct elfmap_entries *entries = &watch->now.entries;

	for (size_t i = 0; i < count; i++) {
		void *key, *value;
		int err = elfmap_entries__reserve(entries, &key, &value);

		if (err)
			return err;
		memcpy(key, (const char *)keys + i * entries->key_size, entries->key_size);
		memcpy(value, (const char *)values + i * entries->value_size, entries->value_size);
		err = elfmap_entries__add(entries, 0, ignore_conflict, NULL);
		if (err && err != -EEXIST)
			return err;
	}
	return 0;
}

static struct elfmap_value value_of(const struct watch *watch, const struct sample *sample, size_t entry)
{
	const struct elfmap_format *format = &watch->target.map.format;

	return (struct elfmap_value){.bytes = sample->entries.values + entry * sample->entries.value_size,
				     .copies = format->copies,
				     .stride = format->stride};
}

static bool is_counter(const struct elfmap_type *type)
{
	return type->notation == ELFMAP_INTEGER;
}

static double rate_of(const struct watch *watch, const struct elfmap_type *type, const struct elfmap_value *now,
		      const struct elfmap_value *before)
{
	double change = (double)elfmap_type__number(type, now);

	if (before)
		change -= (double)elfmap_type__number(type, before);
	return change / watch->seconds;
}

/* The first number of a value decides its place. */
static double find_rate(const struct watch *watch, const struct elfmap_type *type, const struct elfmap_value *now,
			const struct elfmap_value *before)
{
	if (is_counter(type))
		return rate_of(watch, type, now, before);
	for (size_t i = 0; type->notation == ELFMAP_STRUCT && i < type->nr_members; i++) {
		struct elfmap_value inner = elfmap_type__member(&type->members[i], now, 0), earlier;

		if (!is_counter(&type->members[i]))
			continue;
		if (before)
			earlier = elfmap_type__member(&type->members[i], before, 0);
		return rate_of(watch, &type->members[i], &inner, before ? &earlier : NULL);
	}
	return 0;
}

static int busiest_first(const void *a, const void *b)
{
	const struct row *one = a, *other = b;
	double left = fabs(one->rate), right = fabs(other->rate);

	if (left > right || left < right)
		return left > right ? -1 : 1;
	return one->entry < other->entry ? -1 : one->entry > other->entry;
}

static int make_rows(struct watch *watch)
{
	const struct elfmap_type *type = watch->target.map.format.value;
	const struct elfmap_entries *entries = &watch->now.entries;
	struct row *rows = reallocarray(watch->rows, entries->count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	watch->rows = rows;
	for (size_t i = 0; i < entries->count; i++) {
		struct elfmap_value now = value_of(watch, &watch->now, i), before;

		rows[i] = (struct row){.entry = i, .earlier = ELFMAP_NO_ENTRY};
		if (!watch->seconds)
			continue;
		elfmap_entries__find(&watch->before.entries, entries->keys + i * entries->key_size, 1,
				     &rows[i].earlier);
		if (rows[i].earlier != ELFMAP_NO_ENTRY)
			before = value_of(watch, &watch->before, rows[i].earlier);
		rows[i].rate = find_rate(watch, type, &now, rows[i].earlier != ELFMAP_NO_ENTRY ? &before : NULL);
	}
	qsort(rows, entries->count, sizeof(*rows), busiest_first);
	return 0;
}

static int look(struct watch *watch, struct elfmap_msg *msg)
{
	const struct elfmap_reader *map = &watch->target.map;
	struct sample last = watch->now;
	int err;

	elfmap_entries__free(&watch->before.entries);
	watch->before = last;
	watch->now = (struct sample){};
	elfmap_entries__init(&watch->now.entries, map->info.key_size, elfmap_map__value_size(map));
	err = elfmap_reader__each_batch(map, take, watch, msg);
	clock_gettime(CLOCK_MONOTONIC, &watch->now.time);
	if (last.time.tv_sec || last.time.tv_nsec)
		watch->seconds = (double)(watch->now.time.tv_sec - last.time.tv_sec) +
				 (double)(watch->now.time.tv_nsec - last.time.tv_nsec) / 1e9;
	if (!err &&
	    (elfmap_entries__finish(&watch->now.entries, ignore_conflict, NULL) == -ENOMEM || make_rows(watch))) {
		snprintf(msg->text, sizeof(msg->text), "no memory");
		err = -ENOMEM;
	}
	return err;
}

/* ---- render --------------------------------------------------------------------------------------- */

static void add_text(struct elfmap_buffer *to, const char *text)
{
	elfmap_buffer__add(to, text, strlen(text));
}

static void add_number(struct elfmap_buffer *to, double rate, const char *unit)
{
	char text[64];

	snprintf(text, sizeof(text), fabs(rate) < 100 ? "%.1f%s" : "%.0f%s", rate, unit);
	add_text(to, text);
}

/* The rates of what counts, in the shape of the value: `{ packets 5.0/s }`, or as JSON. */
static void add_rates(struct elfmap_buffer *to, const struct watch *watch, const struct elfmap_type *type,
		      const struct elfmap_value *now, const struct elfmap_value *before, bool json)
{
	const char *comma = "";

	if (type->notation != ELFMAP_STRUCT) {
		if (is_counter(type))
			add_number(to, rate_of(watch, type, now, before), json ? "" : "/s");
		else
			add_text(to, json ? "null" : "-");
		return;
	}
	add_text(to, json ? "{" : "{ ");
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		struct elfmap_value inner = elfmap_type__member(member, now, 0), earlier;

		if (!is_counter(member) && member->notation != ELFMAP_STRUCT)
			continue;
		if (before)
			earlier = elfmap_type__member(member, before, 0);
		add_text(to, json ? comma : "");
		add_text(to, json ? "\"" : "");
		elfmap_buffer__add(to, member->name, strlen(member->name));
		add_text(to, json ? "\":" : " ");
		add_rates(to, watch, member, &inner, before ? &earlier : NULL, json);
		add_text(to, json ? "" : " ");
		comma = ",";
	}
	add_text(to, "}");
}

static void add_row(struct elfmap_buffer *to, const struct watch *watch, const struct row *row, bool json)
{
	const struct elfmap_format *format = &watch->target.map.format;
	const struct elfmap_entries *entries = &watch->now.entries;
	struct elfmap_value now = value_of(watch, &watch->now, row->entry), before;
	const void *key = entries->keys + row->entry * entries->key_size;
	bool is_new = row->earlier == ELFMAP_NO_ENTRY;

	if (json)
		elfmap_json__write_entry(to, format, key, now.bytes, watch->sum, -1);
	else
		elfmap_text__write_entry(to, format, key, now.bytes, watch->sum, watch->target.resolver);
	if (!watch->seconds || to->error)
		return;
	to->length--; /* over the line end, or the brace */
	add_text(to, json ? ",\"rate\":" : " ");
	if (!is_new)
		before = value_of(watch, &watch->before, row->earlier);
	add_rates(to, watch, format->value, &now, is_new ? NULL : &before, json);
	add_text(to, json ? "}" : "\n");
}

/* Lines and columns of the terminal; false: stdout is none. */
static bool measure(struct winsize *size)
{
	return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, size) && size->ws_row > 2 &&
	       size->ws_col > 20;
}

static void print_fitting(const struct elfmap_buffer *text, const struct winsize *size)
{
	const char *at = text->bytes, *end = text->bytes + text->length;

	for (int line = 0; at < end && line < size->ws_row - 1; line++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline ?: end) - at);

		fwrite(at, 1, length < size->ws_col ? length : size->ws_col, stdout);
		putchar('\n');
		at += length + 1;
	}
}

static int print_text(const struct watch *watch)
{
	struct elfmap_buffer text = {};
	struct winsize size;
	bool on_terminal = measure(&size);
	size_t rows = watch->now.entries.count;
	char head[160];

	snprintf(head, sizeof(head), "# %s: %zu of %u entries, %.1f seconds\n", watch->target.pin, rows,
		 watch->target.map.info.max_entries, watch->seconds);
	add_text(&text, head);
	if (on_terminal && rows > size.ws_row)
		rows = size.ws_row;
	for (size_t i = 0; i < rows; i++)
		add_row(&text, watch, &watch->rows[i], false);
	if (on_terminal) {
		fputs("\033[H\033[2J", stdout);
		print_fitting(&text, &size);
	} else {
		fwrite(text.bytes, 1, text.length, stdout);
	}
	elfmap_buffer__free(&text);
	return text.error ? complain(watch->target.pin, "no memory") : end_output();
}

static int print_object(const struct watch *watch)
{
	struct elfmap_buffer text = {};
	json_object *root;
	char head[160];

	snprintf(head, sizeof(head), "{\"seconds\":%.6f,\"entries\":%zu,\"max_entries\":%u,\"rows\":[", watch->seconds,
		 watch->now.entries.count, watch->target.map.info.max_entries);
	add_text(&text, head);
	for (size_t i = 0; i < watch->now.entries.count; i++) {
		add_text(&text, i ? "," : "");
		add_row(&text, watch, &watch->rows[i], true);
	}
	elfmap_buffer__add(&text, "]}", 3); /* with the NUL */
	if (text.error)
		return complain(watch->target.pin, "no memory");
	root = output.pretty ? json_tokener_parse(text.bytes) : NULL;
	if (root)
		print_json(root);
	else
		puts(text.bytes);
	elfmap_buffer__free(&text);
	return end_output();
}

/* ------------------------------------------------------------------------------------------------- */

static bool read_seconds(const char *word, double *ret_seconds)
{
	char *end;

	*ret_seconds = strtod(word, &end);
	return *word >= '0' && *word <= '9' && !*end && *ret_seconds >= 0.01 && *ret_seconds <= 86400;
}

static bool read_count(const char *word, unsigned long *ret_count)
{
	char *end;

	errno = 0;
	*ret_count = strtoul(word, &end, 10);
	return *word >= '0' && *word <= '9' && !*end && !errno && *ret_count;
}

static int read_words(struct watch *watch, int nr_words, char **words)
{
	for (int i = 0; i < nr_words; i += 2) {
		if (i + 1 == nr_words)
			return EXIT_USAGE;
		if (!strcmp(words[i], "interval")) {
			if (!read_seconds(words[i + 1], &watch->interval))
				return complain(words[i + 1], "is no interval, which is from 0.01 to 86400 seconds");
		} else if (!strcmp(words[i], "count")) {
			if (!read_count(words[i + 1], &watch->count))
				return complain(words[i + 1], "is no number of refreshes");
		} else {
			return EXIT_USAGE;
		}
	}
	return EXIT_SUCCESS;
}

static void wait_for_next(const struct watch *watch)
{
	struct timespec pause = {.tv_sec = (time_t)watch->interval};

	pause.tv_nsec = (long)((watch->interval - (double)pause.tv_sec) * 1e9);
	nanosleep(&pause, NULL); /* a signal ends it */
}

static int run(struct watch *watch)
{
	struct elfmap_msg msg;
	int status = EXIT_SUCCESS;

	if (elfmap_map__check_readable(&watch->target.map.info, &msg))
		return complain(watch->target.pin, "%s", msg.text);
	for (unsigned long i = 0; !interrupted && !status && (!watch->count || i < watch->count); i++) {
		if (i)
			wait_for_next(watch);
		if (interrupted)
			break;
		if (look(watch, &msg))
			status = complain(watch->target.pin, "%s", msg.text);
		else
			status = output.json ? print_object(watch) : print_text(watch);
	}
	return status;
}

int map_watch(int argc, char **argv)
{
	struct watch watch = {.target.map.fd = -1, .interval = 1};
	struct elfmap_type_words words = {};
	const char *culprit;
	int status;

	argc = take_options(argc, argv, NULL);
	if (argc < 2)
		return EXIT_USAGE;
	status = take_types(&argc, argv, false, &words);
	status = status ?: read_words(&watch, argc - 2, argv + 2);
	if (status)
		return status;
	interrupt__catch();
	begin_output();
	status = target__open(&watch.target, argv[1], ELFMAP_READ, &words);
	watch.sum = !status && watch.target.map.format.per_cpu &&
		    elfmap_type__can_sum(watch.target.map.format.value, &culprit);
	status = status ?: run(&watch);
	free(watch.rows);
	elfmap_entries__free(&watch.now.entries);
	elfmap_entries__free(&watch.before.entries);
	target__close(&watch.target);
	return status;
}
