// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap map watch`: what changes in a map, refreshed: entries with the rates of their numbers, the
 * busiest first. The copies of a per-CPU map are added up.
 */
#include "map/entries.h"
#include "map/map.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_file.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "map/map_write.h"

/* ---- rates: all entries are read again and again, those that change fastest are kept --------------------- */

/* One of the busiest. */
struct rates_row {
	double rate;   /* of its first number */
	size_t number; /* of the entry, in the order they came */
	size_t place;  /* private */
	bool is_new;   /* it was not there at the last look */
};

struct rates {
	const struct elfmap_reader *map;
	double seconds; /* between the last two looks; 0: there was one only */
	size_t nr_entries;
	struct rates_row *rows; /* the busiest first */
	size_t nr_rows;

	/* private */
	size_t most;
	size_t room;
	double least;	       /* rows with a lower rate are dropped; below 0: none is */
	unsigned char *places; /* of rows: key, value (all copies), numbers at the last look */
	size_t place_size;
	size_t nr_numbers; /* of an entry */
	__u64 *numbers;	   /* room for so many */
	struct elfmap_entries last;
	size_t nr_last;	     /* of these, those that were there before this look, */
	unsigned char *seen; /* and which of them are still there */
	struct timespec time;
};

/* ---- numbers -------------------------------------------------------------------------------------- */

static size_t count_numbers(const struct elfmap_type *type)
{
	size_t count = elfmap_type__is_counter(type);

	for (size_t i = 0; type->notation == ELFMAP_STRUCT && i < type->nr_members; i++)
		count += count_numbers(&type->members[i]);
	return count;
}

/* Puts them behind each other, and returns how many there are. 64 bits are enough for a difference. */
static size_t take_numbers(const struct elfmap_type *type, const struct elfmap_value *value, __u64 *to)
{
	size_t count = 0;

	if (elfmap_type__is_counter(type)) {
		*to = (__u64)elfmap_type__number(type, value);
		return 1;
	}
	for (size_t i = 0; type->notation == ELFMAP_STRUCT && i < type->nr_members; i++) {
		struct elfmap_value inner = elfmap_type__member(&type->members[i], value, 0);

		count += take_numbers(&type->members[i], &inner, to + count);
	}
	return count;
}

static double change_of(__u64 now, __u64 before)
{
	return (double)(__s64)(now - before);
}

/* ---- rows ----------------------------------------------------------------------------------------- */

static int busiest_first(const void *a, const void *b)
{
	const struct rates_row *one = a, *other = b;
	double left = fabs(one->rate), right = fabs(other->rate);

	if (left > right || left < right)
		return left > right ? -1 : 1;
	return one->number < other->number ? -1 : one->number > other->number;
}

static void drop_idlest(struct rates *rates)
{
	qsort(rates->rows, rates->nr_rows, sizeof(*rates->rows), busiest_first);
	if (rates->nr_rows <= rates->most)
		return;
	rates->nr_rows = rates->most;
	rates->least = fabs(rates->rows[rates->most - 1].rate);
}

static int grow_rows(struct rates *rates)
{
	size_t room = rates->room ? 2 * rates->room : 64;
	struct rates_row *rows = reallocarray(rates->rows, room, sizeof(*rows));
	unsigned char *places;

	if (!rows)
		return -ENOMEM;
	rates->rows = rows;
	places = reallocarray(rates->places, room, rates->place_size);
	if (!places)
		return -ENOMEM;
	rates->places = places;
	for (; rates->room < room; rates->room++)
		rows[rates->room].place = rates->room;
	return 0;
}

/* Half as many again as will be kept are taken before they are sorted, which then is seldom. */
static int find_row(struct rates *rates, struct rates_row **ret_row)
{
	if (rates->nr_rows > rates->most + rates->most / 2)
		drop_idlest(rates);
	if (rates->nr_rows == rates->room && grow_rows(rates))
		return -ENOMEM;
	*ret_row = &rates->rows[rates->nr_rows++];
	return 0;
}

static unsigned char *place_of(const struct rates *rates, const struct rates_row *row)
{
	return rates->places + row->place * rates->place_size;
}

static const void *rates__key(const struct rates *rates, const struct rates_row *row)
{
	return place_of(rates, row);
}

