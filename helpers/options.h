/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The options of a verb as a table. Parsing, usage, help, completion and the standard complaints come from its rows.
 * (argp and popt cannot parse `dev v0 ingress prio 1`.)
 *
 *	struct request { const char *pin; __u32 prio; };
 *
 *	static const struct option_row rows[] = {
 *		{NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct request, pin)},
 *		{"prio|pref", "P", 0, OPTION_NUMBER_AT(struct request, prio, 1, 0xffff), .help = "priority"},
 *		{},
 *	};
 */
#ifndef ELFMAP_OPTIONS_H
#define ELFMAP_OPTIONS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/nearest.h"
#include "base/settings.h"
#include "elfmap.h"

enum option_kind {
	OPTION_END,	 /* the row after the last one */
	OPTION_FLAG,	 /* bool; takes no value */
	OPTION_TEXT,	 /* const char * */
	OPTION_NUMBER,	 /* __u32 */
	OPTION_CHOICE,	 /* int: one of CHOICES; without WORDS the choice itself is the option (`ingress|egress`) */
	OPTION_WORDS,	 /* struct option_words: an argument that may be repeated */
	OPTION_READ,	 /* stored by READ */
	OPTION_SETTINGS, /* struct elfmap_settings: one or more words NAME=VALUE */
	OPTION_PLACES,	 /* struct option_places: DEV [ingress|egress|xdp] ...; may be repeated */
};

enum option_flags {
	OPTION_REQUIRED = 1,
	OPTION_FIRST = 2,  /* an argument: always the first word, even if an option has that name */
	OPTION_LAST = 4,   /* recognized only at the end, after at least MIN arguments (`KEY ... sum`) */
	OPTION_HIDDEN = 8, /* accepted, but not in usage and completion */
};

/* What completes a value. */
enum option_completion {
	COMPLETE_NOTHING,
	COMPLETE_FILE,
	COMPLETE_PIN,
	COMPLETE_FILE_OR_PIN,
	COMPLETE_PIN_DIR,
	COMPLETE_DEV,
	COMPLETE_SECTION,
	COMPLETE_TYPES,
	COMPLETE_PROG_TYPE,
};

struct option_choice {
	const char *word; /* NULL ends the list */
	int value;
	bool is_hidden; /* accepted, but not in usage and completion */
};

struct option_words {
	char **words;
	int nr;
};

#define OPTION_MAX_PLACES 64

struct option_places {
	struct option_place {
		const char *dev;
		const char *where; /* "ingress", "egress", "xdp"; NULL: all hooks of the device */
	} at[OPTION_MAX_PLACES];
	size_t nr;
};

struct option_row {
	const char *words; /* name and aliases, "prio|pref|priority"; NULL: an argument */
	const char *value; /* of the value or argument in the usage, "P", "FILE|PIN"; NULL: a flag or choice */
	unsigned int flags;
	enum option_kind kind; /* this and the members up to READ are set by the macros below */
	size_t at;	       /* offset in the request */
	double min, max;
	const struct option_choice *choices;
	int (*read)(char *word, void *to, struct elfmap_msg *msg); /* 0, or -EINVAL and MSG */
	const char *unless; /* an option that excludes this one, and replaces it if it is required */
	const char *needs;  /* an option that this one requires */
	enum option_completion completes;
	const char *help; /* one line, lower case, no full stop */
};

/* The members KIND to READ of a row. A member of another type does not compile. */
#define OPTION_OFFSET(request, member, type) \
	(offsetof(request, member) +         \
	 !sizeof(char[__builtin_types_compatible_p(__typeof__(((request *)0)->member), type) ? 1 : -1]))
#define OPTION_FLAG_AT(request, member) .kind = OPTION_FLAG, .at = OPTION_OFFSET(request, member, bool)
#define OPTION_TEXT_AT(request, member) .kind = OPTION_TEXT, .at = OPTION_OFFSET(request, member, const char *)
#define OPTION_WORDS_AT(request, member) .kind = OPTION_WORDS, .at = OPTION_OFFSET(request, member, struct option_words)
#define OPTION_SETTINGS_AT(request, member) \
	.kind = OPTION_SETTINGS, .at = OPTION_OFFSET(request, member, struct elfmap_settings)
#define OPTION_PLACES_AT(request, member) \
	.kind = OPTION_PLACES, .at = OPTION_OFFSET(request, member, struct option_places)
#define OPTION_NUMBER_AT(request, member, least, most) \
	.kind = OPTION_NUMBER, .at = OPTION_OFFSET(request, member, __u32), .min = (least), .max = (most)
#define OPTION_CHOICE_AT(request, member, list)   \
	.kind = OPTION_CHOICE, .choices = (list), \
	.at = offsetof(request, member) + !sizeof(char[sizeof(((request *)0)->member) == sizeof(int) ? 1 : -1])
#define OPTION_READ_AT(request, member, function) \
	.kind = OPTION_READ, .at = offsetof(request, member), .read = (function)

/* A row `type TYPE` for a program type, a __u32; BPF_PROG_TYPE_UNSPEC: not given. More members may follow. */
#define OPTION_PROG_TYPE_ROW(request, member, ...)                                                                    \
	{                                                                                                             \
		"type", "TYPE", 0, OPTION_READ_AT(request, member, options__read_prog_type),                          \
			.completes = COMPLETE_PROG_TYPE, .help = "of program, such as cls, act or xdp", ##__VA_ARGS__ \
	}
int options__read_prog_type(char *word, void *to, struct elfmap_msg *msg);

/* The options of every verb, and which of its own were given. */
struct options_common {
	bool json, pretty;
	const char *netns; /* NULL: the caller's */
	__u64 given;	   /* bit N: row N */
};

/* Parses one of the options of every verb at *AT. 1: parsed, *AT is behind it; 0: another word; -EINVAL: it is the last
 * word, and requires a value. */
int options__take_common(int argc, char **argv, int *at, struct options_common *common);

/* Parses the words after argv[0] into REQUEST, which must be zeroed, and COMMON. Does not print, exit or call the
 * kernel. REQUEST points into the words; argv is reordered. -EINVAL: wrong usage (EXIT_USAGE), see MSG. */
int options__parse(const struct option_row *rows, int argc, char **argv, void *request, struct options_common *common,
		   struct elfmap_msg *msg);

/* The row of the option WORD. */
#define OPTIONS_NO_ROW ((size_t)-1)
size_t options__find(const struct option_row *rows, const char *word);

/* Was the option NAME given? NAME is its first word, or the name of an argument. */
bool options__has(const struct option_row *rows, const struct options_common *common, const char *name);

/* Prints " FILE [sec NAME] dev DEV ingress|egress", for the usage line. */
void options__print_usage(FILE *to, const struct option_row *rows);
/* Prints a line for each row that has a help text. */
void options__print_help(FILE *to, const struct option_row *rows);

/* Finds the one of CANDIDATES ("a|b|c") of which WORD is probably a misspelling. NEAREST keeps the best of several
 * calls; initialize its distance with ELFMAP_FAR. */
void options__find_nearest(const char *word, const char *candidates, struct elfmap_nearest *nearest);

#endif
