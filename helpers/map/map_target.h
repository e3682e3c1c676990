/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The pinned map that a verb works on, and entries of it in the words of a command line. */
#ifndef ELFMAP_MAP_TARGET_H
#define ELFMAP_MAP_TARGET_H

#include <limits.h>

#include "helpers/options.h"
#include "map/fill.h"
#include "map/map.h"
#include "map/resolve.h"
#include "text/values.h"

struct target {
	const char *pin; /* as the user named it */
	char path[PATH_MAX];
	struct elfmap_reader map;
	struct elfmap_resolver *resolver;
};

/* Rows of options, for requests with the members `pin` and `words`. */
#define PIN_ROW(request)                                                                                             \
	{                                                                                                            \
		NULL, "PIN", OPTION_REQUIRED | OPTION_FIRST, OPTION_TEXT_AT(request, pin), .completes = COMPLETE_PIN \
	}
#define TYPES_ROW(request)                                                                        \
	{                                                                                         \
		"types", "KEY:VALUE", 0, OPTION_READ_AT(request, words, target__read_types),      \
			.completes = COMPLETE_TYPES, .help = "types of keys and values, ipv4:u64" \
	}
/* The same as two words each; `value` alone is the value of all lines of a file that has keys only. */
#define KEY_TYPE_ROW(request)                                                                                         \
	{                                                                                                             \
		"key", "TYPE", OPTION_HIDDEN, OPTION_TEXT_AT(request, words.key), .needs = "value", .unless = "types" \
	}
#define VALUE_ROW(request)                                                                                            \
	{                                                                                                             \
		"value", "VALUE", 0, OPTION_TEXT_AT(request, value), .help = "the value of all lines, which are keys" \
	}
#define VALUE_TYPE_ROW(request)                                                                         \
	{                                                                                               \
		"value", "TYPE", OPTION_HIDDEN, OPTION_TEXT_AT(request, words.value), .needs = "key",   \
										      .unless = "types" \
	}
/* KEY:VALUE into struct elfmap_type_words. */
int target__read_types(char *word, void *to, struct elfmap_msg *msg);

/* Opens the map that PIN names. WORDS: what it has, or NULL. Complains, and returns an exit status. */
int target__open(struct target *target, const char *pin, enum elfmap_access access,
		 const struct elfmap_type_words *words);
void target__close(struct target *target);

/* Words as one line of text, for struct elfmap_text; free() it. NULL: no memory. */
char *join_words(const struct option_words *words);

/* One entry in the words that dump uses, for messages: "KEY", cut short where it is long. */
void target__describe_key(const struct target *target, const void *key, char *text, size_t size);

/* Ends KEEPER, and complains if the names that belong to what JOB wrote could not be kept. */
void target__end_names(const struct target *target, struct elfmap_name_keeper *keeper, const struct elfmap_job *job);

/* An entry on stdout, as dump prints it, or as one JSON object. Returns an exit status. */
int target__print_entry(const struct target *target, const void *key, const void *value, bool sum);

/* Can copies of its value be added up? Is it a queue or a stack? Complain, and return an exit status. */
int target__check_sum(const struct target *target);
int target__check_queue(const struct target *target);

/* Programs and maps by their ids become descriptors, which is what the kernel takes. */
int target__open_objects(const struct target *target, void *value, struct elfmap_msg *msg);

#endif