static struct elfmap_value rates__value(const struct rates *rates, const struct rates_row *row)
{
	const struct elfmap_format *format = &rates->map->format;

	return (struct elfmap_value){.bytes = place_of(rates, row) + rates->map->info.key_size,
				     .copies = format->copies,
				     .stride = format->stride};
}

static double rates__of(const struct rates *rates, const struct rates_row *row, size_t n,
			const struct elfmap_type *type, const struct elfmap_value *value)
{
	const unsigned char *before = place_of(rates, row) + rates->map->info.key_size +
				      elfmap_map__value_size(rates->map) + n * sizeof(__u64);
	__int128 now = elfmap_type__number(type, value);
	__u64 number;

	memcpy(&number, before, sizeof(number));
	return (row->is_new ? (double)now : change_of((__u64)now, number)) / rates->seconds;
}

/* ---- looking -------------------------------------------------------------------------------------- */

/* BEFORE: the numbers at the last look; NULL: it is new. */
static int offer(struct rates *rates, const void *key, const void *value, const void *before)
{
	size_t key_size = rates->map->info.key_size, value_size = elfmap_map__value_size(rates->map), number;
	__u64 first = 0;
	struct rates_row *row;
	unsigned char *place;
	double rate = 0;

	number = rates->nr_entries++;
	if (before && rates->nr_numbers)
		memcpy(&first, before, sizeof(first));
	if (rates->seconds > 0 && rates->nr_numbers)
		rate = change_of(*rates->numbers, first) / rates->seconds;
	if (fabs(rate) <= rates->least)
		return 0;
	if (find_row(rates, &row))
		return -ENOMEM;
	row->rate = rate;
	row->number = number;
	row->is_new = !before;
	place = place_of(rates, row);
	memcpy(place, key, key_size);
	memcpy(place + key_size, value, value_size);
	if (before)
		memcpy(place + key_size + value_size, before, rates->last.value_size);
	return 0;
}

static int add_last(struct rates *rates, const void *key)
{
	void *last_key, *last_numbers;
	int err = elfmap_entries__reserve(&rates->last, &last_key, &last_numbers);

	if (err)
		return err;
	memcpy(last_key, key, rates->last.key_size);
	memcpy(last_numbers, rates->numbers, rates->last.value_size);
	/* They come from no lines, but a run of numbers takes less than each its own. */
	return elfmap_entries__add(&rates->last, rates->last.count + 1);
}

static int take_entry(struct rates *rates, const void *key, const void *value, size_t index)
{
	const struct elfmap_format *format = &rates->map->format;
	const struct elfmap_value all = {.bytes = value, .copies = format->copies, .stride = format->stride};
	unsigned char *last;
	int err;

	if (index != ELFMAP_NO_ENTRY && (index >= rates->nr_last || rates->seen[index]))
		return 0;
	take_numbers(format->value, &all, rates->numbers);
	if (index == ELFMAP_NO_ENTRY)
		return offer(rates, key, value, NULL) ?: add_last(rates, key);
	last = rates->last.values + index * rates->last.value_size;
	err = offer(rates, key, value, last);
	memcpy(last, rates->numbers, rates->last.value_size);
	rates->seen[index] = 1;
	return err;
}

static int take(void *context, const void *keys, const void *values, size_t count)
{
	struct rates *rates = context;
	size_t key_size = rates->map->info.key_size, value_size = elfmap_map__value_size(rates->map);
	size_t indexes[ELFMAP_ENTRIES_BLOCK], step;
	int err = 0;

	for (size_t done = 0; done < count && !err; done += step) {
		const char *key = (const char *)keys + done * key_size;
		const char *value = (const char *)values + done * value_size;

		step = count - done < ELFMAP_ENTRIES_BLOCK ? count - done : ELFMAP_ENTRIES_BLOCK;
		elfmap_entries__find(&rates->last, key, step, indexes);
		for (size_t i = 0; i < step && !err; i++)
			err = take_entry(rates, key + i * key_size, value + i * value_size, indexes[i]);
	}
	return err;
}

