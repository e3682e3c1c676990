/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the verbs of the command `elfmap` share: the table's row, exit statuses, messages, output.
 * A verb gets its request, which its table of options was read into, queries into a struct, and renders that struct
 * afterwards: plain or JSON.
 */
#ifndef ELFMAP_COMMAND_H
#define ELFMAP_COMMAND_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>

#include "elfmap.h"
#include "helpers/complain.h"
#include "helpers/options.h"

/* A verb, or a verb below a verb ("map dump"). It stands in the file that does its work; a table of verbs is an array
 * of pointers that ends in NULL. Usage, help and completion come from OPTIONS. */
struct verb {
	const char *name;
	const char *summary; /* one line, lower case, no full stop */
	/* Gets the request, and returns the exit status. 2, after a complaint, has the usage printed. NULL: it is the
	 * launcher's, or the verbs below it do the work. */
	int (*run)(const void *request);
	const struct option_row *options;
	size_t request_size;
	bool changes; /* something on the system: it is not run by an abbreviation */
	const struct verb *const *below;
	const char *arguments; /* for the usage, where there are no OPTIONS */
};

/* Finds argv[0] in TABLE, reads the words behind it, and runs it. PREFIX is what stands before it in the usage
 * ("elfmap"). `help`, `-h`, `--help`: the table, or the verb's usage, on stdout, status 0; no verb, an unknown one, or
 * wrong words: on stderr, status 2. */
int verbs__run(const struct verb *const *table, const char *prefix, int argc, char **argv);

/* The verb that WORD names: exactly, or as its only abbreviation; `l` is list and `s` is show. NULL: MSG says why not,
 * and what could be meant. */
const struct verb *verbs__find(const struct verb *const *table, const char *prefix, const char *word,
			       struct elfmap_msg *msg);

/* Returns STATUS, for a verb whose status 2 is an error that it has reported (as that of diff(1) is): the usage line is
 * not printed. */
int without_usage(int status);

/* Prints what the last of argv can become, a candidate a line; see completion/elfmap.bash. */
int verbs__complete(const struct verb *const *table, int argc, char **argv);

/* ---- output: with -j stdout is one JSON text: what the verb prints; else what it did, from its request; else its
 * first complaint, as {"error": ...}. */

/* -j and -p, wherever on the line they stood (before or after the verb's words). */
#define OUTPUT_ADDED 8

struct output {
	bool json;
	bool pretty;
	bool is_written; /* something was printed as JSON */
	struct {
		const char *name;
		json_object *value;
	} added[OUTPUT_ADDED];
	size_t nr_added;
};
extern struct output output;

/* Prints ROOT on stdout as -j or -p asks for it, with a line end, and frees it. */
void print_json(json_object *root);

/* Prints SIZE bytes. What is printed by itself, and not by print_json(), goes through here. */
void output__write(const char *bytes, size_t size);

/* Prints what is in BUFFER if that are LEAST bytes, and empties it. -ENOMEM, -EIO. */
struct elfmap_buffer;
int flush_output(struct elfmap_buffer *buffer, size_t least);

/* What a silent verb did, beyond what its request says: a member of the object that -j prints. VALUE is taken over. */
void output__add(const char *name, json_object *value);

/* Long output: a large buffer for stdout; and a complaint if not all of it could be written. Returns the exit status.
 */
void begin_output(void);
int end_output(void);

/* Prints what the verb called NAME ("map set") did, or its complaint, if it has printed nothing and JSON is asked for.
 * Returns STATUS, or a failure if the output does not arrive. */
int output__finish(int status, const char *name, const struct option_row *rows, const struct options_common *common,
		   const void *request);

/* The verbs. */
extern const struct verb show_verb, check_verb, convert_verb, decl_verb, load_verb, unload_verb, attach_verb,
	detach_verb, graft_verb, upgrade_verb, apply_verb, doctor_verb, map_verb, cgroup_verb;

#endif
