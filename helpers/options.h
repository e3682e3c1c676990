/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The options of a verb as a table. Parsing, usage, help, completion and the complaints that are the same everywhere
 * come from its rows. argp and popt cannot read `dev v0 ingress prio 1`.
 *
 *	struct request { const char *pin; __u32 prio; bool egress; };
 *	static const struct option_row rows[] = {
 *		{NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(struct request, pin), .completes =
 *COMPLETE_PIN}, COMPLETE_PIN},
 *		{"prio|pref", "P", 0, OPTION_NUMBER_AT(struct request, prio, 1, 0xffff), .help = "priority of the
 *filter"},
 *		{},
 *	};
 */
#ifndef ELFMAP_OPTIONS_H
#define ELFMAP_OPTIONS_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "elfmap.h"

enum option_kind {
	OPTION_END,    /* the row after the last one */
	OPTION_FLAG,   /* bool; takes no value */
	OPTION_TEXT,   /* const char * */
	OPTION_NUMBER, /* __u32 */
	OPTION_CHOICE, /* int, of the word in CHOICES; without WORDS the choice itself is the option (`ingress|egress`)
			*/
	OPTION_WORDS,  /* struct option_words: an argument that is repeated */
	OPTION_READ,   /* READ stores it */
};

enum option_flags {
	OPTION_REQUIRED = 1,
	OPTION_FIRST = 2,  /* an argument: the first word is it, even if an option has the same name */
	OPTION_LAST = 4,   /* an option only as the last word or words, after at least MIN arguments (`KEY ... sum`) */
	OPTION_HIDDEN = 8, /* accepted, but in no usage and no completion */
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
	bool is_hidden; /* taken, but in no usage and no completion */
};

struct option_words {
	char **words;
	int nr;
};

struct option_row {
	const char *words; /* name and aliases, "prio|pref|priority"; NULL: an argument without a name */
	const char *value; /* its name in the usage, "P", "FILE|PIN"; NULL: a flag or a choice */
	unsigned int flags;
	enum option_kind kind; /* by one of the macros below, as the members to READ */
	size_t at;	       /* offset in the request */
	double min, max;
	const struct option_choice *choices;
	int (*read)(char *word, void *to, struct elfmap_msg *msg); /* 0, or -EINVAL with what is wrong in MSG */
	const char *unless; /* name of an option with which this one is neither required nor allowed */
	const char *needs;  /* name of an option without which this one is not allowed */
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
#define OPTION_NUMBER_AT(request, member, least, most) \
	.kind = OPTION_NUMBER, .at = OPTION_OFFSET(request, member, __u32), .min = (least), .max = (most)
#define OPTION_CHOICE_AT(request, member, list)   \
	.kind = OPTION_CHOICE, .choices = (list), \
	.at = offsetof(request, member) + !sizeof(char[sizeof(((request *)0)->member) == sizeof(int) ? 1 : -1])
#define OPTION_READ_AT(request, member, function) \
	.kind = OPTION_READ, .at = offsetof(request, member), .read = (function)

/* A row `type TYPE`, of a program, into a __u32; BPF_PROG_TYPE_UNSPEC: none was named. What else the row has may
 * follow. */
#define OPTION_PROG_TYPE_ROW(request, member, ...)                                                                    \
	{                                                                                                             \
		"type", "TYPE", 0, OPTION_READ_AT(request, member, options__read_prog_type),                          \
			.completes = COMPLETE_PROG_TYPE, .help = "of program, such as cls, act or xdp", ##__VA_ARGS__ \
	}
int options__read_prog_type(char *word, void *to, struct elfmap_msg *msg);

/* The options that every verb has, and which of its own were given. */
struct options_common {
	bool json, pretty;
	const char *netns; /* NULL: the caller's */
	__u64 given;	   /* bit N: row N */
};

/* Takes the options that every verb has, from *AT on: one word, or two. 1: taken, and *AT is behind it; 0: it is no
 * such option; -EINVAL. */
int options__take_common(int argc, char **argv, int *at, struct options_common *common, struct elfmap_msg *msg);

/* Reads the words behind argv[0] into REQUEST, which the caller has zeroed, and COMMON. Neither prints nor exits nor
 * asks the system for anything. Words stay where they are in memory, but argv is sorted. -EINVAL: the words are wrong
 * (EXIT_USAGE), and MSG says which and why. */
int options__parse(const struct option_row *rows, int argc, char **argv, void *request, struct options_common *common,
		   struct elfmap_msg *msg);

/* The row of the option that WORD is. */
#define OPTIONS_NO_ROW ((size_t)-1)
size_t options__find(const struct option_row *rows, const char *word);

/* Was the option called NAME (its first word, or the value's name of an argument) given? */
bool options__has(const struct option_row *rows, const struct options_common *common, const char *name);

/* " FILE [sec NAME] dev DEV ingress|egress", for the usage line. */
void options__print_usage(FILE *to, const struct option_row *rows);
/* A line for each row that has a help text. */
void options__print_help(FILE *to, const struct option_row *rows);

/* Of CANDIDATES ("a|b|c") the one that WORD, which is none of them, is probably meant to be. The best of several calls
 * stays in RET_NEAREST, with its distance in *DISTANCE, which the caller sets to OPTIONS_FAR first. */
#define OPTIONS_FAR 100
struct option_nearest {
	char word[40]; /* "": nothing is near */
	size_t distance;
};
void options__find_nearest(const char *word, const char *candidates, struct option_nearest *nearest);

#endif