static int begin_look(struct rates *rates, size_t most)
{
	rates->most = most;
	rates->least = -1;
	rates->nr_rows = rates->nr_entries = 0;
	rates->nr_last = rates->last.count;
	free(rates->seen);
	rates->seen = calloc(rates->nr_last + 1, 1);
	return rates->seen ? 0 : -ENOMEM;
}

/* Those that have gone are forgotten: should they come back, they are new. */
static int end_look(struct rates *rates)
{
	unsigned char *seen;
	bool all_seen = !memchr(rates->seen, 0, rates->nr_last);

	drop_idlest(rates);
	/* A key that comes twice has changed while it was read: either value will do. */
	if (elfmap_entries__finish(&rates->last, NULL, NULL) == -ENOMEM)
		return -ENOMEM;
	if (all_seen)
		return 0;
	seen = realloc(rates->seen, rates->last.count);
	if (!seen)
		return -ENOMEM;
	rates->seen = seen;
	memset(rates->seen + rates->nr_last, 1, rates->last.count - rates->nr_last);
	elfmap_entries__keep(&rates->last, rates->seen);
	return 0; /* NOLINT(clang-analyzer-unix.Malloc): it is kept in RATES, and rates__free() frees it */
}

/* The rates of this look are for the time since the last one began. */
static void take_time(struct rates *rates)
{
	struct timespec last = rates->time;

	clock_gettime(CLOCK_MONOTONIC, &rates->time);
	if (last.tv_sec || last.tv_nsec)
		rates->seconds =
			(double)(rates->time.tv_sec - last.tv_sec) + (double)(rates->time.tv_nsec - last.tv_nsec) / 1e9;
}

static int rates__look(struct rates *rates, size_t most, struct elfmap_msg *msg)
{
	int err;

	take_time(rates);
	err = begin_look(rates, most);
	if (!err)
		err = elfmap_reader__each_batch(rates->map, take, rates, msg);
	if (!err)
		err = end_look(rates);
	return err == -ENOMEM ? elfmap_msg__set(msg, err, "no memory") : err;
}

/* ------------------------------------------------------------------------------------------------- */

static int rates__begin(struct rates *rates, const struct elfmap_reader *map, struct elfmap_msg *msg)
{
	size_t count = count_numbers(map->format.value);

	*rates = (struct rates){.map = map, .nr_numbers = count};
	rates->place_size = map->info.key_size + elfmap_map__value_size(map) + count * sizeof(*rates->numbers);
	elfmap_entries__init(&rates->last, map->info.key_size, count * sizeof(*rates->numbers));
	rates->numbers = calloc(count + 1, sizeof(*rates->numbers));
	return rates->numbers ? 0 : elfmap_msg__set(msg, -ENOMEM, "no memory");
}

static void rates__free(struct rates *rates)
{
	elfmap_entries__free(&rates->last);
	free(rates->numbers);
	free(rates->places);
	free(rates->rows);
	free(rates->seen);
}

/* ---- watch ----------------------------------------------------------------------------------------------- */

#define WRITE_AT (64u << 10) /* bytes of text */
#define MOST_ROWS 10000	     /* where neither a terminal nor an option sets a limit */

struct watch_request {
	const char *pin;
	struct elfmap_type_words words;
	double interval; /* in seconds; 0: one */
	__u32 count;	 /* of refreshes; 0: until interrupted */
	__u32 rows;	 /* 0: as many as fit */
};

struct watch {
	struct target target;
	const struct watch_request *request;
	bool sum;
	struct rates rates;
};

/* ---- render --------------------------------------------------------------------------------------- */

static void add_text(struct elfmap_buffer *to, const char *text)
{
	elfmap_buffer__add(to, text, strlen(text));
}

static void print_number(char text[64], double rate)
{
	snprintf(text, 64, fabs(rate) < 100 ? "%.1f" : "%.0f", rate);
}

static bool has_rates(const struct elfmap_type *type)
{
	return elfmap_type__is_counter(type) || type->notation == ELFMAP_STRUCT;
}

/* The rates of what counts, in the shape of the value: `{ packets 5.0/s }`. N: of the numbers, those that stand
 * before TYPE; and those behind it are then N. */
