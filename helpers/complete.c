// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * `elfmap --complete WORD ...`: prints the completions of the last WORD, which may be empty, one per line, for the
 * scripts in completion/. The line ":files" requests file names as well, ":command N" the completion of the command
 * that begins with the Nth WORD.
 */
#include <dirent.h>
#include <limits.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "base/netns.h"
#include "helpers/command.h"
#include "kinds/progs.h"
#include "object/object.h"
#include "pins/bpffs.h"
#include "text/types.h"

struct completion {
	int nr; /* words before the one that is completed */
	char **words;
	const char *word;
	struct options_common common;
};

/* ---- candidates ------------------------------------------------------------------------------------- */

static void offer(const struct completion *completion, const char *candidate)
{
	if (!strncmp(candidate, completion->word, strlen(completion->word)) && !strchr(candidate, '\n'))
		puts(candidate);
}

static void offer_devices(const struct completion *completion)
{
	struct if_nameindex *devices;

	if (completion->common.netns && elfmap_netns__enter(completion->common.netns, NULL))
		return;
	devices = if_nameindex();
	for (struct if_nameindex *at = devices; at && at->if_name; at++)
		offer(completion, at->if_name);
	if (devices)
		if_freenameindex(devices);
}

static void offer_namespaces(const struct completion *completion)
{
	DIR *dir = opendir("/run/netns");

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		if (*entry->d_name != '.')
			offer(completion, entry->d_name);
	if (dir)
		closedir(dir);
}

/* Offers the pins below DIR, or their directories; NAME is the part of the path that the user writes. Pins in globals/
 * also have a short name. */
static void offer_below(const struct completion *completion, const char *dir_path, const char *name, bool dirs)
{
	DIR *dir = opendir(dir_path);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[PATH_MAX], pin[PATH_MAX];
		bool is_dir = entry->d_type == DT_DIR;

		if (*entry->d_name == '.' || (!is_dir && (entry->d_type != DT_REG || strchr(entry->d_name, '.'))) ||
		    snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name) >= PATH_MAX ||
		    snprintf(pin, sizeof(pin), "%s%s%s", name, *name ? "/" : "", entry->d_name) >= PATH_MAX)
			continue;
		if (is_dir == dirs)
			offer(completion, pin);
		if (is_dir)
			offer_below(completion, path, pin, dirs);
		else if (!dirs && !strcmp(name, "globals"))
			offer(completion, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static void offer_pins(const struct completion *completion, bool dirs)
{
	char tc_dir[PATH_MAX];

	if (!elfmap_bpffs__tc_dir(tc_dir, sizeof(tc_dir), NULL))
		offer_below(completion, tc_dir, "", dirs);
}

/* The sections of the objects in the command line. */
static void offer_sections(const struct completion *completion)
{
	for (int i = 0; i < completion->nr; i++) {
		struct elfmap_object *object = NULL;
		const char *end = strrchr(completion->words[i], '.');
		void *bytes = NULL;
		size_t size;

		if (!end || strcmp(end, ".o") != 0 || elfmap_file__read(completion->words[i], &bytes, &size, NULL))
			continue;
		if (!elfmap_object__read(bytes, size, &object, NULL))
			for (size_t prog = 0; prog < object->nr_progs; prog++)
				offer(completion, object->progs[prog].section);
		elfmap_object__free(object);
		free(bytes);
	}
}

/* KEY, or VALUE after the colon. */
static void offer_types(const struct completion *completion)
{
	const char *colon = strrchr(completion->word, ':');
	int length = colon ? (int)(colon + 1 - completion->word) : 0;
	char candidate[256];
	size_t nth = 0;

	for (const struct elfmap_type_name *name; (name = elfmap_type__name(nth)); nth++) {
		snprintf(candidate, sizeof(candidate), "%.*s%s", length, completion->word, name->name);
		offer(completion, candidate);
	}
}

static void offer_value(const struct completion *completion, const struct option_row *row)
{
	for (const struct option_choice *choice = row->choices; choice && choice->word; choice++)
		if (!choice->is_hidden)
			offer(completion, choice->word);
	switch (row->completes) {
	case COMPLETE_NOTHING:
		break;
	case COMPLETE_FILE_OR_PIN:
		offer_pins(completion, false);
		puts(":files");
		break;
	case COMPLETE_FILE:
		puts(":files");
		break;
	case COMPLETE_PIN:
	case COMPLETE_PIN_DIR:
		offer_pins(completion, row->completes == COMPLETE_PIN_DIR);
		break;
	case COMPLETE_DEV:
		offer_devices(completion);
		break;
	case COMPLETE_SECTION:
		offer_sections(completion);
		break;
	case COMPLETE_PROG_TYPE:
		for (__u32 type = 0; elfmap_prog_type_name(type); type++)
			if (*elfmap_prog_kind__of(type)->word)
				offer(completion, elfmap_prog_kind__of(type)->word);
		break;
	case COMPLETE_TYPES:
		offer_types(completion);
		break;
	}
}

/* ---- position of the word --------------------------------------------------------------------------- */

static bool takes_value(const struct option_row *row)
{
	return row->words && row->kind != OPTION_FLAG;
}

/* The options that can still be given, and the next argument. */
static void offer_rest(const struct completion *completion, const struct option_row *rows, int arguments)
{
	bool only_first = rows->flags & OPTION_FIRST && rows->flags & OPTION_REQUIRED && !arguments;

	for (size_t i = 0; rows[i].kind; i++) {
		const struct option_row *row = &rows[i];
		char name[64];

		if (row->flags & OPTION_HIDDEN || completion->common.given >> i & 1 ||
		    (row->unless && options__has(rows, &completion->common, row->unless)))
			continue;
		if (!row->words && row->kind != OPTION_CHOICE) {
			if (arguments-- <= 0)
				offer_value(completion, row);
			if (arguments < 0 && row->kind != OPTION_WORDS)
				arguments = INT_MAX;
		} else if (!row->words) {
			offer_value(completion, row);
		} else if (!only_first) {
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(row->words, "|"), row->words);
			offer(completion, name);
		}
	}
}

