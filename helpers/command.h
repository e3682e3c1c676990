/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verbs of the command `elfmap` share: struct verb, messages, output. A verb gets its request, which was
 * parsed by its table of options, queries into a struct, and then prints that struct as plain text or JSON.
 */
#ifndef ELFMAP_COMMAND_H
#define ELFMAP_COMMAND_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "elfmap.h"
#include "helpers/complain.h"
#include "helpers/options.h"

/* A verb, or a verb of a verb ("map dump"). A table of verbs is an array of pointers that ends with NULL. Usage, help
 * and completion come from OPTIONS. */
struct verb {
	const char *name;
	const char *summary; /* one line, lower case, no full stop */
	/* Gets the request, and returns the exit status; with EXIT_USAGE the usage is printed. NULL: the launcher runs
	 * it, or it has verbs of its own. */
	int (*run)(const void *request);
	const struct option_row *options;
	size_t request_size;
	bool changes; /* it changes something: it cannot be abbreviated */
	const struct verb *const *below;
	const char *arguments; /* for the usage, if there are no OPTIONS */
};

/* Finds argv[0] in TABLE, parses the words after it, and runs it. PREFIX precedes it in the usage ("elfmap"). `help`,
 * `-h` and `--help` print the table or the verb's usage on stdout, status 0. Wrong usage: on stderr, status 2. */
int verbs__run(const struct verb *const *table, const char *prefix, int argc, char **argv);

/* The verb WORD, or the only one that it abbreviates; `l` is list and `s` is show. NULL: see MSG, which may suggest a
 * verb. */
const struct verb *verbs__find(const struct verb *const *table, const char *prefix, const char *word,
			       struct elfmap_msg *msg);

/* Returns STATUS, and suppresses the usage: for a verb whose status 2 is an error, as in diff(1). */
int without_usage(int status);

/* Prints completions of the last word, one per line; see complete.c. */
int verbs__complete(const struct verb *const *table, int argc, char **argv);

/* ---- output ----------------------------------------------------------------------------------------------- */

/* With -j stdout is always one JSON text: what the verb prints, or what it did, or its first complaint as
 * {"error": ...}. */

#define OUTPUT_ADDED 8

struct output {
	bool json;
	bool pretty;
	bool is_written; /* something was printed */
	struct {
		const char *name;
		json_object *value;
	} added[OUTPUT_ADDED];
	size_t nr_added;
};
extern struct output output;

/* Prints ROOT on stdout, in one line or pretty, and frees it. */
void print_json(json_object *root);

/* Prints SIZE bytes on stdout. With -j all output must go through here or print_json(). */
void output__write(const char *bytes, size_t size);

/* Prints and empties BUFFER if it has at least LEAST bytes. -ENOMEM, -EIO. */
struct elfmap_buffer;
int flush_output(struct elfmap_buffer *buffer, size_t least);
/* Writes and empties BUFFER at once, with all before it. -EIO, with errno, and the text is dropped: end_output()
 * reports it. */
int write_output(struct elfmap_buffer *buffer);

/* Adds a member to the object that -j prints for a verb without output. Takes ownership of VALUE. */
void output__add(const char *name, json_object *value);

/* For long output: sets a large buffer for stdout; flushes it, and complains on failure. Returns the exit status. */
void begin_output(void);
int end_output(void);

/* With -j, if the verb NAME ("map set") has printed nothing: prints what it did, or its complaint. Returns STATUS, or
 * EXIT_FAILURE if stdout cannot be written. */
int output__finish(int status, const char *name, const struct option_row *rows, const struct options_common *common,
		   const void *request);

/* The verbs. */
extern const struct verb show_verb, check_verb, convert_verb, decl_verb, load_verb, unload_verb, attach_verb,
	detach_verb, graft_verb, upgrade_verb, apply_verb, doctor_verb, gc_verb, map_verb, cgroup_verb;

#endif