static void add_rates(struct elfmap_buffer *to, const struct watch *watch, const struct rates_row *row,
		      const struct elfmap_type *type, const struct elfmap_value *value, size_t *n)
{
	bool counts = elfmap_type__is_counter(type);
	char text[64] = "-";

	if (counts)
		print_number(text, rates__of(&watch->rates, row, (*n)++, type, value));
	if (type->notation != ELFMAP_STRUCT) {
		add_text(to, text);
		add_text(to, counts ? "/s" : "");
		return;
	}
	add_text(to, "{ ");
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		struct elfmap_value inner = elfmap_type__member(member, value, 0);

		if (!has_rates(member))
			continue;
		add_text(to, member->name);
		add_text(to, " ");
		add_rates(to, watch, row, member, &inner, n);
		add_text(to, " ");
	}
	add_text(to, "}");
}

static void add_json_rates(struct elfmap_json *json, const struct watch *watch, const struct rates_row *row,
			   const struct elfmap_type *type, const struct elfmap_value *value, size_t *n)
{
	char text[64] = "null";

	if (elfmap_type__is_counter(type))
		print_number(text, rates__of(&watch->rates, row, (*n)++, type, value));
	if (type->notation != ELFMAP_STRUCT) {
		elfmap_json__word(json, text);
		return;
	}
	elfmap_json__open(json, '{');
	for (size_t i = 0; i < type->nr_members; i++) {
		const struct elfmap_type *member = &type->members[i];
		struct elfmap_value inner = elfmap_type__member(member, value, 0);

		if (!has_rates(member))
			continue;
		elfmap_json__name(json, member->name);
		add_json_rates(json, watch, row, member, &inner, n);
	}
	elfmap_json__close(json, '}');
}

static void add_row(struct elfmap_buffer *to, const struct watch *watch, const struct rates_row *row)
{
	const struct elfmap_format *format = &watch->target.map.format;
	struct elfmap_value value = rates__value(&watch->rates, row);
	size_t n = 0;

	elfmap_text__write_entry(to, format, rates__key(&watch->rates, row), value.bytes, watch->sum,
				 watch->target.resolver);
	if (watch->rates.seconds <= 0 || to->error)
		return;
	to->length--; /* over the line end */
	add_text(to, " ");
	add_rates(to, watch, row, format->value, &value, &n);
	add_text(to, "\n");
}

static void add_json_row(struct elfmap_json *json, const struct watch *watch, const struct rates_row *row)
{
	const struct elfmap_format *format = &watch->target.map.format;
	struct elfmap_value value = rates__value(&watch->rates, row);
	size_t n = 0;

	elfmap_json__open(json, '{');
	elfmap_json__entry_members(json, format, rates__key(&watch->rates, row), value.bytes, watch->sum);
	if (watch->rates.seconds > 0) {
		elfmap_json__name(json, "rate");
		add_json_rates(json, watch, row, format->value, &value, &n);
	}
	elfmap_json__close(json, '}');
}

/* Lines and columns of the terminal; false: stdout is not a terminal. */
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

static int print_text(const struct watch *watch, const struct winsize *terminal)
{
	const struct rates *rates = &watch->rates;
	struct elfmap_buffer text = {};
	char head[160];

	snprintf(head, sizeof(head), "# %s: %zu of %u entries, %.1f seconds", watch->target.pin, rates->nr_entries,
		 watch->target.map.info.max_entries, rates->seconds);
	add_text(&text, head);
	if (!terminal && rates->nr_rows < rates->nr_entries) {
		snprintf(head, sizeof(head), ", the %zu busiest", rates->nr_rows);
		add_text(&text, head);
	}
	add_text(&text, "\n");
	for (size_t i = 0; i < rates->nr_rows; i++) {
		add_row(&text, watch, &rates->rows[i]);
		if (!terminal)
			flush_output(&text, WRITE_AT);
	}
	if (terminal) {
		fputs("\033[H\033[2J", stdout);
		print_fitting(&text, terminal);
	} else {
		fwrite(text.bytes, 1, text.length, stdout);
	}
	elfmap_buffer__free(&text);
	return text.error ? complain(watch->target.pin, "no memory") : end_output();
}