static void complete_options(struct completion *completion, const struct option_row *rows, int at)
{
	int arguments = 0;

	while (at < completion->nr) {
		bool is_first = rows->flags & OPTION_FIRST && !arguments;
		size_t row;

		if (options__take_common(completion->nr, completion->words, &at, &completion->common) == 1)
			continue;
		row = options__find(rows, completion->words[at++]);
		if (row == OPTIONS_NO_ROW || is_first) {
			arguments++;
			continue;
		}
		completion->common.given |= (__u64)1 << row;
		if (takes_value(&rows[row]) && at++ == completion->nr) {
			offer_value(completion, &rows[row]);
			return;
		}
	}
	offer_rest(completion, rows, arguments);
}

static void offer_verbs(const struct completion *completion, const struct verb *const *table, bool is_top)
{
	static const char *const options[] = {"-j", "-p", "-n", "--json", "--pretty", "--netns", "--help", "--version"};

	for (; *table; table++)
		offer(completion, (*table)->name);
	offer(completion, "help");
	for (size_t i = 0; is_top && i < sizeof(options) / sizeof(*options); i++)
		offer(completion, options[i]);
}

static void complete(struct completion *completion, const struct verb *const *table)
{
	bool is_top = true;
	int at = 0;

	while (at < completion->nr) {
		const struct verb *verb;
		int taken = options__take_common(completion->nr, completion->words, &at, &completion->common);

		if (taken < 0) {
			offer_namespaces(completion);
			return;
		}
		if (taken)
			continue;
		verb = strcmp(completion->words[at], "help") ? verbs__find(table, "", completion->words[at], NULL)
							     : NULL;
		if (!verb && !strcmp(completion->words[at], "help") && at + 1 == completion->nr)
			break; /* help VERB */
		if (!verb)
			return;
		at++;
		if (verb->options)
			complete_options(completion, verb->options, at);
		else if (!verb->below)
			printf(":command %d\n", !strcmp(verb->name, "exec") ? at : at - 1);
		if (!verb->below)
			return;
		table = verb->below;
		is_top = false;
	}
	offer_verbs(completion, table, is_top);
}

int verbs__complete(const struct verb *const *table, int argc, char **argv)
{
	struct completion completion = {.nr = argc - 1, .words = argv};

	if (argc < 1)
		return EXIT_USAGE;
	completion.word = argv[argc - 1];
	complete(&completion, table);
	return end_output();
}
