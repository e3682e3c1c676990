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

#include "base/msg.h"
#include "helpers/command.h"
#include "helpers/map/map_rates.h"
#include "helpers/map/map_target.h"
#include "helpers/map/map_verbs.h"
#include "helpers/map/progress.h"

#define WRITE_AT (64u << 10) /* bytes of text */
#define MOST_ROWS 10000	     /* where no terminal sets a limit, and nobody says one */

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
	.summary = "entries and their rates, refreshed",
	.run = run,
	.options = options,
	.request_size = sizeof(struct watch_request),
};