static int print_object(const struct watch *watch)
{
	const struct rates *rates = &watch->rates;
	struct elfmap_buffer text = {};
	struct elfmap_json json = {.to = &text, .pretty = output.pretty};
	char seconds[32];
	int err;

	snprintf(seconds, sizeof(seconds), "%.6f", rates->seconds);
	elfmap_json__open(&json, '{');
	elfmap_json__name(&json, "seconds");
	elfmap_json__word(&json, seconds);
	elfmap_json__name(&json, "entries");
	elfmap_json__number(&json, (__s64)rates->nr_entries);
	elfmap_json__name(&json, "max_entries");
	elfmap_json__number(&json, watch->target.map.info.max_entries);
	elfmap_json__name(&json, "rows");
	elfmap_json__open(&json, '[');
	for (size_t i = 0; i < rates->nr_rows; i++) {
		add_json_row(&json, watch, &rates->rows[i]);
		flush_output(&text, WRITE_AT);
	}
	elfmap_json__close(&json, ']');
	elfmap_json__close(&json, '}');
	add_text(&text, "\n");
	err = flush_output(&text, 0);
	elfmap_buffer__free(&text);
	return err == -ENOMEM ? complain(watch->target.pin, "no memory") : end_output();
}

static int look_and_print(struct watch *watch)
{
	struct winsize size;
	bool on_terminal = !output.json && measure(&size);
	size_t most = on_terminal ? size.ws_row : MOST_ROWS;
	struct elfmap_msg msg;

	if (rates__look(&watch->rates, watch->request->rows ?: most, &msg))
		return complain(watch->target.pin, "%s", msg.text);
	return output.json ? print_object(watch) : print_text(watch, on_terminal ? &size : NULL);
}

/* ------------------------------------------------------------------------------------------------- */

static int read_seconds(char *word, void *to, struct elfmap_msg *msg)
{
	char *end;
	double seconds = strtod(word, &end);

	if (*word < '0' || *word > '9' || *end || seconds < 0.01 || seconds > 86400)
		return elfmap_msg__set(msg, -EINVAL, "'%s' is not a number from 0.01 to 86400", word);
	*(double *)to = seconds;
	return 0;
}

static void wait_for_next(double interval)
{
	struct timespec pause = {.tv_sec = (time_t)interval};

	pause.tv_nsec = (long)((interval - (double)pause.tv_sec) * 1e9);
	nanosleep(&pause, NULL); /* a signal ends it */
}

static int look_again(struct watch *watch)
{
	const struct watch_request *request = watch->request;
	struct elfmap_msg msg;
	int status = EXIT_SUCCESS;

	if (elfmap_map__check_readable(&watch->target.map.info, &msg) ||
	    rates__begin(&watch->rates, &watch->target.map, &msg))
		return complain(watch->target.pin, "%s", msg.text);
	for (__u32 i = 0; !interrupted && !status && (!request->count || i < request->count); i++) {
		if (i)
			wait_for_next(request->interval ?: 1);
		if (!interrupted)
			status = look_and_print(watch);
	}
	return status;
}

static int run(const void *words)
{
	struct watch watch = {.target.map.fd = -1, .request = words};
	const char *culprit;
	int status;

	interrupt__catch();
	begin_output();
	status = target__open(&watch.target, watch.request->pin, ELFMAP_READ, &watch.request->words);
	watch.sum = !status && watch.target.map.format.per_cpu &&
		    elfmap_type__can_sum(watch.target.map.format.value, &culprit);
	status = status ?: look_again(&watch);
	rates__free(&watch.rates);
	target__close(&watch.target);
	return status;
}

static const struct option_row options[] = {
	PIN_ROW(struct watch_request),
	{"interval", "SECONDS", 0, OPTION_READ_AT(struct watch_request, interval, read_seconds),
	 .help = "between refreshes; 1"},
	{"count", "N", 0, OPTION_NUMBER_AT(struct watch_request, count, 1, UINT32_MAX),
	 .help = "refreshes; without it until interrupted"},
	{"rows", "N", 0, OPTION_NUMBER_AT(struct watch_request, rows, 1, UINT32_MAX),
	 .help = "the busiest entries; as many as fit"},
	TYPES_ROW(struct watch_request),
	{},
};

const struct verb map_watch_verb = {
	.name = "watch",
	.summary = "show entries and their rates, refreshed",
	.run = run,
	.options = options,
	.request_size = sizeof(struct watch_request),
};
