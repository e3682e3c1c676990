// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Files of entries: read for load, replace, diff and swap; and the line that shows the progress of long work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helpers/command.h"
#include "helpers/map/map_file.h"

/* ---- progress -------------------------------------------------------------------------------------------- */

#define FIRST_AFTER 1.0 /* seconds */
#define EVERY 0.1
#define BAR 30 /* columns */

volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

void interrupt__catch(void)
{
	/* No SA_RESTART: a read that waits for input must return. */
	struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESETHAND};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

void interrupt__keep_output(void)
{
	interrupt__catch();
	signal(SIGPIPE, SIG_IGN);
}

static double seconds_since(const struct timespec *then, const struct timespec *now)
{
	return (double)(now->tv_sec - then->tv_sec) + (double)(now->tv_nsec - then->tv_nsec) / 1e9;
}

void progress__begin(struct progress *progress, size_t total)
{
	*progress = (struct progress){.total = total, .on_terminal = isatty(STDERR_FILENO)};
	clock_gettime(CLOCK_MONOTONIC, &progress->start);
	progress->shown = progress->start;
}

static void draw(const struct progress *progress, size_t done, double seconds)
{
	double rate = (double)done / seconds;
	char bar[BAR + 1];
	int filled;

	if (!progress->total) {
		fprintf(stderr, "\r%zu entries, %.0f/s\033[K", done, rate);
		return;
	}
	filled = done >= progress->total ? BAR : (int)(done * BAR / progress->total);
	memset(bar, ' ', BAR);
	memset(bar, '=', (size_t)filled);
	bar[BAR] = '\0';
	fprintf(stderr, "\r[%s] %zu of %zu entries, %.0f/s, %.0f s left\033[K", bar, done, progress->total, rate,
		rate > 0 && done < progress->total ? (double)(progress->total - done) / rate : 0.0);
}

void progress__update(void *context, size_t done)
{
	struct progress *progress = context;
	struct timespec now;

	if (!progress->on_terminal)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (seconds_since(&progress->start, &now) < FIRST_AFTER || seconds_since(&progress->shown, &now) < EVERY)
		return;
	progress->shown = now;
	progress->is_shown = true;
	draw(progress, done, seconds_since(&progress->start, &now));
}

void progress__end(struct progress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	progress->is_shown = false;
}

/* ---- files ----------------------------------------------------------------------------------------------- */

static void refuse(void *context, const char *place, const char *why)
{
	(void)context;
	complain(place, "%s", why);
}

int map_file__read(struct elfmap_source *file, const struct target *target, const char *name, enum map_file_taken taken)
{
	struct elfmap_msg msg;

	file->refused = refuse;
	if (elfmap_source__read(file, name, &target->map, target->resolver, &interrupted, &msg))
		return complain(file->name, "%s", msg.text);
	if (!file->nr_refused || taken == MAP_FILE_KEEP_GOING)
		return EXIT_SUCCESS;
	return complain(target->pin, "nothing was changed%s",
			taken == MAP_FILE_STRICT ? "; --keep-going writes the valid lines" : "");
}

int map_file__open_objects(struct elfmap_source *file, const struct target *target)
{
	char place[PATH_MAX + 64];
	struct elfmap_msg msg;
	size_t entry;

	if (!elfmap_source__open_objects(file, &target->map, target->resolver, &entry, &msg))
		return EXIT_SUCCESS;
	elfmap_source__place(file, entry, place, sizeof(place));
	return complain(place, "%s", msg.text);
}
